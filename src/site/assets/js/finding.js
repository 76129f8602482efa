// Finding: people by a few letters, and how well a text is what somebody typed.

import { api, query } from "./api.js";
import { store } from "./store.js";

/** People whose name or display name begins with a text, from the server. */
export async function findPeople(text, options) {
  const { users } = await api.get(`/users${query({ query: text || null, limit: 30 })}`, options);
  for (const user of users) store.meet(user.name, user);
  return users.filter((user) => !user.disabled);
}

/** Without accents and capitals: whoever types "gart" means "Gärtnern". */
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

/**
 * How well a text is what somebody typed: higher is better, 0 is not at all. The letters have to come
 * in order; beginnings of words count most, so that "gd" finds "General Design".
 */
export function fits(text, typed) {
  const [within, sought] = [fold(text), fold(typed.trim())];
  if (!sought) return 1;
  const at = within.indexOf(sought);
  if (at === 0) return 1000 - within.length;
  if (at > 0) return (/[\p{L}\p{N}]/u.test(within[at - 1]) ? 400 : 700) - at;
  let score = 200;
  let from = 0;
  for (const letter of sought) {
    const found = within.indexOf(letter, from);
    if (found < 0) return 0;
    const begins = found === 0 || !/[\p{L}\p{N}]/u.test(within[found - 1]);
    score -= begins ? 0 : found - from;
    from = found + 1;
  }
  return Math.max(1, score);
}
