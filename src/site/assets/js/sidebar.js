// The sidebar: rooms and conversations, what is unread in them, and who one is.

import { avatar, presenceDot } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { iconButton, menu, soon } from "./parts.js";
import { companions, personOf, presenceOf } from "./folk.js";
import { plural } from "./time.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";

let element = null;
let current = null;
let serverName = "Parlour";
const rows = new Map();
/** Conversations in which something was said since the page was opened, the last first. */
let recent = [];

const lists = {
  rooms: h("ul", { "aria-label": "Rooms" }),
  direct: h("ul", { "aria-label": "Direct messages" }),
};
const title = h("span", { class: "name" }, h("bdi", {}, serverName));
const bellCount = h("span", { class: "count", hidden: true });
const bellName = h("span", { class: "unseen" }, "Notifications");
const bellNew = h("span", { class: "unseen" });
// Its name is what is in it: what is seen of it is what one calls it by.
const bell = iconButton(
  "bell",
  "Notifications",
  async () => {
    closeSheet();
    (await import("./notices.js")).toggleNotices();
  },
  { "aria-label": null },
);
bell.append(bellName, bellCount, bellNew);
const own = h("button", { class: "own", type: "button" });

/** The sidebar's element, and what keeps it true. */
export function sidebar() {
  element = h(
    "nav",
    { class: "sidebar", id: "sidebar", "aria-label": "Rooms and people" },
    h(
      "header",
      {},
      h("span", { class: "name" }, title),
      bell,
      h(
        "button",
        {
          class: "button bare sheet-close",
          type: "button",
          "aria-label": "Close the list of rooms",
          onclick: closeSheet,
        },
        icon("close"),
      ),
    ),
    h(
      "button",
      { class: "jump", type: "button", onclick: openSwitcher },
      icon("search"),
      h("span", {}, "Jump to…"),
      h("kbd", {}, /Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K"),
    ),
    h(
      "div",
      { class: "lists" },
      section(
        "Rooms",
        lists.rooms,
        menu(iconButton("plus", "Add a room"), () => [
          { label: "Create a room", icon: "plus", run: openCreate },
          { label: "Browse rooms", icon: "compass", run: openBrowse },
        ]),
      ),
      section("Direct messages", lists.direct, iconButton("plus", "New conversation", openDirect)),
    ),
    h(
      "footer",
      {},
      menu(own, async () => (await import("./ownmenu.js")).ownMenu()),
    ),
    h("div", { class: "scrim", onclick: closeSheet }),
  );
  const render = soon(update);
  for (const kind of ["rooms", "people", "presence", "notices", "me"]) store.on(kind, render);
  store.on("event", ({ event, room }) => {
    if (event !== "message" || store.rooms.get(room)?.kind !== "direct") return;
    recent = [room, ...recent.filter((name) => name !== room)];
    render();
  });
  document.addEventListener("panel", ({ detail }) =>
    bell.setAttribute("aria-pressed", String(detail === "notices")),
  );
  element.addEventListener("keydown", (event) => event.key === "Escape" && closeSheet());
  update();
  return element;
}

const section = (name, list, action) =>
  h("section", {}, h("div", { class: "heading" }, h("h2", {}, name), action), list);

/** Marks the room that is open. */
export function setCurrent(name) {
  current = name;
  closeSheet();
  update();
  rows.get(name)?.element.scrollIntoView?.({ block: "nearest" });
}

/** What the server is called. */
export function nameServer(name) {
  serverName = name;
  title.textContent = name;
}

/** The rooms in the order in which they are listed, for going to the next. */
export function listed() {
  const all = [...store.rooms.values()].filter((room) => room.joined !== false);
  const byTitle = (one, other) => (one.title || one.room).localeCompare(other.title || other.room);
  const place = (room) => (recent.includes(room.room) ? recent.indexOf(room.room) : recent.length);
  return {
    rooms: all.filter((it) => it.kind !== "direct" && !it.archived).sort(byTitle),
    direct: all
      .filter((it) => it.kind === "direct")
      .sort((one, other) => place(one) - place(other)),
  };
}

// ------------------------------------------------------------------------------------------ rows

function update() {
  // Without a server nobody knows yet who this is.
  own.hidden = !store.me;
  if (!store.me) return;
  const { rooms, direct } = listed();
  arrange(lists.rooms, rooms, "No rooms yet.");
  arrange(lists.direct, direct, "Nobody yet.");
  for (const [name] of rows) if (!store.rooms.has(name)) rows.delete(name);
  const unread = store.notices.unread ?? 0;
  bellCount.hidden = unread === 0;
  bellCount.textContent = unread > 99 ? "99+" : String(unread);
  bellName.textContent = unread ? "Notifications, " : "Notifications";
  bellNew.textContent = unread ? " new" : "";
  updateOwn();
}

function arrange(list, rooms, none) {
  const wanted = rooms.map((room) => row(room));
  if (wanted.length === 0) {
    fill(list, h("li", { class: "none" }, none));
    return;
  }
  // Rows stay where they are unless their order changes, and focus with them.
  const isSame =
    list.children.length === wanted.length && wanted.every((it, at) => list.children[at] === it);
  if (isSame) return;
  const focused = document.activeElement;
  fill(list, wanted);
  if (list.contains(focused)) focused.focus();
}

function row(room) {
  const isQuiet = room.level === "nothing";
  const isUnread = !isQuiet && room.unread > 0 && room.room !== current;
  const isDirect = room.kind === "direct";
  const count =
    isQuiet || room.room === current ? 0 : isDirect ? room.unread : (room.mentions ?? 0);
  const people = isDirect ? companions(room) : [];
  const presence = people.length === 1 ? presenceOf(people[0].name, room.room) : null;
  const name = room.title || room.room;
  const facts = [
    name,
    isQuiet,
    isUnread,
    count,
    room.room === current,
    room.kind,
    presence,
    people.map((it) => [it.display_name, it.avatar]),
  ].join("\n");
  let it = rows.get(room.room);
  if (it?.facts === facts) return it.element;
  const anchor = it?.anchor ?? h("a", { href: roomPath(room.room) });
  it ??= { anchor, element: h("li", {}, anchor) };
  it.facts = facts;
  rows.set(room.room, it);
  anchor.className = [isUnread && "unread", isQuiet && "quiet"].filter(Boolean).join(" ");
  if (room.room === current) anchor.setAttribute("aria-current", "page");
  else anchor.removeAttribute("aria-current");
  fill(
    anchor,
    picture(room, people, presence),
    h("span", { class: "name" }, h("bdi", {}, name)),
    room.kind === "private" && h("span", { class: "unseen" }, "private"),
    isUnread && !count && h("span", { class: "unseen" }, "unread"),
    count > 0 &&
      h(
        "span",
        { class: "count" },
        count > 99 ? "99+" : String(count),
        h(
          "span",
          { class: "unseen" },
          isDirect
            ? plural(count, { one: " unread message", other: " unread messages" }).replace(
                /^\S+/,
                "",
              )
            : plural(count, { one: " mention", other: " mentions" }),
        ),
      ),
  );
  return it.element;
}

function picture(room, people, presence) {
  if (room.kind !== "direct") return icon(room.kind === "private" ? "lock" : "hash");
  if (people.length > 1) {
    return h(
      "span",
      { class: "avatar small several", "aria-hidden": "true" },
      String(people.length),
    );
  }
  return h("span", { class: "with-presence" }, avatar(people[0], "small"), presenceDot(presence));
}

// ------------------------------------------------------------------------------------------- own

function updateOwn() {
  const person = { ...personOf(store.me.name), ...store.me };
  const state = presenceOf(store.me.name);
  const facts = [person.display_name, person.avatar, state].join("\n");
  if (own.dataset.facts === facts) return;
  own.dataset.facts = facts;
  fill(
    own,
    h("span", { class: "with-presence" }, avatar(person, "small"), presenceDot(state)),
    h("span", { class: "name" }, h("bdi", {}, person.display_name)),
    h("span", { class: "unseen" }, "Your menu"),
    icon("more"),
  );
}

// ---------------------------------------------------------------------------- what opens from here

async function openSwitcher() {
  closeSheet();
  (await import("./switcher.js")).openSwitcher();
}
async function openCreate() {
  closeSheet();
  (await import("./create.js")).createRoom();
}
async function openBrowse() {
  closeSheet();
  (await import("./browse.js")).browseRooms();
}
async function openDirect() {
  closeSheet();
  (await import("./create.js")).startDirect();
}

/** On a phone the sidebar is a sheet over the room. */
export function openSheet() {
  document.body.classList.add("side-open");
  behind(true);
  (element.querySelector("[aria-current]") ?? element.querySelector(".jump")).focus();
}

/** Back to the room. */
export function closeSheet() {
  const wasOpen = document.body.classList.contains("side-open");
  document.body.classList.remove("side-open");
  behind(false);
  if (wasOpen) document.querySelector(".to-side")?.focus();
}

/** What is behind the sheet cannot be reached. */
function behind(isBehind) {
  for (const id of ["main", "panel"])
    document.getElementById(id)?.toggleAttribute("inert", isBehind);
}
