// What can be completed: people after `@`, emoji after `:`, commands after `/`.

import { avatar } from "./avatar.js";
import { h } from "./dom.js";
import { used } from "./emoji.js";
import { link } from "./link.js";
import { store } from "./store.js";

const members = new Map();

/** Who is in a room, read once for a while. */
async function membersOf(room) {
  const known = members.get(room);
  if (known && Date.now() - known.at < 60_000) return known.people;
  try {
    const { members: people } = await link.call({ do: "members", room, limit: 200 });
    members.set(room, { at: Date.now(), people });
    return people;
  } catch {
    return known?.people ?? [...store.people.values()];
  }
}

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The people of a room whose name or display name begins so; who spoke last comes first. */
async function people(room, word) {
  const wanted = fold(word);
  const spoke = new Map(store.logs.get(room)?.messages.map((it) => [it.from, it.seq]));
  const fits = ({ name, display_name }) =>
    name.startsWith(wanted) ||
    fold(display_name)
      .split(/\s+/)
      .some((part) => part.startsWith(wanted));
  const found = (await membersOf(room)).filter((it) => !store.isMe(it.name) && fits(it));
  found.sort((a, b) => (spoke.get(b.name) ?? 0) - (spoke.get(a.name) ?? 0));
  const entries = found.slice(0, 8).map((it) => ({
    insert: `@${it.name} `,
    label: it.display_name,
    detail: `@${it.name}`,
    picture: avatar({ ...it, ...store.people.get(it.name) }, "small"),
  }));
  const all = { insert: "@room ", label: "room", detail: "Everybody in this room" };
  return wanted && "room".startsWith(wanted) ? [...entries, all] : entries;
}

async function emoji(word) {
  const { search } = await import("./emoji_find.js");
  const found = search(word, 8);
  return found.map(([picture, name]) => ({
    insert: `${picture} `,
    taken: () => used(picture),
    label: name,
    picture: h("span", { class: "emoji", "aria-hidden": "true" }, picture),
  }));
}

async function commands(room, word) {
  const { commandsOf } = await import("./slash.js");
  const all = await commandsOf(room);
  const found = all.filter(({ name }) => name.startsWith(word.toLowerCase()));
  return found.map(({ name, usage, about }) => ({
    insert: `/${name}${usage ? " " : ""}`,
    label: `/${name} ${usage}`,
    detail: about,
  }));
}

/** The sources of completion in a room. */
export const sourcesOf = (room) => [
  { pattern: /(?:^|[^\p{L}\p{N}@])@([\p{L}\p{N}_.-]{0,40})$/u, find: (word) => people(room, word) },
  { pattern: /(?:^|\s):([a-z0-9_+-]{2,30})$/i, find: emoji },
  { pattern: /^\/([\p{L}\p{N}_-]*)$/u, find: (word) => commands(room, word) },
];
