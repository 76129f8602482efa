// Telling the server up to where a room was read: what was on a screen that somebody may look at.

import { link } from "./link.js";
import { soon } from "./parts.js";
import { store } from "./store.js";

/** `isThere()` says whether the newest messages are on the screen. */
export function reader(room, log, isThere) {
  let sent = 0;

  /** Everything up to here was read, as far as this browser knows. */
  const upTo = () => Math.max(store.rooms.get(room)?.read ?? 0, sent);

  const mark = soon(() => {
    const about = store.rooms.get(room);
    if (!about || document.hidden || !isThere() || store.state !== "live") return;
    const seq = Math.max(log.last, log.messages.length ? 0 : about.seq);
    if (seq <= upTo()) return;
    sent = seq;
    link
      .call({ do: "read", room, seq })
      .then(({ read, mentions }) => store.changeRoom(room, { read, mentions }))
      .catch(() => (sent = 0));
  });

  return { mark, upTo };
}
