// The panel beside the room: one thing at a time, the members, a search, or notices. `main.js` has made its
// place; the rest comes when something is opened in it first.

import { fill, h } from "./dom.js";
import { iconButton, style } from "./parts.js";

await style("over");

const place = document.getElementById("panel");

let open = null;

place.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) closePanel();
});

/** What is open: the name that it was opened with, or null. */
export const openedPanel = () => open?.name ?? null;

/** Those who show by a button what is open hear of it. */
const tell = () => document.dispatchEvent(new CustomEvent("panel", { detail: openedPanel() }));

/**
 * Opens something in the panel, or closes it if it is open. `build(body, tools)` fills it and may give a
 * function that is called when it is closed; `tools` is a place for buttons beside the title.
 */
export function togglePanel(name, title, build) {
  if (open?.name === name) closePanel();
  else openPanel(name, title, build);
}

/** Opens something in the panel instead of what is there. */
export function openPanel(name, title, build) {
  const opener = open?.opener?.isConnected ? open.opener : document.activeElement;
  open?.end?.();
  const heading = h("h2", { id: "panel-title", tabindex: "-1" }, title);
  const tools = h("div", { class: "tools" });
  const body = h("div", { class: "body" });
  const closing = iconButton("close", "Close", () => closePanel());
  fill(place, h("header", {}, heading, tools, closing), body);
  place.setAttribute("aria-labelledby", "panel-title");
  place.hidden = false;
  document.body.classList.add("with-panel");
  open = { name, opener, end: null };
  const here = open;
  Promise.resolve(build(body, tools)).then((end) => {
    if (open === here) here.end = end;
    else end?.();
  });
  (body.querySelector("[autofocus]") ?? heading).focus();
  tell();
}

/** Closes the panel, and gives focus back to where it came from. */
export function closePanel() {
  if (!open) return;
  const { opener, end } = open;
  const hadFocus = place.contains(document.activeElement);
  open = null;
  end?.();
  place.hidden = true;
  place.replaceChildren();
  document.body.classList.remove("with-panel");
  if (hadFocus && opener?.isConnected) opener.focus();
  tell();
}

/** Another page comes: the members go with their room, and all goes where there is no room beside it. */
export function leavePanel() {
  const isNarrow = matchMedia("(max-width: 1000px)").matches;
  if (isNarrow || open?.name === "members") closePanel();
}
