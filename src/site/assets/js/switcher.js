// The quick switcher: a few letters of a room or a person, Enter, and one is there.

import { avatar, presenceDot } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { findPeople, fits } from "./finding.js";
import { companions, presenceOf } from "./folk.js";
import { link } from "./link.js";
import { go, roomPath } from "./route.js";
import { listed } from "./sidebar.js";
import { store } from "./store.js";
import { complain } from "./toast.js";

const SHOWN_MAX = 12;
/** How long typing has to rest before the server is asked. */
const REST_MS = 150;

let isOpen = false;

/** Opens it. */
export function openSwitcher() {
  if (isOpen) return;
  isOpen = true;
  let options = [];
  let at = 0;
  let timer = 0;
  const list = h("ul", { role: "listbox", id: "switcher-list", "aria-label": "Rooms and people" });
  const input = h("input", {
    class: "input",
    type: "text",
    autofocus: true,
    role: "combobox",
    placeholder: "A room or a person",
    "aria-label": "Jump to a room or a person",
    "aria-controls": "switcher-list",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      at = 0;
      render();
      clearTimeout(timer);
      timer = setTimeout(askServer, REST_MS);
    },
    onkeydown: keys,
  });
  const status = h("p", { class: "unseen", role: "status" });
  const { close } = openDialog({
    title: "Jump to",
    body: [input, list, status],
    kind: "switcher",
    onclose: () => {
      isOpen = false;
      clearTimeout(timer);
    },
  });
  render();

  async function askServer() {
    const typed = input.value.trim();
    if (!typed) return;
    await findPeople(typed).catch(() => []);
    if (isOpen && typed === input.value.trim()) render();
  }

  function keys(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && options.length) {
      event.preventDefault();
      at = (at + move + options.length) % options.length;
      mark();
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      if (options[at]) choose(options[at]);
    }
  }

  function render() {
    options = found(input.value);
    at = Math.min(at, Math.max(0, options.length - 1));
    fill(
      list,
      options.map((it, index) =>
        h(
          "li",
          {
            role: "option",
            id: `switcher-${index}`,
            onclick: () => choose(it),
            onpointermove: () => {
              if (at === index) return;
              at = index;
              mark();
            },
          },
          it.picture(),
          h("span", { class: "name" }, h("bdi", {}, it.name)),
          it.more && h("span", { class: "soft" }, h("bdi", {}, it.more)),
          it.unread > 0 && h("span", { class: "count" }, String(it.unread)),
        ),
      ),
    );
    if (!options.length)
      fill(
        list,
        h(
          "li",
          { class: "none", role: "option", "aria-disabled": "true" },
          "Nothing is called so.",
        ),
      );
    status.textContent = options.length ? "" : "Nothing is called so.";
    mark();
  }

  function mark() {
    [...list.children].forEach((row, index) =>
      row.setAttribute("aria-selected", String(index === at)),
    );
    input.setAttribute("aria-activedescendant", options.length ? `switcher-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  async function choose(it) {
    close();
    if (it.room) return go(roomPath(it.room));
    try {
      const room = await link.call({ do: "dm", user: it.person });
      store.changeRoom(room.room, room);
      go(roomPath(room.room));
    } catch (refusal) {
      complain(refusal);
    }
  }
}

/** What fits best; without letters what is unread, then where one is at home. */
function found(typed) {
  const { rooms, direct } = listed();
  const inRooms = [...rooms, ...direct].map((room) => {
    const people = room.kind === "direct" ? companions(room) : [];
    const one = people.length === 1 ? people[0] : null;
    const picture = () =>
      one
        ? h(
            "span",
            { class: "with-presence" },
            avatar(one, "small"),
            presenceDot(presenceOf(one.name, room.room)),
          )
        : icon({ private: "lock", direct: "people" }[room.kind] ?? "hash");
    const name = room.title || room.room;
    const names = [name, ...(one ? [one.name] : [room.room])];
    const unread =
      room.level === "nothing" ? 0 : room.kind === "direct" ? room.unread : room.mentions;
    return {
      room: room.room,
      person: one?.name,
      name,
      names,
      more: one ? `@${one.name}` : room.topic,
      picture,
      unread,
      isUnread: room.unread > 0,
    };
  });
  const talkedTo = new Set(inRooms.map((it) => it.person).filter(Boolean));
  const others = [...store.people.values()]
    .filter(
      (it) => !talkedTo.has(it.name) && !store.isMe(it.name) && !it.disabled && it.display_name,
    )
    .map((it) => ({
      person: it.name,
      name: it.display_name,
      names: [it.display_name, it.name],
      more: `@${it.name}`,
      picture: () =>
        h(
          "span",
          { class: "with-presence" },
          avatar(it, "small"),
          presenceDot(presenceOf(it.name)),
        ),
      unread: 0,
    }));
  const scored = (typed.trim() ? [...inRooms, ...others] : inRooms).map((it) => ({
    ...it,
    score:
      Math.max(...it.names.map((name) => fits(name, typed))) +
      (it.room ? 50 : 0) +
      (it.isUnread ? 20 : 0),
    fit: it.names.some((name) => fits(name, typed) > 0),
  }));
  return scored
    .filter((it) => it.fit)
    .sort((one, other) => other.score - one.score)
    .slice(0, SHOWN_MAX);
}
