// What stands where nothing is written yet: to whom it would be said.

import { store } from "./store.js";

/** Words for a room. */
export function placeholder(name) {
  const room = store.rooms.get(name);
  return `Message ${room?.kind === "direct" ? others(room.title) : `#${name}`}`;
}

/** The people of a direct room, but for me. */
function others(title) {
  const names = title.split(", ").filter((name) => !store.isMe(name));
  return names.map(store.called).join(", ") || title;
}
