// What can be done with a message: a bar beside it for whoever has a mouse, keys for whoever is in
// the list by keyboard, and a sheet for fingers that stay on it. `deeds.js` says when.

import { h, icon } from "./dom.js";
import { openPicker, usual, used } from "./emoji.js";
import { link } from "./link.js";
import { gist } from "./message.js";
import { confirm, copy, openMenu, style } from "./parts.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";
import { complain, toast } from "./toast.js";

const label = (words, keys) => ({
  "aria-label": words,
  title: keys ? `${words} (${keys})` : words,
});

/** `on` has `room`, `reply`, `edit` and `leave`. */
export function dealingWith(view, on) {
  const { room } = on;
  const { list } = view;
  let at = null;

  const messageAt = (element) => view.log.get(Number(element?.dataset.seq));
  const here = () => messageAt(at);

  const mayModerate = () =>
    store.me?.admin || ["owner", "moderator"].includes(store.rooms.get(room)?.role);

  /** What can be done with a message, in words. */
  function choices(message) {
    const isMine = store.isMe(message.from);
    const pinned = store.rooms.get(room)?.pinned === message.seq;
    const isGone = message.deleted;
    return [
      !isGone && { id: "reply", label: "Reply", icon: "reply", run: () => on.reply(message) },
      !isGone && isMine && { id: "edit", label: "Edit", icon: "edit", run: () => on.edit(message) },
      !isGone &&
        message.text && {
          id: "text",
          label: "Copy text",
          icon: "copy",
          run: () => copied(message.text),
        },
      { id: "link", label: "Copy link", icon: "link", run: () => copied(addressOf(message)) },
      !isGone &&
        mayModerate() && {
          id: "pin",
          label: pinned ? "Unpin" : "Pin",
          icon: "pin",
          run: () => pin(pinned ? null : message.seq),
        },
      !isGone &&
        (isMine || mayModerate()) && {
          id: "delete",
          label: "Delete",
          icon: "trash",
          danger: true,
          run: () => remove(message),
        },
    ].filter(Boolean);
  }

  const addressOf = (message) => location.origin + roomPath(room, message.seq);

  async function copied(text) {
    toast((await copy(text)) ? "Copied." : "This browser does not let pages copy.");
  }

  const pin = (pinned) => link.call({ do: "change_room", room, pinned }).catch(complain);

  async function remove(message) {
    const text = h("blockquote", { class: "about", dir: "auto" }, gist(message).slice(0, 300));
    const about = { title: "Delete this message?", text, yes: "Delete", danger: true };
    if (await confirm(about)) link.call({ do: "delete", room, seq: message.seq }).catch(complain);
  }

  function toggle(message, emoji) {
    const isOn = (message.reactions?.[emoji] ?? []).some(store.isMe);
    if (!isOn) used(emoji);
    view.context.onreact(message, emoji, isOn);
  }

  async function pick(message, button) {
    const emoji = await openPicker(button);
    if (emoji) toggle(message, emoji);
  }

  // ---------------------------------------------------------------------------- the bar

  const bar = h("div", {
    class: "deeds",
    role: "toolbar",
    "aria-label": "What to do with this message",
  });

  function fillBar(message) {
    const act = (picture, words, keys, run) =>
      h(
        "button",
        { class: "button bare", type: "button", onclick: run, ...label(words, keys) },
        icon(picture),
      );
    const quick = (emoji) =>
      h(
        "button",
        {
          class: "button bare emoji",
          type: "button",
          onclick: () => toggle(here(), emoji),
          ...label(`React with ${emoji}`),
        },
        emoji,
      );
    const isMine = store.isMe(message.from);
    const parts = message.deleted
      ? []
      : [
          ...usual(3).map(quick),
          act("smile", "Add a reaction", "+", (event) => pick(here(), event.currentTarget)),
          act("reply", "Reply", "R", () => on.reply(here())),
          isMine && act("edit", "Edit", "E", () => on.edit(here())),
        ];
    const more = act("more", "More", "Enter", (event) =>
      openMenu(event.currentTarget, choices(here())),
    );
    bar.replaceChildren(...parts.filter(Boolean), more);
  }

  function show(element) {
    if (element === at && bar.parentElement === element) return;
    const message = messageAt(element);
    if (!message) return hide();
    // A menu or the picker hangs on a button of it.
    if (bar.querySelector('[aria-expanded="true"]')) return;
    at = element;
    fillBar(message);
    element.append(bar);
  }

  function hide() {
    if (bar.contains(document.activeElement) || bar.querySelector('[aria-expanded="true"]')) return;
    at = null;
    bar.remove();
  }

  // ----------------------------------------------------------------------------- keys

  function move(element, step) {
    let next = element;
    do next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
    while (next && !next.matches(".message"));
    if (!next) return step > 0 ? on.leave() : undefined;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  const keys = {
    j: (element) => move(element, 1),
    k: (element) => move(element, -1),
    ArrowDown: (element) => move(element, 1),
    ArrowUp: (element) => move(element, -1),
    End: () => on.leave(),
    Escape: () => on.leave(),
    r: (_, message) => !message?.deleted && on.reply(message),
    e: (_, message) => message?.text && store.isMe(message.from) && on.edit(message),
    d: (_, message) =>
      message &&
      choices(message)
        .find((it) => it.id === "delete")
        ?.run(),
    c: (_, message) => message && copied(addressOf(message)),
    "+": (element, message) => message && !message.deleted && pick(message, element),
    Enter: (element, message) => message && openMenu(element, choices(message)),
  };

  async function openSheet(message) {
    navigator.vibrate?.(10);
    const [sheet] = await Promise.all([import("./sheet.js"), style("tools")]);
    sheet.openSheet(message, {
      choices: choices(message),
      toggle: (emoji) => toggle(message, emoji),
      pick: () => pick(message, list),
    });
  }

  return {
    show,
    hide,
    pick,
    openSheet,
    press: (key, element) => keys[key](element, messageAt(element)),
    swapped(before, after) {
      if (at !== before) return;
      at = after;
      const message = messageAt(after);
      if (bar.querySelector('[aria-expanded="true"]') || bar.contains(document.activeElement))
        after.append(bar);
      else if (message) {
        fillBar(message);
        after.append(bar);
      }
    },
  };
}
