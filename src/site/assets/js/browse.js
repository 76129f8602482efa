// Rooms that one is not in: all open ones to choose from, and one of them seen from outside.

import { api, query } from "./api.js";
import { openDialog } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { fits } from "./finding.js";
import { link } from "./link.js";
import { button, comes, nothing } from "./parts.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";
import { plural } from "./time.js";
import { complain } from "./toast.js";

const members = (room) => plural(room.members ?? 0, { one: "# member", other: "# members" });

const pictureOf = (room) => (room.archived ? "archive" : room.kind === "private" ? "lock" : "hash");

/** All rooms that somebody may see, by pages; for an admin with `all` also private ones. */
export async function allRooms(all) {
  const rooms = [];
  for (let after; ;) {
    const page = await api.get(`/rooms${query({ limit: 200, after, all })}`);
    rooms.push(...page.rooms.filter((room) => room.kind !== "direct"));
    if (!page.more || rooms.length >= 2000) return rooms;
    after = page.rooms.at(-1).room;
  }
}

/** A dialog with all open rooms. */
export function browseRooms() {
  const list = h("div", {});
  const input = h("input", {
    class: "input",
    type: "search",
    "aria-label": "Find a room",
    placeholder: "Find a room",
    oninput: () => render(),
  });
  const create = async () => {
    close();
    (await import("./create.js")).createRoom();
  };
  const { close } = openDialog({
    title: "Browse rooms",
    kind: "tall",
    body: [input, list],
    actions: [button("Create a room", create, { picture: "plus" })],
  });
  let rooms = [];
  let render = () => {};
  comes(list, async () => {
    rooms = await allRooms();
    const rows = h("ul", { class: "rooms" });
    const count = h("p", { class: "unseen", role: "status" });
    render = () => {
      const score = (room) => Math.max(fits(room.title, input.value), fits(room.room, input.value));
      const found = rooms.map((room) => [score(room), room]).filter(([it]) => it > 0);
      found.sort(
        ([one, a], [other, b]) =>
          other - one || Number(a.archived) - Number(b.archived) || a.title.localeCompare(b.title),
      );
      fill(
        rows,
        found.map(([, room]) => row(room, close)),
      );
      count.textContent = plural(found.length, { one: "# room", other: "# rooms" });
      if (!found.length) fill(rows, h("li", {}, nothing("No room is called so.")));
    };
    render();
    return [rows, count];
  });
}

function row(room, close) {
  const isIn = store.rooms.has(room.room);
  const open = () => {
    close();
    go(roomPath(room.room));
  };
  const join = button(
    isIn ? "Open" : "Join",
    async (event) => {
      if (isIn) return open();
      event.target.disabled = true;
      if (await enter(room.room)) open();
      else event.target.disabled = false;
    },
    { "aria-label": `${isIn ? "Open" : "Join"} ${room.title}` },
  );
  const about = [members(room), room.archived && "archived", isIn && "you are in it"].filter(
    Boolean,
  );
  return h(
    "li",
    {},
    icon(pictureOf(room)),
    h(
      "div",
      {},
      h("a", { href: roomPath(room.room), dir: "auto", onclick: () => close() }, room.title),
      room.topic && h("p", { dir: "auto" }, room.topic),
      h("p", { class: "soft" }, about.join(" · ")),
    ),
    (isIn || !room.archived) && join,
  );
}

async function enter(name) {
  try {
    const room = await link.call({ do: "join", room: name });
    store.changeRoom(name, room);
    return true;
  } catch (refusal) {
    complain(refusal);
    return false;
  }
}

/** Shows a room that one is not in: what it is, and a way in. Its title. */
export async function showFromOutside(main, name, sideButton) {
  const head = (title, picture = null) =>
    h(
      "header",
      { class: "room-head" },
      h(
        "div",
        { class: "bar" },
        sideButton,
        picture && h("span", { class: "mark" }, icon(picture)),
        h("h1", { tabindex: "-1" }, h("bdi", {}, title)),
      ),
    );
  let room;
  try {
    room = await api.get(`/rooms/${encodeURIComponent(name)}`);
  } catch (refusal) {
    const isGone = refusal.code === "not_found";
    const title = isGone ? "There is no such room" : "This did not come";
    const text = isGone ? "It is gone, or it is private and you are not in it." : refusal.message;
    const home = button("To your rooms", () => go("/"), { kind: "main" });
    fill(main, head(title), nothing(text, null, home));
    main.querySelector("h1").focus();
    return title;
  }
  const joining = button(
    "Join this room",
    async () => {
      joining.disabled = true;
      if (await enter(name)) return;
      joining.disabled = false;
    },
    { kind: "main" },
  );
  const facts = [members(room), room.online_count ? `${room.online_count} here now` : null].filter(
    Boolean,
  );
  fill(
    main,
    head(room.title, pictureOf(room)),
    h(
      "div",
      { class: "nothing" },
      h("p", { class: "title", dir: "auto" }, room.topic || "You are not in this room."),
      h("p", {}, facts.join(" · ")),
      room.archived
        ? h("p", {}, "This room is archived: nothing more is said in it.")
        : h("div", { class: "actions" }, joining),
    ),
  );
  main.querySelector("h1").focus();
  return room.title;
}
