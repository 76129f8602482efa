// The help: which keys do what.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

const isMac = /Mac|iP/.test(navigator.platform);
const command = isMac ? "⌘" : "Ctrl";

/** Groups of `[keys, what they do]`. */
const SHORTCUTS = [
  [
    "Everywhere",
    [
      [[command, "K"], "Jump to a room or a person"],
      [[command, "Shift", "F"], "Search"],
      [["Alt", "↑"], "The room above"],
      [["Alt", "↓"], "The room below"],
      [["Alt", "Shift", "↑"], "The unread room above"],
      [["Alt", "Shift", "↓"], "The unread room below"],
      [[command, "Shift", "U"], "Notifications"],
      [["Esc"], "Close what is open"],
      [["?"], "This help"],
    ],
  ],
  [
    "Writing",
    [
      [["Enter"], "Send"],
      [["Shift", "Enter"], "A new line"],
      [["↑"], "Edit your last message, in an empty box"],
      [["@"], "Mention somebody"],
      [["/"], "Commands"],
      [["Esc"], "Stop editing or replying"],
    ],
  ],
];

let isOpen = false;

/** Shows it. */
export function openHelp() {
  if (isOpen) return;
  isOpen = true;
  const keys = (all) =>
    all.map((key, at) => [
      at > 0 && h("span", { "aria-hidden": "true" }, " + "),
      h("kbd", {}, key),
    ]);
  const row = ([all, what]) => h("div", {}, h("dt", {}, keys(all)), h("dd", {}, what));
  const group = ([title, rows]) =>
    h("section", {}, h("h3", {}, title), h("dl", { class: "keys" }, rows.map(row)));
  openDialog({
    title: "Keyboard shortcuts",
    body: h("div", { class: "columns" }, SHORTCUTS.map(group)),
    kind: "wide",
    onclose: () => (isOpen = false),
  });
}
