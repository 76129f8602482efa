// Completion while somebody writes: a list under which arrow keys move, that Enter and Tab take from,
// and that says to a screen reader what is chosen. The text stays an ordinary text box.

import { h } from "./dom.js";

let counter = 0;

/**
 * Completes in a text box. Each of `sources` has `pattern`, which is tried on what stands before the
 * caret and whose first group is looked for, and `find(word)`, which gives (or promises) entries:
 * `{insert, label, detail, picture, taken}`; `taken()` is called when it is chosen. The list lies in `place`.
 */
export function completion(box, place, sources) {
  const id = `complete-${(counter += 1)}`;
  const list = h("ul", {
    class: "completion",
    id,
    role: "listbox",
    "aria-label": "Suggestions",
    hidden: true,
  });
  place.append(list);
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-haspopup", "listbox");
  box.setAttribute("aria-controls", id);

  let entries = [];
  let at = 0;
  let range = null;
  /** What stood before the caret when that was looked for. */
  let seen = "";
  let asked = 0;

  function close() {
    asked += 1;
    entries = [];
    list.hidden = true;
    list.replaceChildren();
    box.removeAttribute("aria-activedescendant");
  }

  async function look() {
    const turn = (asked += 1);
    const caret = box.selectionStart;
    if (caret !== box.selectionEnd) return close();
    const before = box.value.slice(0, caret);
    for (const { pattern, find } of sources) {
      const match = pattern.exec(before);
      if (!match) continue;
      const found = await find(match[1]);
      if (turn !== asked) return;
      if (found.length === 0) break;
      // What is completed begins with the mark, behind what only has to stand before it.
      range = [caret - match[1].length - 1, caret];
      seen = before;
      return show(found.slice(0, 8));
    }
    close();
  }

  function show(found) {
    entries = found;
    at = 0;
    const row = ({ label, detail, picture }, index) =>
      h(
        "li",
        {
          id: `${id}-${index}`,
          role: "option",
          "aria-selected": "false",
          onpointerdown: (event) => event.preventDefault(),
          onclick: () => take(index),
        },
        picture,
        h("span", { class: "label", dir: "auto" }, label),
        detail && h("span", { class: "detail", dir: "auto" }, detail),
      );
    list.replaceChildren(...found.map(row));
    list.hidden = false;
    choose(0);
  }

  function choose(index) {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = (index + entries.length) % entries.length;
    const row = list.children[at];
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", row.id);
  }

  function take(index) {
    const { insert, taken } = entries[index];
    const [from, to] = range;
    taken?.();
    close();
    box.focus();
    box.setRangeText(insert, from, to, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    close();
  }

  /** Whether all of what is chosen stands there already. */
  const isTyped = () => entries[at].insert.trim() === box.value.slice(...range);

  box.addEventListener("input", look);
  box.addEventListener("blur", close);
  box.addEventListener("click", close);

  return {
    /** Takes a key that is meant for the list; whether it was. */
    key(event) {
      // Whoever types faster than is found does not get what was found for less.
      const isLate = box.value.slice(0, box.selectionStart) !== seen;
      if (entries.length === 0 || isLate) return false;
      if (event.key === "Enter" && isTyped()) return close();
      const deeds = {
        ArrowDown: () => choose(at + 1),
        ArrowUp: () => choose(at - 1),
        Enter: () => take(at),
        Tab: () => take(at),
        Escape: close,
      };
      const deed = !event.shiftKey && deeds[event.key];
      if (!deed) return false;
      event.preventDefault();
      event.stopPropagation();
      deed();
      return true;
    },
    look,
    close,
  };
}
