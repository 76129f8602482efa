// The menu of a room: what one wants to be told of it, and what is done to it.

import { confirm } from "./dialog.js";
import { rights } from "./header.js";
import { link } from "./link.js";
import { copy } from "./parts.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";
import { complain, toast } from "./toast.js";

async function change(name, facts) {
  try {
    await link.call({ do: "change_room", room: name, ...facts });
    return true;
  } catch (refusal) {
    complain(refusal);
    return false;
  }
}

/** What is in the menu of a room. */
export function roomMenu(name) {
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
    !isDirect &&
      !room.archived && { label: "Invite people", icon: "person-add", run: create("invitePeople") },
    may.moderate && !isDirect && { label: "Edit room", icon: "edit", run: create("editRoom") },
    may.own &&
      !isDirect && {
        label: room.archived ? "Open again" : "Archive",
        icon: "archive",
        run: () => archive(room),
      },
    !isDirect && { label: "Leave", icon: "sign-out", danger: true, run: () => leave(room) },
    may.own &&
      !isDirect && { label: "Delete room", icon: "trash", danger: true, run: () => remove(room) },
  ];
}

async function copyLink(name) {
  const url = location.origin + roomPath(name);
  toast((await copy(url)) ? "The link is copied." : url);
}

async function archive(room) {
  if (room.archived) return change(room.room, { archived: false });
  const text = "Everybody can still read it, and nobody can write in it until it is opened again.";
  const title = `Archive ${room.title}?`;
  if (await confirm({ title, text, yes: "Archive" })) change(room.room, { archived: true });
}

async function leave(room) {
  const text =
    room.kind === "private"
      ? "It is private: you come back only if somebody invites you."
      : "You can join again at any time.";
  const wanted = await confirm({ title: `Leave ${room.title}?`, text, yes: "Leave", danger: true });
  if (wanted) link.call({ do: "leave", room: room.room }).catch(complain);
}

async function remove(room) {
  const text = "Everything that was said in it goes with it, for everybody. This cannot be undone.";
  const wanted = await confirm({
    title: `Delete ${room.title}?`,
    text,
    yes: "Delete",
    danger: true,
  });
  if (wanted) link.call({ do: "delete_room", room: room.room }).catch(complain);
}
