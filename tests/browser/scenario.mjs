// The list of all tests: a name in words, and what happens.

export const scenarios = [];

/**
 * Adds a test. `deed(world)` is it; with `alone` nothing else runs beside it, with `bare` it needs
 * neither a server nor a browser. After `limit` milliseconds it has failed.
 */
export function scenario(name, deed, { alone = false, bare = false, limit = 180_000 } = {}) {
  scenarios.push({ name, deed, alone, bare, limit });
}
