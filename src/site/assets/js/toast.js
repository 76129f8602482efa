// Short words about what was just done, which go away by themselves. What has to be read stays in
// its place instead; nothing is said here alone that somebody could not do without.

import { h, icon } from "./dom.js";

const SHOWN_MS = 6000;

let place = null;

/** Where toasts appear: a live region, which is there before anything is said in it. */
export function toasts() {
  place ??= h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  return place;
}

/** Says something. `action` is `{label, run}`; `kind` is "" or "bad". */
export function toast(text, { action = null, kind = "" } = {}) {
  const close = () => {
    clearTimeout(timer);
    element.remove();
  };
  const button =
    action &&
    h(
      "button",
      {
        class: "button bare",
        type: "button",
        onclick: () => {
          close();
          action.run();
        },
      },
      action.label,
    );
  const element = h(
    "div",
    { class: `toast ${kind}` },
    h("span", { dir: "auto" }, text),
    button,
    h(
      "button",
      { class: "button bare", type: "button", "aria-label": "Dismiss", onclick: close },
      icon("close"),
    ),
  );
  let timer = setTimeout(close, SHOWN_MS);
  // Whoever is about to use it is not hurried.
  const hold = () => clearTimeout(timer);
  const release = () => {
    clearTimeout(timer);
    timer = setTimeout(close, SHOWN_MS);
  };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("pointerleave", release);
  element.addEventListener("focusout", release);
  const all = toasts();
  all.append(element);
  while (all.children.length > 3) all.firstChild.remove();
  return close;
}

/** Says why something was not done. */
export const complain = (refusal) =>
  toast(refusal?.message || "That did not work.", { kind: "bad" });
