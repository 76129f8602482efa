// Commands where there is no WebSocket: each becomes the plain request that does the same.

import { api, query } from "./api.js";

const part = encodeURIComponent;
const room = (command) => `/rooms/${part(command.room)}`;
const member = (command) => `${room(command)}/members/${part(command.user)}`;
const message = (command) => `${room(command)}/messages/${command.seq}`;
const reaction = (command) => `${message(command)}/reactions/${part(command.emoji)}`;

/** The members of a command that are its content. */
function but({ do: _, id, key, room, ...content }) {
  return content;
}

const ways = {
  join: (it, o) => api.put(`${room(it)}/members/me`, {}, o),
  leave: (it, o) => api.del(`${room(it)}/members/me`, undefined, o),
  rooms: (it) => api.get(`/rooms${query(but(it))}`),
  create_room: (it, o) => api.post("/rooms", { ...but(it), room: it.room }, o),
  change_room: (it, o) => api.patch(room(it), but(it), o),
  delete_room: (it, o) => api.del(room(it), undefined, o),
  members: (it) => api.get(`${room(it)}/members${query(but(it))}`),
  invite: (it, o) => api.put(member(it), {}, o),
  remove: (it, o) => api.del(member(it), undefined, o),
  bans: (it) => api.get(`${room(it)}/bans${query(but(it))}`),
  ban: (it, o) => {
    const messages = it.messages ? "?messages=1" : "";
    return api.put(`${room(it)}/bans/${part(it.user)}${messages}`, {}, o);
  },
  unban: (it, o) => api.del(`${room(it)}/bans/${part(it.user)}`, undefined, o),
  mute: (it, o) => api.put(member(it), { muted_until: it.until ?? null }, o),
  role: (it, o) => api.put(member(it), { role: it.role }, o),
  level: (it, o) => api.put(`${room(it)}/level`, { level: it.level }, o),
  dm: (it, o) => api.post("/dms", but(it), o),
  send: (it, o) => api.post(`${room(it)}/messages`, but(it), o),
  edit: (it, o) => api.patch(message(it), { text: it.text }, o),
  delete: (it, o) => api.del(message(it), undefined, o),
  react: (it, o) => api.put(reaction(it), {}, o),
  unreact: (it, o) => api.del(reaction(it), undefined, o),
  history: (it) => api.get(`${room(it)}/messages${query(but(it))}`),
  read: (it, o) => api.put(`${room(it)}/read`, { seq: it.seq }, o),
  presence: async (it) => {
    if (it.away !== undefined) await api.put("/me/presence", { away: it.away });
    return it.room ? online(await api.get(room(it))) : {};
  },
  typing: (it) => api.post(`${room(it)}/typing`),
  notify: (it, o) => api.post("/notifications", but(it), o),
  notifications: (it) => api.get(`/notifications${query(but(it))}`),
  seen: (it, o) => api.put(`/notifications/${it.notification}/seen`, {}, o),
  search: (it) => api.get(`/search${query({ ...but(it), room: it.room })}`),
  me: async () => (await api.get("/me")).user,
  ping: async () => ({}),
};

function online({ online, online_count }) {
  return { online, away: [], count: online_count };
}

/** Does what a command says. */
export function byRest(command) {
  return ways[command.do](command, { key: command.key });
}
