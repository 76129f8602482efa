// The head of a room: what it is called and about, what is pinned in it, and all that is done to it.

import { api } from "./api.js";
import { avatar, presenceWord } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { link } from "./link.js";
import { menu } from "./menu.js";
import { openedPanel } from "./panel.js";
import { copy, iconButton, soon } from "./parts.js";
import { companions, presenceOf } from "./folk.js";
import { openSheet } from "./sidebar.js";
import { plural } from "./time.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";
import { complain, toast } from "./toast.js";

/** How long coming and going rests before it is asked how many there are. */
const RECOUNT_MS = 2000;

/** What somebody may do in a room. */
export function rights(room) {
  const isAdmin = Boolean(store.me?.admin);
  const isOwner = isAdmin || room?.role === "owner";
  return { own: isOwner, moderate: isOwner || room?.role === "moderator" };
}

/** The button that opens the sidebar on a phone. */
export const sideButton = () => iconButton("menu", "Rooms and people", openSheet, { class: "button bare to-side" });

/** The head of a room: `{element, end}`. */
export function roomHeader(name) {
  const title = h("bdi", {});
  const about = h("bdi", {});
  const heading = h("h1", { tabindex: "-1" }, title);
  const topic = h("p", { class: "topic" }, about);
  const mark = h("span", { class: "mark" });
  const count = h("span", { class: "number" });
  const members = iconButton("people", "Members", async () =>
    (await import("./members.js")).toggleMembers(name), { class: "button bare members", "aria-controls": "panel" });
  members.append(count);
  const search = iconButton("search", "Search", async () =>
    (await import("./search.js")).toggleSearch(name), { "aria-controls": "panel" });
  const more = menu(iconButton("more", "More about this room"), () => roomMenu(name));
  const pinned = h("div", { class: "pinned", hidden: true });
  const element = h(
    "header",
    { class: "room-head" },
    h("div", { class: "bar" }, sideButton(), mark, h("div", { class: "titles" }, heading, topic), search, members, more),
    pinned,
  );

  let shownPin = null;
  async function showPin(seq) {
    if (seq === shownPin) return;
    shownPin = seq;
    pinned.hidden = true;
    if (!seq) return;
    const message = await api.get(`${at(name)}/messages/${seq}`).catch(() => null);
    if (shownPin !== seq || !message || message.deleted) return;
    const text = message.text || message.attachment?.name || "";
    fill(
      pinned,
      h("a", { href: roomPath(name, seq) }, icon("pin"), h("span", { class: "unseen" }, "Pinned: "),
        h("strong", { dir: "auto" }, message.display_name), " ", h("span", { dir: "auto" }, text)),
      rights(store.rooms.get(name)).moderate &&
        iconButton("close", "Unpin", () => change(name, { pinned: null })),
    );
    pinned.hidden = false;
  }

  const update = soon(() => {
    const room = store.rooms.get(name);
    if (!room) return;
    title.textContent = room.title || room.room;
    const people = room.kind === "direct" ? companions(room) : [];
    const one = people.length === 1 ? people[0] : null;
    about.textContent = room.topic || (one ? presenceWord(presenceOf(one.name, name)) : "");
    topic.title = room.topic || "";
    topic.hidden = !about.textContent;
    const facts = `${room.kind} ${one?.name} ${one?.avatar} ${room.archived}`;
    if (mark.dataset.facts !== facts) {
      mark.dataset.facts = facts;
      const picture = { private: "lock", direct: "people" }[room.kind] ?? "hash";
      fill(mark, one ? avatar(one) : icon(picture),
        room.kind === "private" && h("span", { class: "unseen" }, "Private room"));
    }
    count.textContent = String(room.members ?? "");
    const label = `Members: ${plural(room.members ?? 0, { one: "# person", other: "# people" })}`;
    members.setAttribute("aria-label", label);
    showPin(room.pinned);
  });
  const pressed = () => {
    members.setAttribute("aria-expanded", String(openedPanel() === "members"));
    search.setAttribute("aria-expanded", String(openedPanel() === "search"));
  };
  // Who came in and went is told one by one, while a summary may know of it before: it is asked.
  let timer = 0;
  const recount = async () => {
    const known = await api.get(at(name)).catch(() => null);
    if (known && store.rooms.has(name)) store.changeRoom(name, { members: known.members });
  };
  const offs = ["rooms", "people", "presence"].map((kind) => store.on(kind, update));
  offs.push(store.on("event", ({ event, room }) => {
    if (room !== name || (event !== "joined" && event !== "left")) return;
    clearTimeout(timer);
    timer = setTimeout(recount, RECOUNT_MS);
  }));
  recount();
  document.addEventListener("panel", pressed);
  pressed();
  update();
  const end = () => {
    for (const off of offs) off();
    clearTimeout(timer);
    document.removeEventListener("panel", pressed);
  };
  return { element, heading, end };
}

const at = (name) => `/rooms/${encodeURIComponent(name)}`;

async function change(name, facts) {
  try {
    await link.call({ do: "change_room", room: name, ...facts });
    return true;
  } catch (refusal) {
    complain(refusal);
    return false;
  }
}

function roomMenu(name) {
  const room = store.rooms.get(name);
  if (!room) return [];
  const may = rights(room);
  const isDirect = room.kind === "direct";
  const level = (value, label) => ({
    label,
    checked: (room.level ?? (isDirect ? "everything" : "mentions")) === value,
    run: () => link.call({ do: "level", room: name, level: value }).catch(complain),
  });
  const create = (what) => async () => (await import("./create.js"))[what](room);
  return [
    "Notify me of",
    level("everything", "Every message"),
    level("mentions", "Mentions"),
    level("nothing", "Nothing"),
    "This room",
    { label: "Copy link", icon: "link", run: () => copyLink(name) },
    !isDirect && !room.archived && { label: "Invite people", icon: "person-add", run: create("invitePeople") },
    may.moderate && !isDirect && { label: "Edit room", icon: "edit", run: create("editRoom") },
    may.own && !isDirect && {
      label: room.archived ? "Open again" : "Archive",
      icon: "archive",
      run: () => archive(room),
    },
    !isDirect && { label: "Leave", icon: "sign-out", danger: true, run: () => leave(room) },
    may.own && !isDirect && { label: "Delete room", icon: "trash", danger: true, run: () => remove(room) },
  ];
}

async function copyLink(name) {
  const url = location.origin + roomPath(name);
  toast((await copy(url)) ? "The link is copied." : url);
}

async function archive(room) {
  if (room.archived) return change(room.room, { archived: false });
  const { confirm } = await import("./dialog.js");
  const text = "Everybody can still read it, and nobody can write in it until it is opened again.";
  const title = `Archive ${room.title}?`;
  if (await confirm({ title, text, yes: "Archive" })) change(room.room, { archived: true });
}

async function leave(room) {
  const { confirm } = await import("./dialog.js");
  const text = room.kind === "private"
    ? "It is private: you come back only if somebody invites you."
    : "You can join again at any time.";
  const wanted = await confirm({ title: `Leave ${room.title}?`, text, yes: "Leave", danger: true });
  if (wanted) link.call({ do: "leave", room: room.room }).catch(complain);
}

async function remove(room) {
  const { confirm } = await import("./dialog.js");
  const text = "Everything that was said in it goes with it, for everybody. This cannot be undone.";
  const wanted = await confirm({ title: `Delete ${room.title}?`, text, yes: "Delete", danger: true });
  if (wanted) link.call({ do: "delete_room", room: room.room }).catch(complain);
}
