// The list of all tests: a name in words, and what happens.

export const scenarios = [];

/**
 * Adds a test. `deed(world)` is it; with `alone` nothing else runs beside it, with `bare` it needs
 * neither a server nor a browser.
 */
export function scenario(name, deed, { alone = false, bare = false } = {}) {
  scenarios.push({ name, deed, alone, bare });
}
