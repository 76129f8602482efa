// What begins with a slash is done by the server, which knows what there is; here is what only a
// client can do: going somewhere and opening something.

import { api, freshKey, query } from "./api.js";
import { link } from "./link.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";

/** Each has `name`, `usage`, `about` and `run(room, rest)`. */
const OWN = [
  {
    name: "search",
    usage: "WORDS",
    about: "Look for what was said",
    run: async (room, rest) => (await import("./search.js")).searchFor(rest, room),
  },
  {
    name: "join",
    usage: "#ROOM",
    about: "Go into a room",
    async run(_, rest) {
      const name = rest.replace(/^#/, "").toLowerCase();
      if (!name) throw new Error("Say which room: /join #room");
      if (!store.rooms.has(name)) await link.call({ do: "join", room: name });
      go(roomPath(name));
    },
  },
  {
    name: "leave",
    usage: "",
    about: "Leave this room",
    async run(room) {
      await link.call({ do: "leave", room });
      go("/");
    },
  },
];

const lists = new Map();

/** What somebody may use in a room, in the order of names; read once for a while. */
export async function commandsOf(room) {
  const known = lists.get(room);
  if (known && Date.now() - known.at < 60_000) return known.commands;
  const own = new Set(OWN.map(({ name }) => name));
  try {
    const { commands } = await api.get(`/commands${query({ room })}`);
    const all = [...commands.filter(({ name }) => !own.has(name)), ...OWN];
    all.sort((a, b) => (a.name < b.name ? -1 : 1));
    lists.set(room, { at: Date.now(), commands: all });
    return all;
  } catch {
    return known?.commands ?? OWN;
  }
}

/** What was asked last and not answered: asked again it is the same, and done once. */
let asked = null;

/**
 * Does what a text says. `{help}` are commands to show, `{said}` something was said, `{told}` is what
 * the server tells only me, and `{unknown}` that there is no such command.
 */
export async function run(text, room, reply_to) {
  const [, typed, rest] = /^\/(\S*)\s*([\s\S]*)$/.exec(text);
  const name = typed.toLowerCase();
  if (name === "help" && !rest) return { help: await commandsOf(room) };
  const own = OWN.find((it) => it.name === name);
  if (own) return (await own.run(room, rest.trim())) ?? {};
  if (asked?.text !== text || asked.room !== room) asked = { text, room, key: freshKey() };
  const { key } = asked;
  const told = heard(key);
  // Times of day are those of the clock on the wall here.
  const offset = -new Date().getTimezoneOffset();
  const command = { do: "send", room, text, reply_to, key, offset };
  const { seq, unknown, answer } = await link.call(command);
  asked = null;
  if (seq !== undefined) return { said: true };
  return { told: (answer ?? (await told))?.text, unknown };
}

/** How long the words behind an answer may take. */
const WORDS_MS = 5000;

/** What the server says to me alone behind its answer; without a WebSocket it is in that. */
function heard(key) {
  return new Promise((resolve) => {
    const off = store.on("event", (event) => {
      if (event.event === "answer" && event.key === key) done(event);
    });
    const timer = setTimeout(() => done(null), WORDS_MS);
    function done(event) {
      off();
      clearTimeout(timer);
      resolve(event);
    }
  });
}
