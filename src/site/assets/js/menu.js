// Menus under buttons: arrow keys, Home, End and letters move, Escape and a click beside close.

import { h, icon } from "./dom.js";
import { style } from "./parts.js";

await style("over");

/**
 * Opens a menu at a button. In it are `{label, icon, run, danger, checked}`, texts for headings, and null for
 * nothing.
 */
export function openMenu(button, items) {
  const element = h("div", {
    class: "menu",
    role: "menu",
    popover: "auto",
    "aria-label": button.getAttribute("aria-label") ?? button.textContent,
    onkeydown: move,
  });
  for (const it of items) {
    if (it === null || it === undefined || it === false) continue;
    if (typeof it === "string") element.append(h("div", { class: "heading" }, it));
    else element.append(entry(it));
  }
  const all = () => [...element.querySelectorAll("button")];

  function entry({ label, icon: picture, run, danger = false, checked = null }) {
    const isChoice = checked !== null;
    return h(
      "button",
      {
        type: "button",
        tabindex: "-1",
        class: danger ? "danger" : null,
        role: isChoice ? "menuitemradio" : "menuitem",
        "aria-checked": isChoice ? String(checked) : null,
        onclick: () => {
          element.hidePopover();
          button.focus();
          run();
        },
      },
      isChoice ? icon(checked ? "check" : "none") : picture && icon(picture),
      h("span", { dir: "auto" }, label),
    );
  }

  function move(event) {
    const entries = all();
    const at = entries.indexOf(document.activeElement);
    const to = (index) => {
      event.preventDefault();
      entries.at(index % entries.length)?.focus();
    };
    if (event.key === "ArrowDown") to(at + 1);
    else if (event.key === "ArrowUp") to(at < 0 ? -1 : at - 1);
    else if (event.key === "Home") to(0);
    else if (event.key === "End") to(-1);
    else if (event.key === "Tab") element.hidePopover();
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      const letter = event.key.toLocaleLowerCase();
      const from = [...entries.slice(at + 1), ...entries.slice(0, at + 1)];
      from.find((it) => it.textContent.trim().toLocaleLowerCase().startsWith(letter))?.focus();
    }
  }

  element.addEventListener("toggle", (event) => {
    const isOpen = event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) return;
    if (element.contains(document.activeElement) || document.activeElement === document.body) {
      button.focus();
    }
    element.remove();
  });
  // Beside its button it is in the same landmark, or in the same dialog. In a list there are but rows.
  if (button.matches("li")) button.closest("section").append(element);
  else button.after(element);
  element.showPopover();
  place(element, button);
  all()[0]?.focus();
}

/** Below the button, or above it, and always on the screen. */
function place(element, button) {
  const at = button.getBoundingClientRect();
  const own = element.getBoundingClientRect();
  const isRtl = getComputedStyle(button).direction === "rtl";
  const wanted =
    (at.left + at.right) / 2 > innerWidth / 2 || isRtl ? at.right - own.width : at.left;
  const left = Math.max(8, Math.min(wanted, innerWidth - own.width - 8));
  const below = at.bottom + 4;
  const top = below + own.height > innerHeight - 8 ? Math.max(8, at.top - own.height - 4) : below;
  element.style.left = `${left}px`;
  element.style.top = `${top}px`;
}
