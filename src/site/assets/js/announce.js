// What has come, said to a screen reader: each message, or how many if they are more than one
// listens to.

import { h } from "./dom.js";
import { gist } from "./message.js";
import { store } from "./store.js";

const SAID_MAX = 5;

/** A live region; `add(message)` and then `flush()`. */
export function announcer() {
  const element = h("div", {
    class: "unseen",
    role: "log",
    "aria-live": "polite",
    "aria-label": "New messages",
  });
  let unsaid = [];
  return {
    element,
    add: (message) => unsaid.push(message),
    flush() {
      if (unsaid.length === 0) return;
      const few = unsaid.map((message) => `${store.called(message.from)}: ${gist(message)}`);
      const all = few.length > SAID_MAX ? [`${few.length} new messages`] : few;
      unsaid = [];
      element.append(...all.map((words) => h("p", {}, words)));
      while (element.children.length > SAID_MAX) element.firstChild.remove();
    },
  };
}
