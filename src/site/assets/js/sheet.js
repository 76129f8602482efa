// What can be done with a message, on a sheet from below: for fingers that stayed on it.

import { openDialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { usual } from "./emoji.js";
import { store } from "./store.js";

/** Opens the sheet of a message. `on` has `choices`, `toggle(emoji)` and `pick()`. */
export function openSheet(message, { choices, toggle, pick }) {
  // The finger that opened it may still be there, and is not to choose by being lifted.
  let isMeant = false;
  const act = (class_, words, run, ...children) =>
    h(
      "button",
      {
        class: class_,
        type: "button",
        "aria-label": words,
        onclick: (event) => {
          if (!isMeant && event.detail > 0) return;
          close();
          run();
        },
      },
      children,
    );
  const quick = (emoji) =>
    act("button bare emoji", `React with ${emoji}`, () => toggle(emoji), emoji);
  const other = act("button bare", "Add a reaction", pick, icon("smile"));
  const choice = ({ label, icon: picture, run, danger }) =>
    act(danger ? "deed danger" : "deed", label, run, icon(picture), label);
  const { close, element } = openDialog({
    title: store.called(message.from),
    body: [
      !message.deleted && h("div", { class: "quick" }, usual(5).map(quick), other),
      choices.map(choice),
    ],
    kind: "sheet",
  });
  element.addEventListener("pointerdown", () => (isMeant = true), { capture: true });
}
