// What was begun in each room and not said yet.

const NAME = "parlour-draft-";

/** What was begun in a room: `{text, reply_to}`, both perhaps not there. */
export function draftOf(room) {
  try {
    return JSON.parse(localStorage.getItem(NAME + room) ?? "{}");
  } catch {
    return {};
  }
}

/** Keeps what was begun; nothing, if it is nothing. */
export function keepDraft(room, { text, reply_to }) {
  try {
    if (text.trim() === "" && reply_to === undefined) localStorage.removeItem(NAME + room);
    else localStorage.setItem(NAME + room, JSON.stringify({ text, reply_to }));
  } catch {
    // A browser that keeps nothing has its drafts until the room is left.
  }
}
