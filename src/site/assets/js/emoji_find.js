// Emoji by their names.

import { groups } from "./emoji_table.js";

/** Emoji whose names begin with a word, or else have it in them: `[[emoji, name], …]`. */
export function search(word, limit = 60) {
  const wanted = word.toLowerCase().replace(/[_-]/g, " ").trim();
  const found = [[], [], []];
  for (const { emoji } of groups) {
    for (const [picture, names] of emoji) {
      const all = names.split(",");
      const is = (test) => all.some(test);
      if (is((name) => name === wanted)) found[0].push([picture, all[0]]);
      else if (is((name) => name.startsWith(wanted))) found[1].push([picture, all[0]]);
      else if (is((name) => name.includes(wanted))) found[2].push([picture, all[0]]);
    }
  }
  return found.flat().slice(0, limit);
}
