// What begins with a slash: things that are done instead of said. What is not known is answered in
// its place and not sent.

import { link } from "./link.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";

const bare = (word) => word.replace(/^[@#]/, "").toLowerCase();

class Wrong extends Error {}

const need = (word, what) => {
  if (!word) throw new Wrong(`Say ${what}.`);
  return bare(word);
};

const MINUTE_MS = 60_000;
const UNITS = { m: 1, h: 60, d: 60 * 24 };

/** When a time such as "30m", "2h" or "1d" from now is. */
function moment(word = "1h") {
  const [, count, unit] = /^(\d{1,4})([mhd])$/.exec(word) ?? [];
  if (!count) throw new Wrong("Say for how long: 30m, 2h or 1d.");
  return new Date(Date.now() + count * UNITS[unit] * MINUTE_MS).toISOString();
}

/** Each has `name`, `args`, `about` and `run(context, rest, words)`; that gives words to show, or `{say}`. */
export const commands = [
  {
    name: "me",
    args: "what you do",
    about: "Say what you are doing",
    run: (_, rest) => ({ say: `*${need(rest, "what you do") && rest}*` }),
  },
  {
    name: "shrug",
    args: "text",
    about: "Add ¯\\_(ツ)_/¯",
    run: (_, rest) => ({ say: `${rest} ¯\\\\\\_(ツ)\\_/¯`.trim() }),
  },
  {
    name: "topic",
    args: "text",
    about: "Change what this room is about",
    run: async ({ room }, rest) => {
      await link.call({ do: "change_room", room, topic: rest });
      return rest ? "The topic was changed." : "The topic was taken away.";
    },
  },
  {
    name: "invite",
    args: "@name",
    about: "Bring somebody into this room",
    run: async ({ room }, _, [who]) => {
      const user = need(who, "whom to invite: /invite @name");
      await link.call({ do: "invite", room, user });
      return `${store.called(user)} is in this room now.`;
    },
  },
  {
    name: "kick",
    args: "@name",
    about: "Send somebody out of this room; they may come back",
    run: async ({ room }, _, [who]) => {
      const user = need(who, "whom: /kick @name");
      await link.call({ do: "remove", room, user });
      return `${store.called(user)} is not in this room any more.`;
    },
  },
  {
    name: "ban",
    args: "@name",
    about: "Send somebody out of this room for good",
    run: async ({ room }, _, [who]) => {
      const user = need(who, "whom: /ban @name");
      await link.call({ do: "ban", room, user });
      return `${store.called(user)} cannot come back into this room.`;
    },
  },
  {
    name: "mute",
    args: "@name 1h",
    about: "Let somebody say nothing in this room for a while",
    run: async ({ room }, _, [who, time]) => {
      const user = need(who, "whom: /mute @name 1h");
      await link.call({ do: "mute", room, user, until: moment(time) });
      return `${store.called(user)} can say nothing here for ${time ?? "1h"}.`;
    },
  },
  {
    name: "who",
    args: "",
    about: "See who is here just now",
    run: async ({ room }) => {
      const { online = [], away = [] } = await link.call({ do: "presence", room });
      const names = [...online, ...away].map(store.called);
      return names.length ? `Here just now: ${names.join(", ")}.` : "Nobody is here just now.";
    },
  },
  {
    name: "search",
    args: "words",
    about: "Look for what was said",
    run: async ({ room }, rest) => {
      const { searchFor } = await import("./search.js");
      searchFor(rest, room);
    },
  },
  {
    name: "join",
    args: "#room",
    about: "Go into a room",
    run: async (_, __, [name]) => {
      const room = need(name, "which room: /join #room");
      if (!store.rooms.has(room)) await link.call({ do: "join", room });
      go(roomPath(room));
    },
  },
  {
    name: "leave",
    args: "",
    about: "Leave this room",
    run: async ({ room }) => {
      await link.call({ do: "leave", room });
      go("/");
    },
  },
  { name: "help", args: "", about: "See what else can be done", run: () => ({ help: true }) },
];

/** Does what a text says: words to show, `{say}`, `{help}`, or nothing; throws what is wrong with it. */
export async function run(text, context) {
  const [, name, rest] = /^\/(\S*)\s*([\s\S]*)$/.exec(text);
  const command = commands.find((it) => it.name === name.toLowerCase());
  if (!command) throw new Wrong(`There is no command /${name}. /help shows those that there are.`);
  return command.run(context, rest.trim(), rest.trim().split(/\s+/).filter(Boolean));
}
