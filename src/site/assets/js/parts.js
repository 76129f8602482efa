// Small parts that many pages are put together from.

import { h, icon } from "./dom.js";

/** A button with words. `kind` is "", "main" or "danger". */
export const button = (label, run, { kind = "", picture = null, ...rest } = {}) =>
  h(
    "button",
    { class: `button ${kind}`, type: "button", onclick: run, ...rest },
    picture && icon(picture),
    label,
  );

/** A button that is a picture; its label is its name and its hint. */
export const iconButton = (picture, label, run, rest = {}) =>
  h(
    "button",
    {
      class: "button bare",
      type: "button",
      "aria-label": label,
      title: label,
      onclick: run,
      ...rest,
    },
    icon(picture),
  );

/**
 * Makes a button open a menu. `items()` gives, each time, what is in it: see `openMenu` in `menu.js`,
 * which comes when a menu is opened first.
 */
export function menu(button_, items) {
  const open = async () => openMenu(button_, await items());
  button_.setAttribute("aria-haspopup", "menu");
  button_.setAttribute("aria-expanded", "false");
  button_.addEventListener("click", open);
  button_.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    open();
  });
  return button_;
}

/** Opens a menu at once: see `openMenu` in `menu.js`. */
export const openMenu = async (at, items) => (await import("./menu.js")).openMenu(at, items);

/** Asks whether something is meant: see `confirm` in `dialog.js`, which comes when it is asked first. */
export const confirm = async (question) => (await import("./dialog.js")).confirm(question);

/** Said where there is nothing. */
export const nothing = (title, text = null, ...actions) =>
  h(
    "div",
    { class: "nothing" },
    h("p", { class: "title" }, title),
    text && h("p", {}, text),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );

/** Said while something is on its way; only if that takes a moment. */
export const waiting = () => h("p", { class: "waiting", role: "status" }, "One moment…");

/** Fills a place with what is on its way, or with why it does not come and a way to try again. */
export async function comes(place, make) {
  place.replaceChildren(waiting());
  place.setAttribute("aria-busy", "true");
  try {
    const made = await make();
    place.replaceChildren(...[made].flat().filter(Boolean));
  } catch (refusal) {
    const again = button("Try again", () => comes(place, make));
    place.replaceChildren(nothing("This did not come.", refusal.message, again));
  }
  place.removeAttribute("aria-busy");
}

/** Copies a text; whether that was possible. Without a secure origin it is selected instead. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A secret or a link in a box, with a button that copies it. */
export function copyBox(label, text) {
  const input = h("input", {
    class: "input code",
    readonly: true,
    "aria-label": label,
    value: text,
    onfocus: () => input.select(),
  });
  const said = h("span", { class: "unseen", role: "status" });
  const copying = button(
    "Copy",
    async () => {
      const done = await copy(text);
      if (!done) input.focus();
      copying.lastChild.textContent = done ? "Copied" : "Press Ctrl+C";
      said.textContent = copying.lastChild.textContent;
    },
    { picture: "copy" },
  );
  return h("div", { class: "copy-box" }, input, copying, said);
}

const sheets = new Map();

/** Styles that are not always needed; resolves when they are here. */
export function style(name) {
  if (sheets.has(name)) return sheets.get(name);
  const coming = new Promise((resolve) => {
    const href = `/assets/css/${name}.css`;
    const onerror = () => resolve(sheets.delete(name));
    document.head.append(h("link", { rel: "stylesheet", href, onload: resolve, onerror }));
  });
  sheets.set(name, coming);
  return coming;
}

/** Runs `run` at most once a frame, however often it is asked to. */
export function soon(run) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    // A hidden tab has no frames, but its title still counts.
    const later = document.hidden ? (then) => setTimeout(then, 50) : requestAnimationFrame;
    later(() => {
      due = false;
      run();
    });
  };
}
