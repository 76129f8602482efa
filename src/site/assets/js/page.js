// Pages with parts: settings and administration. A head, links to the parts, and the part itself.

import { fill, h } from "./dom.js";
import { nothing } from "./parts.js";

/**
 * Shows a page. `parts` are `{part, label, build}`; `build(place)` fills the part and may give a
 * function that is called when another comes. The page's title.
 */
export function showPage(main, { title, base, parts, part, sideButton }) {
  const current = parts.find((it) => it.part === part) ?? parts[0];
  const place = h("section", { class: "part", "aria-labelledby": "part-title" });
  const tab = (it) =>
    h(
      "a",
      { href: `${base}/${it.part}`, "aria-current": it === current ? "page" : null },
      it.label,
    );
  fill(
    main,
    h(
      "header",
      { class: "room-head" },
      h("div", { class: "bar" }, sideButton, h("h1", { tabindex: "-1" }, title)),
    ),
    h(
      "div",
      { class: "page" },
      h("nav", { class: "tabs", "aria-label": title }, parts.map(tab)),
      h("div", { class: "paper" }, h("h2", { id: "part-title" }, current.label), place),
    ),
  );
  main.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  const end = current.build(place) ?? null;
  if (typeof end === "function") whenGone(place, end);
  return `${current.label} · ${title}`;
}

/** Calls `end` when an element is no longer in the page. */
function whenGone(element, end) {
  const watching = new MutationObserver(() => {
    if (element.isConnected) return;
    watching.disconnect();
    end();
  });
  watching.observe(document.getElementById("main"), { childList: true });
}

/** A part of a part, with a title and a text. */
export const block = (title, text, ...children) =>
  h(
    "section",
    { class: "block" },
    h("h3", {}, title),
    text && h("p", { class: "soft" }, text),
    children,
  );

/**
 * A table that is read on a phone, too: each cell says what it is. `columns` are `{label, of(row)}`,
 * what is behind it are buttons.
 */
export function table(caption, columns, rows, none) {
  if (rows.length === 0) return nothing(none);
  return h(
    "table",
    { class: "table" },
    h("caption", { class: "unseen" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((it) =>
          h("th", { scope: "col" }, it.label || h("span", { class: "unseen" }, "Actions")),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          columns.map((it) => h("td", { data: { label: it.label } }, it.of(row))),
        ),
      ),
    ),
  );
}
