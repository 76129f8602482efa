// The help: which keys do what.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { SHORTCUTS } from "./keys.js";

let isOpen = false;

/** Shows it. */
export function openHelp() {
  if (isOpen) return;
  isOpen = true;
  const keys = (all) => all.map((key, at) => [at > 0 && h("span", { "aria-hidden": "true" }, " + "), h("kbd", {}, key)]);
  const row = ([all, what]) => h("div", {}, h("dt", {}, keys(all)), h("dd", {}, what));
  const group = ([title, rows]) => h("section", {}, h("h3", {}, title), h("dl", { class: "keys" }, rows.map(row)));
  openDialog({
    title: "Keyboard shortcuts",
    body: h("div", { class: "columns" }, SHORTCUTS.map(group)),
    kind: "wide",
    onclose: () => (isOpen = false),
  });
}
