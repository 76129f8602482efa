// The head of a room: what it is called and about, what is pinned in it, and all that is done to it.

import { api } from "./api.js";
import { avatar, presenceWord } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { link } from "./link.js";
import { gist } from "./message.js";
import { iconButton, menu, soon } from "./parts.js";
import { companions, presenceOf } from "./folk.js";
import { openSheet } from "./sidebar.js";
import { plural } from "./time.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";
import { complain } from "./toast.js";

/** How long coming and going rests before it is asked how many there are. */
const RECOUNT_MS = 2000;

/** What somebody may do in a room. */
export function rights(room) {
  const isAdmin = Boolean(store.me?.admin);
  const isOwner = isAdmin || room?.role === "owner";
  return { own: isOwner, moderate: isOwner || room?.role === "moderator" };
}

/** The button that opens the sidebar on a phone. */
export const sideButton = () =>
  iconButton("menu", "Rooms and people", openSheet, { class: "button bare to-side" });

/** The head of a room: `{element, end}`. */
export function roomHeader(name) {
  const title = h("bdi", {});
  const about = h("bdi", {});
  const heading = h("h1", { tabindex: "-1" }, title);
  const topic = h("p", { class: "topic" }, about);
  const mark = h("span", { class: "mark" });
  const count = h("span", { class: "number" });
  const members = iconButton(
    "people",
    "Members",
    async () => (await import("./members.js")).toggleMembers(name),
    { class: "button bare members", "aria-controls": "panel" },
  );
  members.append(count);
  const search = iconButton(
    "search",
    "Search",
    async () => (await import("./search.js")).toggleSearch(name),
    { "aria-controls": "panel" },
  );
  const more = menu(iconButton("more", "More about this room"), async () =>
    (await import("./roommenu.js")).roomMenu(name),
  );
  const pinned = h("div", { class: "pinned", hidden: true });
  const element = h(
    "header",
    { class: "room-head" },
    h(
      "div",
      { class: "bar" },
      sideButton(),
      mark,
      h("div", { class: "titles" }, heading, topic),
      search,
      members,
      more,
    ),
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
    fill(
      pinned,
      h(
        "a",
        { href: roomPath(name, seq) },
        icon("pin"),
        h("span", { class: "unseen" }, "Pinned: "),
        h("strong", { dir: "auto" }, message.display_name),
        " ",
        h("span", { dir: "auto" }, gist(message)),
      ),
      rights(store.rooms.get(name)).moderate &&
        iconButton("close", "Unpin", () =>
          link.call({ do: "change_room", room: name, pinned: null }).catch(complain),
        ),
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
      fill(
        mark,
        one ? avatar(one) : icon(picture),
        room.kind === "private" && h("span", { class: "unseen" }, "Private room"),
      );
    }
    count.textContent = String(room.members ?? "");
    const label = `Members: ${plural(room.members ?? 0, { one: "# person", other: "# people" })}`;
    members.setAttribute("aria-label", label);
    showPin(room.pinned);
  });
  const pressed = ({ detail = null } = {}) => {
    members.setAttribute("aria-expanded", String(detail === "members"));
    search.setAttribute("aria-expanded", String(detail === "search"));
  };
  // Who came in and went is told one by one, while a summary may know of it before: it is asked.
  let timer = 0;
  const recount = async () => {
    const known = await api.get(at(name)).catch(() => null);
    if (known && store.rooms.has(name)) store.changeRoom(name, { members: known.members });
  };
  const offs = ["rooms", "people", "presence"].map((kind) => store.on(kind, update));
  offs.push(
    store.on("event", ({ event, room }) => {
      if (room !== name || (event !== "joined" && event !== "left")) return;
      clearTimeout(timer);
      timer = setTimeout(recount, RECOUNT_MS);
    }),
  );
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
