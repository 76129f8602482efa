// Dialogs: native ones, so that focus moves in and back, Escape closes, and what is behind is inert.

import { h, icon } from "./dom.js";
import { style } from "./parts.js";

await style("over");

let counter = 0;

/**
 * Opens a dialog with a title, a body (nodes) and actions (nodes, at its foot). What it gives has
 * `close(value)`, and `closed`, a promise of that value. `kind` is a class: "wide", "tall", "bare".
 */
export function openDialog({ title, body, actions = [], kind = "", onclose = null }) {
  const before = document.activeElement;
  const id = `dialog-${(counter += 1)}`;
  const heading = h("h2", { id, tabindex: "-1" }, title);
  const closing = h(
    "button",
    {
      class: "button bare close",
      type: "button",
      "aria-label": "Close",
      onclick: () => close(),
    },
    icon("close"),
  );
  const element = h(
    "dialog",
    { class: `dialog ${kind}`, "aria-labelledby": id },
    h("header", {}, heading, closing),
    h("div", { class: "body" }, body),
    actions.length > 0 && h("footer", {}, actions),
  );
  let value;
  const { promise: closed, resolve } = withResolvers();
  const close = (with_) => {
    value = with_;
    if (element.open) element.close();
  };
  element.addEventListener("close", () => {
    element.remove();
    // The browser gives focus back, but not if what had it is gone or was never a place for it.
    if (document.activeElement === document.body && before?.isConnected) before.focus();
    onclose?.(value);
    resolve(value);
  });
  // A click beside it closes it, a drag out of it that ends there does not.
  let pressed = null;
  element.addEventListener("pointerdown", (event) => (pressed = event.target));
  element.addEventListener("click", (event) => {
    if (event.target === element && pressed === element) close();
  });
  document.body.append(element);
  element.showModal();
  const first = element.querySelector("[autofocus], .body input, .body select, .body textarea");
  (first ?? element.querySelector("footer .main") ?? heading).focus();
  return { element, close, closed };
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** Asks whether something is meant; a promise of yes or no. */
export function confirm({ title, text, yes = "Yes", no = "Cancel", danger = false }) {
  const button = (label, class_, answer) =>
    h("button", { class: `button ${class_}`, type: "button", onclick: () => close(answer) }, label);
  const { close, closed } = openDialog({
    title,
    body: typeof text === "string" ? h("p", { dir: "auto" }, text) : text,
    actions: [button(no, "", false), button(yes, danger ? "danger main" : "main", true)],
    kind: "small",
  });
  return closed.then((answer) => answer === true);
}
