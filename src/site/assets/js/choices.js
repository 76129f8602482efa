// What somebody has chosen for this browser: sound, desktop notifications, and how things look.

const NAME = "parlour-choices";

const USUAL = { desktop: false, sound: false, soundFor: "mentions" };

const listeners = new Set();

/** What is chosen. */
export function choices() {
  try {
    return { ...USUAL, ...JSON.parse(localStorage.getItem(NAME) ?? "{}") };
  } catch {
    return { ...USUAL };
  }
}

/** Chooses; what is not said stays. */
export function choose(changes) {
  try {
    localStorage.setItem(NAME, JSON.stringify({ ...choices(), ...changes }));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
  for (const listener of listeners) listener(choices());
}

/** Calls `listener` when something else is chosen, here or in another tab. */
export function onChoice(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

addEventListener("storage", (event) => {
  if (event.key === NAME) for (const listener of listeners) listener(choices());
});
