// Who there is: pictures and names of people, read once, and one by one for those who come later.

import { api } from "./api.js";
import { store } from "./store.js";

/** Pages that are read at once; whoever is not on them is looked up when they are seen. */
const PAGES = 5;

const asked = new Set();

/** Reads who there is. */
export async function learnPeople() {
  let after = "";
  try {
    for (let page = 0; page < PAGES; page += 1) {
      const { users, more } = await api.get(`/users?limit=200${after}`);
      for (const user of users) store.meet(user.name, user);
      if (!more) return;
      after = `&after=${encodeURIComponent(users.at(-1).name)}`;
    }
  } catch {
    // Names and initials do as well until the next time.
  }
}

/** Somebody has been seen of whom nothing but the name is known. */
export async function learnPerson(name) {
  if (asked.has(name) || store.people.get(name)?.created_at) return;
  asked.add(name);
  try {
    store.meet(name, await api.get(`/users/${encodeURIComponent(name)}`));
  } catch {
    // They were erased, and have no picture any more.
  }
}
