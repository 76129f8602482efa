// Messages that others answer to: those that are not in the page are read one by one, once each.

import { link } from "./link.js";
import { store } from "./store.js";

/** What elements of messages need to know of quoted ones; `tell` is called when one has come. */
export function quotes(log, room, tell) {
  const found = new Map();

  function quoted(seq) {
    const here = log.get(seq) ?? found.get(seq);
    if (here || found.has(seq)) return here ?? undefined;
    found.set(seq, null);
    link
      .call({ do: "history", room, around: seq, limit: 1 })
      .then(({ messages }) => {
        const message = messages.find((it) => it.seq === seq);
        if (!message) return;
        found.set(seq, message);
        tell();
      })
      .catch(() => found.delete(seq));
    return undefined;
  }

  /** What a message with a quote looks like, besides itself. */
  function lookOfQuote({ reply_to }) {
    if (reply_to == null) return "";
    const message = log.get(reply_to) ?? found.get(reply_to);
    return message ? `${message.version} ${store.called(message.from)}` : "?";
  }

  return { quoted, lookOfQuote };
}
