// Emoji: those that somebody uses most, and the picker, which is read when it is needed.

import { style } from "./parts.js";

const NAME = "parlour-emoji";
const USUAL = ["👍", "❤️", "😄", "🎉", "👀", "🙏", "🔥", "✅"];

function counts() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}");
  } catch {
    return {};
  }
}

/** The emoji that are used most here. */
export function usual(count) {
  const often = Object.entries(counts()).sort((a, b) => b[1] - a[1]);
  return [...new Set([...often.map(([emoji]) => emoji), ...USUAL])].slice(0, count);
}

/** An emoji was used. */
export function used(emoji) {
  const all = { ...counts(), [emoji]: (counts()[emoji] ?? 0) + 1 };
  const kept = Object.entries(all).sort((a, b) => b[1] - a[1]);
  try {
    localStorage.setItem(NAME, JSON.stringify(Object.fromEntries(kept.slice(0, 40))));
  } catch {
    // A browser that keeps nothing shows the usual ones.
  }
}

/** Lets somebody pick an emoji; a promise of it, or of null. */
export async function openPicker(button) {
  const [picker] = await Promise.all([import("./picker.js"), style("tools")]);
  return picker.openPicker(button);
}
