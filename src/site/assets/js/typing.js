// Who types: telling it of oneself, not too often, and saying it of others.

import { h } from "./dom.js";
import { link } from "./link.js";
import { store } from "./store.js";

/** The server tells it on for five seconds. */
const AGAIN_MS = 3500;

/** Tells a room that I type: `types()` each time, but not too often; after `said()` it begins anew. */
export function typist(room) {
  let last = 0;
  return {
    types() {
      const now = Date.now();
      if (now - last < AGAIN_MS) return;
      last = now;
      link.tell({ do: "typing", room });
    },
    said: () => (last = 0),
  };
}

/** A line that says who types; `close` ends it. */
export function typingLine(room) {
  const words = h("span", { dir: "auto" });
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const element = h("p", { class: "typing", "aria-live": "off" }, dots, words);
  const show = () => {
    const people = store.typing(room).map(({ display_name }) => display_name);
    element.classList.toggle("is-on", people.length > 0);
    words.textContent = sentence(people);
  };
  show();
  const off = store.on("typing", show);
  return { element, close: off };
}

function sentence(people) {
  if (people.length === 0) return "";
  if (people.length > 3) return "Several people are writing…";
  const names = new Intl.ListFormat("en", { type: "conjunction" }).format(people);
  return `${names} ${people.length === 1 ? "is" : "are"} writing…`;
}
