// Search: over all rooms or one, with what was found marked, and a jump to where it was said.

import { api, query } from "./api.js";
import { avatar } from "./avatar.js";
import { fill, h } from "./dom.js";
import { personOf } from "./folk.js";
import { leavePanel, openedPanel, openPanel, togglePanel } from "./panel.js";
import { nothing } from "./parts.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";
import { ago } from "./since.js";
import { full, plural } from "./time.js";

const PAGE = 50;

/** What was looked for last: closing the panel does not lose it. */
let last = { text: "", everywhere: true };

/** Opens the search in the panel, or closes it. `room` is the one that one is in. */
export function toggleSearch(room) {
  togglePanel("search", "Search", (body) => build(body, room));
}

/** Opens it and looks for a text at once. */
export function searchFor(text, room = null) {
  last = { text, everywhere: !room };
  if (openedPanel() === "search") openPanel("search", "Search", (body) => build(body, room));
  else toggleSearch(room);
}

/** A snippet of the server, HTML with nothing but `<mark>` and references, as nodes. */
export function snippet(html) {
  const parts = html.split(/<mark>(.*?)<\/mark>/s);
  return parts.map((part, at) => (at % 2 ? h("mark", {}, unescape_(part)) : unescape_(part)));
}

const REFERENCES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };

const unescape_ = (text) => text.replace(/&(?:lt|gt|quot|amp|#39);/g, (it) => REFERENCES[it]);

function build(body, room) {
  const known = room ? store.rooms.get(room) : null;
  let timer = 0;
  let asking = null;
  const input = h("input", {
    class: "input",
    type: "search",
    "aria-label": "Search for",
    placeholder: "Search messages",
    autofocus: true,
    autocomplete: "off",
    enterkeyhint: "search",
    dir: "auto",
    value: last.text,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(look, 250);
    },
    onkeydown: (event) => {
      if (event.key === "ArrowDown") list.querySelector("a")?.focus();
      else if (event.key === "Enter") look();
      else return;
      event.preventDefault();
    },
  });
  const everywhere = h("input", {
    type: "checkbox",
    checked: last.everywhere || !known,
    onchange: () => look(),
  });
  const status = h("p", { class: "soft", role: "status" });
  const list = h("ol", { class: "hits", onkeydown: move });
  fill(
    body,
    h(
      "form",
      { class: "form search", role: "search", onsubmit: (event) => event.preventDefault() },
      input,
      known && h("label", { class: "choice" }, everywhere, h("span", {}, "In all rooms")),
    ),
    status,
    list,
  );
  if (last.text) look();
  queueMicrotask(() => input.select());

  function move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const links = [...list.querySelectorAll("a")];
    const to = links.indexOf(document.activeElement) + step;
    (to < 0 ? input : links[to])?.focus();
  }

  async function look() {
    clearTimeout(timer);
    asking?.abort();
    const text = input.value.trim();
    last = { text, everywhere: everywhere.checked };
    if (!text) {
      status.textContent = 'Words, or "a phrase".';
      return fill(list);
    }
    const mine = (asking = new AbortController());
    const where = everywhere.checked ? null : room;
    try {
      const { hits, more } = await api.get(
        `/search${query({ query: text, room: where, limit: PAGE })}`,
        { signal: mine.signal },
      );
      const count = plural(hits.length, { one: "# message", other: "# messages" });
      status.textContent = more ? `The best ${hits.length}. More words find less.` : count;
      fill(list, hits.map(hit));
      if (!hits.length) {
        status.textContent = "";
        fill(
          list,
          h(
            "li",
            {},
            nothing(
              "Nothing found.",
              where ? "Perhaps in another room." : "Try fewer words, or others.",
            ),
          ),
        );
      }
    } catch (refusal) {
      if (refusal.name !== "AbortError") status.textContent = refusal.message;
    }
  }
}

function hit(it) {
  const room = store.rooms.get(it.room);
  const person = { ...personOf(it.from), display_name: it.display_name };
  const path = roomPath(it.room, it.seq);
  return h(
    "li",
    {},
    h(
      "a",
      { href: path, onclick: (event) => jump(event, path) },
      avatar(person),
      h(
        "span",
        { class: "text" },
        h(
          "span",
          {},
          h("strong", { dir: "auto" }, it.display_name),
          " in ",
          h("span", { dir: "auto" }, room?.title ?? it.room),
        ),
        h("span", { class: "excerpt", dir: "auto" }, snippet(it.snippet)),
        h("time", { class: "soft", datetime: it.at, title: full(it.at) }, ago(it.at)),
      ),
    ),
  );
}

/** Results stay open beside the room, for the next one; on a phone there is no room beside. */
function jump(event, path) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  leavePanel();
  go(path);
}
