// The picker of emoji: a search, and a grid in which arrow keys move.

import { isPhone } from "./device.js";
import { h } from "./dom.js";
import { search } from "./emoji_find.js";
import { groups } from "./emoji_table.js";
import { usual } from "./emoji.js";

let isOpen = null;

/** Lets somebody pick an emoji; a promise of it, or of null. */
export function openPicker(button) {
  isOpen?.();
  return new Promise((resolve) => {
    let picked = null;
    const input = h("input", {
      class: "input",
      type: "search",
      placeholder: "Search emoji",
      "aria-label": "Search emoji",
      autocomplete: "off",
      oninput: () => fillGrid(),
    });
    const grid = h("div", {
      class: "grid",
      role: "listbox",
      "aria-label": "Emoji",
      tabindex: "-1",
    });
    const element = h("div", { class: "picker", popover: "auto" }, input, grid);
    const option = ([emoji, names]) =>
      h(
        "button",
        {
          class: "emoji",
          type: "button",
          role: "option",
          tabindex: "-1",
          "aria-selected": "false",
          title: names.split(",")[0],
          data: { emoji },
        },
        emoji,
      );
    const group = (name, emoji) =>
      h(
        "div",
        { role: "group", "aria-label": name },
        h("div", { class: "heading", "aria-hidden": "true" }, name),
        h("div", { class: "cells" }, emoji.map(option)),
      );

    function fillGrid() {
      const word = input.value.trim();
      if (word) {
        const found = search(word);
        grid.replaceChildren(
          found.length
            ? group("Found", found)
            : h("p", { class: "none" }, "There is no such emoji."),
        );
      } else {
        const often = usual(16).map((emoji) => [emoji, emoji]);
        grid.replaceChildren(
          group("Often used", often),
          ...groups.map((it) => group(it.name, it.emoji)),
        );
      }
      const first = grid.querySelector("button");
      if (first) first.tabIndex = 0;
    }

    function pick(emoji) {
      picked = emoji;
      element.hidePopover();
    }

    grid.addEventListener("click", (event) => {
      const emoji = event.target.closest("[data-emoji]")?.dataset.emoji;
      if (emoji) pick(emoji);
    });
    input.addEventListener("keydown", (event) => {
      const first = grid.querySelector("button");
      if (event.key === "ArrowDown") {
        event.preventDefault();
        first?.focus();
      } else if (event.key === "Enter" && first) {
        event.preventDefault();
        pick(first.dataset.emoji);
      }
    });
    grid.addEventListener("keydown", (event) => moveIn(event, grid, input));
    element.addEventListener("toggle", ({ newState }) => {
      if (newState === "open") return;
      isOpen = null;
      button.setAttribute("aria-expanded", "false");
      const hadFocus =
        element.contains(document.activeElement) || document.activeElement === document.body;
      element.remove();
      if (hadFocus) button.focus({ preventScroll: true });
      resolve(picked);
    });
    (button.closest("dialog, main") ?? document.body).append(element);
    button.setAttribute("aria-expanded", "true");
    isOpen = () => element.hidePopover();
    fillGrid();
    element.showPopover();
    place(element, button);
    // On a phone the keyboard would hide what there is to pick from.
    if (isPhone()) grid.focus();
    else input.focus();
  });
}

function moveIn(event, grid, input) {
  const all = [...grid.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  const isRtl = getComputedStyle(grid).direction === "rtl";
  const side = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
  const down = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (side) all[at + side]?.focus();
  else if (event.key === "Home") all[0]?.focus();
  else if (event.key === "End") all.at(-1)?.focus();
  else if (down) {
    const { left, top } = all[at].getBoundingClientRect();
    const beyond = (it) => (it.getBoundingClientRect().top - top) * down > 4;
    const rows =
      down > 0 ? all.slice(at + 1).filter(beyond) : all.slice(0, at).filter(beyond).reverse();
    const row = rows[0]?.getBoundingClientRect().top;
    const near = rows.filter((it) => Math.abs(it.getBoundingClientRect().top - row) < 4);
    const away = (it) => Math.abs(it.getBoundingClientRect().left - left);
    const next = near.sort((a, b) => away(a) - away(b))[0];
    if (next) next.focus();
    else if (down < 0) input.focus();
  } else return;
  event.preventDefault();
}

/** Above the button or below it, on the screen in any case. */
function place(element, button) {
  if (innerWidth < 720) return;
  const at = button.getBoundingClientRect();
  const own = element.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.right - own.width, innerWidth - own.width - 8));
  const above = at.top - own.height - 6;
  const top = above >= 8 ? above : Math.min(at.bottom + 6, innerHeight - own.height - 8);
  element.style.left = `${left}px`;
  element.style.top = `${Math.max(8, top)}px`;
}
