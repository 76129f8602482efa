// Making things: a room, a conversation, an invitation into a room; and changing what a room is.

import { avatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { findPeople } from "./finding.js";
import { formDialog } from "./form.js";
import { link } from "./link.js";
import { button } from "./parts.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

const KINDS = [
  { value: "public", label: "Open", hint: "Everybody can find it, join and read." },
  { value: "private", label: "Private", hint: "Only those who are invited know of it." },
];

/** A room's name in addresses, made of its title. */
export function slug(title) {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
  return plain
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
}

/** Asks for a title and makes a room. */
export async function createRoom() {
  const name = await formDialog({
    title: "Create a room",
    yes: "Create",
    fields: [
      { name: "title", label: "Title", required: true, maxlength: 120, autocomplete: "off" },
      {
        name: "topic",
        label: "What it is about",
        hint: "If you like. It can be changed later.",
        maxlength: 500,
      },
      { name: "kind", label: "Who may join", kind: "choice", value: "public", options: KINDS },
    ],
    onsubmit: async ({ title, topic, kind }) => {
      const command = { do: "create_room", title: title.trim(), kind };
      if (topic.trim()) command.topic = topic.trim();
      const made = await underAnyName(slug(title) || "room", command);
      store.changeRoom(made.room, made);
      return made.room;
    },
  });
  if (name) go(roomPath(name));
}

/** Titles may be alike, names not: another gets a number. */
async function underAnyName(wanted, command) {
  for (let number = 1; ; number += 1) {
    const room = number === 1 ? wanted : `${wanted}-${number}`;
    try {
      return await link.call({ ...command, room });
    } catch (refusal) {
      if (refusal.field === "room") refusal.field = "title";
      if (refusal.code !== "exists" || number >= 20) throw refusal;
    }
  }
}

/** Changes a room's title, topic, and who may join it. */
export function editRoom(room) {
  const isOwner = store.me.admin || room.role === "owner";
  return formDialog({
    title: "Edit room",
    fields: [
      isOwner && {
        name: "title",
        label: "Title",
        value: room.title,
        required: true,
        maxlength: 120,
      },
      { name: "topic", label: "What it is about", kind: "area", value: room.topic, maxlength: 500 },
      isOwner && {
        name: "kind",
        label: "Who may join",
        kind: "choice",
        value: room.kind,
        options: KINDS,
      },
    ].filter(Boolean),
    onsubmit: async (values) => {
      const changed = Object.entries(values).filter(([name, value]) => value !== room[name]);
      if (changed.length === 0) return;
      await link.call({ do: "change_room", room: room.room, ...Object.fromEntries(changed) });
    },
  });
}

/** Starts a conversation with one or several. */
export function startDirect() {
  return choosePeople({
    title: "New conversation",
    label: "With whom",
    yes: "Start",
    max: 9,
    onchosen: async (users) => {
      const room = await link.call({ do: "dm", users });
      store.changeRoom(room.room, room);
      go(roomPath(room.room));
    },
  });
}

/** Brings people into a room. */
export function invitePeople(room) {
  return choosePeople({
    title: `Invite people to ${room.title}`,
    label: "Whom",
    yes: "Invite",
    max: 50,
    onchosen: async (users) => {
      for (const user of users) await link.call({ do: "invite", room: room.room, user });
      const who = users.map(store.called).join(", ");
      toast(`${who} ${users.length > 1 ? "are" : "is"} in ${room.title} now.`);
    },
  });
}

/** A dialog in which people are found by letters and chosen. */
function choosePeople({ title, label, yes, max, onchosen }) {
  const chosen = new Map();
  const tags = h("ul", { class: "tags", "aria-label": "Chosen" });
  const list = h("ul", { class: "pick", "aria-label": "People" });
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const said = h("p", { class: "unseen", role: "status" });
  const input = h("input", {
    class: "input",
    type: "text",
    id: "choose-people",
    autocomplete: "off",
    placeholder: "Name",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(look, 120);
    },
    onkeydown: (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        if (!input.value.trim() && chosen.size) return done();
        list.querySelector("button")?.click();
      } else if (event.key === "Backspace" && !input.value && chosen.size) {
        drop([...chosen.keys()].at(-1));
      } else if (event.key === "ArrowDown") {
        event.preventDefault();
        list.querySelector("button")?.focus();
      }
    },
  });
  let timer = 0;
  const go_ = button(yes, done, { kind: "main", disabled: true });
  const { close } = openDialog({
    title,
    kind: "small tall",
    body: [
      h("label", { for: "choose-people", class: "strong" }, label),
      tags,
      input,
      list,
      wrong,
      said,
    ],
    actions: [button("Cancel", () => close()), go_],
  });
  list.addEventListener("keydown", (event) => {
    const rows = [...list.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown") rows[at + 1]?.focus();
    else if (event.key === "ArrowUp") (rows[at - 1] ?? input).focus();
    else return;
    event.preventDefault();
  });
  look();

  async function look() {
    const typed = input.value.trim();
    const found = await findPeople(typed).catch(() => []);
    if (typed !== input.value.trim()) return;
    const left = found.filter((it) => !store.isMe(it.name) && !chosen.has(it.name));
    fill(
      list,
      left
        .slice(0, 30)
        .map((it) =>
          h(
            "li",
            {},
            h(
              "button",
              { type: "button", onclick: () => take(it) },
              avatar(it, "small"),
              h("span", { class: "name" }, h("bdi", {}, it.display_name)),
              h("bdi", { class: "soft" }, `@${it.name}`),
            ),
          ),
        ),
    );
    if (!left.length)
      fill(
        list,
        h("li", { class: "none" }, typed ? "Nobody is called so." : "Nobody else is here yet."),
      );
  }

  function take(person) {
    if (chosen.size >= max) return say(`At most ${max} at a time.`);
    chosen.set(person.name, person);
    said.textContent = `${person.display_name} chosen`;
    changed();
  }

  function drop(name) {
    said.textContent = `${chosen.get(name).display_name} left out`;
    chosen.delete(name);
    changed();
  }

  function changed() {
    say("");
    fill(
      tags,
      [...chosen.values()].map((it) =>
        h(
          "li",
          {},
          h("span", { dir: "auto" }, it.display_name),
          h(
            "button",
            {
              type: "button",
              "aria-label": `Leave out ${it.display_name}`,
              onclick: () => drop(it.name),
            },
            icon("close"),
          ),
        ),
      ),
    );
    go_.disabled = chosen.size === 0;
    input.value = "";
    input.focus();
    look();
  }

  function say(text) {
    wrong.textContent = text;
    wrong.hidden = !text;
  }

  async function done() {
    go_.disabled = true;
    try {
      await onchosen([...chosen.keys()]);
      close();
    } catch (refusal) {
      say(refusal.message);
      go_.disabled = false;
    }
  }
}
