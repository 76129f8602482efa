// Administration, for admins: how the server is, who is on it, and what it lets people do.

import { api } from "./api.js";
import { setServer } from "./badge.js";
import { allRooms } from "./browse.js";
import { fill, h } from "./dom.js";
import { form } from "./form.js";
import { showDashboard } from "./dashboard.js";
import { showBots, showUsers } from "./users.js";
import { showInvites } from "./invites.js";
import { block, showPage, table } from "./page.js";
import { button, comes, iconButton, menu, nothing } from "./parts.js";
import { go, roomPath } from "./route.js";
import { nameServer } from "./sidebar.js";
import { store } from "./store.js";
import { number } from "./time.js";
import { complain, toast } from "./toast.js";
import { showWebhooks } from "./webhooks.js";

const PARTS = [
  { part: "overview", label: "Overview", build: showDashboard },
  { part: "people", label: "People", build: (place) => void showUsers(place) },
  { part: "rooms", label: "Rooms", build: (place) => void showRooms(place) },
  { part: "invites", label: "Invites", build: (place) => void showInvites(place) },
  { part: "documents", label: "Documents", build: (place) => void showDocuments(place) },
  { part: "bots", label: "Bots", build: (place) => void showBots(place) },
  { part: "webhooks", label: "Webhooks", build: (place) => void showWebhooks(place) },
  { part: "server", label: "Server", build: (place) => void showServer(place) },
];

/** Shows a part of the administration. */
export function show(main, part, sideButton) {
  if (store.me.admin) {
    return showPage(main, {
      title: "Administration",
      base: "/admin",
      parts: PARTS,
      part,
      sideButton,
    });
  }
  const home = button("To your rooms", () => go("/"), { kind: "main" });
  const head = h(
    "div",
    { class: "bar" },
    sideButton,
    h("h1", { tabindex: "-1" }, "Administration"),
  );
  fill(
    main,
    h("header", { class: "room-head" }, head),
    nothing("Only an admin may do this.", null, home),
  );
  return "Administration";
}

const showDocuments = async (place) => (await import("./documents.js")).showDocuments(place);

// ----------------------------------------------------------------------------------------- server

const SIGN_UP = [
  { value: "open", label: "Open", hint: "Whoever finds this server can make an account." },
  { value: "invite", label: "By invite", hint: "Whoever has a link that somebody here made." },
  { value: "closed", label: "Closed", hint: "Only admins make accounts." },
];

function showServer(place) {
  comes(place, async () => {
    const settings = await api.get("/settings");
    return form({
      fields: [
        {
          name: "name",
          label: "What the server is called",
          value: settings.name,
          required: true,
          maxlength: 120,
        },
        {
          name: "sign_up",
          label: "Who may sign up",
          kind: "choice",
          value: settings.sign_up,
          options: SIGN_UP,
        },
      ],
      onsubmit: async ({ name, sign_up }) => {
        const now = await api.patch("/settings", { name: name.trim(), sign_up });
        nameServer(now.name);
        setServer(now.name);
        toast("Saved.");
      },
    });
  });
}

// ------------------------------------------------------------------------------------------ rooms

function showRooms(place) {
  const list = h("div", {});
  const read = () =>
    comes(list, async () => {
      const rooms = await allRooms(true);
      const kind = (it) => [it.kind === "private" ? "private" : "open", it.archived && "archived"];
      return table(
        "Rooms",
        [
          {
            label: "Title",
            of: (it) => h("a", { href: roomPath(it.room), dir: "auto" }, it.title),
          },
          { label: "Kind", of: (it) => kind(it).filter(Boolean).join(", ") },
          { label: "Members", of: (it) => number(it.members) },
          { label: "Messages", of: (it) => number(it.seq) },
          {
            label: "",
            of: (it) =>
              menu(iconButton("more", `More about ${it.title}`), () => [
                {
                  label: it.archived ? "Open again" : "Archive",
                  icon: "archive",
                  run: () => archive(it, read),
                },
                { label: "Delete…", icon: "trash", danger: true, run: () => remove(it, read) },
              ]),
          },
        ],
        rooms,
        "There is no room yet.",
      );
    });
  const create = async () => (await import("./create.js")).createRoom();
  fill(
    place,
    block(
      "All rooms",
      "Open and private ones; conversations are for those who have them.",
      list,
      h("div", { class: "actions" }, button("Create a room", create, { picture: "plus" })),
    ),
  );
  read();
}

async function archive(room, read) {
  await api
    .patch(`/rooms/${encodeURIComponent(room.room)}`, { archived: !room.archived })
    .catch(complain);
  read();
}

async function remove(room, read) {
  const { confirm } = await import("./dialog.js");
  const text = "Everything that was said in it goes with it, for everybody. This cannot be undone.";
  const title = `Delete ${room.title}?`;
  if (!(await confirm({ title, text, yes: "Delete", danger: true }))) return;
  await api.del(`/rooms/${encodeURIComponent(room.room)}`).catch(complain);
  read();
}
