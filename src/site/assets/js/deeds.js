// What somebody does with a message: pointing, pressing keys, a finger that stays. What they can do,
// and the bar and the sheet for it, come when somebody does (`dealing.js`).

import { style } from "./parts.js";
import { store } from "./store.js";
import { complain } from "./toast.js";

/** How long a finger stays on a message before that means something. */
const PRESS_MS = 450;

/** Keys that mean something on a message. */
const KEYS = new Set("j k r e d c + ArrowDown ArrowUp End Escape Enter".split(" "));

/** `on` has `room`, `reply`, `edit` and `leave`. */
export function deedsOf(view, on) {
  const { list } = view;
  const messageAt = (element) => view.log.get(Number(element?.dataset.seq));
  /** What can be done, once it was asked for. */
  let dealing = null;
  let coming = null;

  const deal = async (deed) => {
    coming ??= import("./dealing.js").then((it) => (dealing = it.dealingWith(view, on)));
    try {
      await coming;
    } catch {
      // Without a connection it is asked for again the next time.
      coming = null;
      return;
    }
    deed(dealing);
  };

  list.addEventListener("pointerover", ({ pointerType, target }) => {
    const element = target.closest(".message");
    if (pointerType === "mouse") deal((it) => list.matches(":hover") && it.show(element));
  });
  list.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "mouse") dealing?.hide();
  });
  list.addEventListener("focusin", ({ target }) => {
    const element = target.closest(".message");
    if (!element) return;
    for (const other of list.querySelectorAll(':scope > [tabindex="0"]')) other.tabIndex = -1;
    element.tabIndex = 0;
    if (target === element && element.matches(":focus-visible")) deal((it) => it.show(element));
  });

  list.addEventListener("click", (event) => {
    const { target } = event;
    const message = messageAt(target.closest(".message"));
    if (!message) return;
    const button = target.closest('[data-deed="react"]');
    const person = target.closest("[data-person]")?.dataset.person;
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (button) deal((it) => it.pick(message, button));
    else if (person) openPerson(person);
    else if (target.closest("[data-picture]") && !isElsewhere) {
      event.preventDefault();
      openPicture(message);
    }
  });

  async function openPicture({ seq }) {
    const [{ openLightbox }] = await Promise.all([import("./lightbox.js"), style("tools")]);
    openLightbox(view.log, seq);
  }

  async function openPerson(name) {
    try {
      const { openProfile } = await import("./person.js");
      openProfile(name, store.rooms.get(on.room));
    } catch (refusal) {
      complain(refusal);
    }
  }

  list.addEventListener("keydown", (event) => {
    const element = event.target.closest(".message");
    if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target !== element) {
      if (event.key === "Escape") element.focus();
      return;
    }
    if (!KEYS.has(event.key)) return;
    event.preventDefault();
    deal((it) => it.press(event.key, element));
  });

  let press = 0;
  const release = () => clearTimeout(press);
  list.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" || event.target.closest("a, button, video, audio, pre"))
      return;
    const message = messageAt(event.target.closest(".message"));
    if (message) press = setTimeout(() => deal((it) => it.openSheet(message)), PRESS_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"])
    list.addEventListener(end, release);
  list.addEventListener("contextmenu", (event) => {
    if (event.pointerType === "touch" && !event.target.closest("a, img")) event.preventDefault();
  });

  return {
    focus: (element) => element.focus({ preventScroll: true }),
    scrolled: (distance) => distance > 0 && release(),
    swapped: (before, after) => dealing?.swapped(before, after),
    /** Into the list by keyboard, to the newest message. */
    enter() {
      const last = [...list.children].findLast((it) => it.matches(".message"));
      last?.focus();
    },
    close: release,
  };
}
