// Changing what was said.

import { confirm } from "./dialog.js";
import { link } from "./link.js";
import { gist } from "./message.js";

/** Gives a message another text; without one it goes, if that is meant. Whether anything was done. */
export async function change(room, message, text) {
  const { seq } = message;
  if (text || message.attachment) {
    await link.call({ do: "edit", room, seq, text });
    return true;
  }
  const about = { title: "Delete this message?", text: gist(message), yes: "Delete", danger: true };
  if (!(await confirm(about))) return false;
  await link.call({ do: "delete", room, seq });
  return true;
}
