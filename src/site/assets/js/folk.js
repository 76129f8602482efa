// People as the parts around the room need them: who a conversation is with, and how they are there just
// now.

import { store } from "./store.js";

/** Somebody as far as they are known. */
export const personOf = (name) => store.people.get(name) ?? { name, display_name: name };

/** How somebody is there: in a room where they are seen, or as they were seen last. */
export function presenceOf(name, room = null) {
  if (store.isMe(name)) return store.me.away ? "away" : "online";
  const here = room && store.online(room).get(name);
  return here || store.people.get(name)?.presence || "offline";
}

/** The people of a direct conversation but oneself; oneself alone if it is with nobody else. */
export function companions(room) {
  const names = (room.people ?? []).filter((name) => !store.isMe(name));
  return (names.length ? names : [store.me.name]).map(personOf);
}
