// What a token is good for, as it is chosen and shown.

import { listed } from "./sidebar.js";
import { store } from "./store.js";

/** Fields of a form with which somebody chooses what a token is good for. */
export const scopeFields = () => [
  {
    name: "scope",
    label: "What it is good for",
    kind: "choice",
    value: "",
    options: [
      { value: "", label: "Everything", hint: "All that its person may." },
      { value: "read write", label: "Rooms", hint: "To read and to write there." },
      { value: "write", label: "Writing alone", hint: "For what only tells something." },
      { value: "read", label: "Reading alone", hint: "For what only listens." },
    ],
  },
  {
    name: "scopeRoom",
    label: "Where",
    kind: "select",
    value: "",
    hint: "Counts unless it is good for everything.",
    options: [
      { value: "", label: "In all rooms" },
      ...listed().rooms.map((room) => ({ value: room.room, label: room.title })),
    ],
  },
];

/** What was chosen, as the server takes it. */
export function scopesOf({ scope, scopeRoom }) {
  if (!scope) return undefined;
  return [...scope.split(" "), ...(scopeRoom ? [`room:${scopeRoom}`] : [])];
}

const WORDS = { read: "reading", write: "writing", admin: "administration" };

/** What a token is good for, for people. */
export function scopesText(scopes) {
  if (!scopes) return "everything";
  const kinds = scopes.filter((it) => WORDS[it]).map((it) => WORDS[it]);
  const rooms = scopes.filter((it) => it.startsWith("room:")).map((it) => it.slice(5));
  const where = rooms.map((room) => store.rooms.get(room)?.title ?? room);
  return kinds.join(" and ") + (where.length ? ` in ${where.join(", ")}` : "");
}
