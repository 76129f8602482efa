// Webhooks: programs that say something in a room, and programs that are told what happens there.

import { api } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { showSecret } from "./devices.js";
import { fill, h } from "./dom.js";
import { formDialog } from "./form.js";
import { block, table } from "./page.js";
import { button, comes, iconButton, menu, nothing } from "./parts.js";
import { listed } from "./sidebar.js";
import { ago } from "./since.js";
import { store } from "./store.js";
import { full, number } from "./time.js";
import { complain, toast } from "./toast.js";

const EVENTS = [
  { event: "message", label: "Every message" },
  { event: "mention", label: "Messages that mention its bot" },
  { event: "join", label: "Who comes in" },
];

/** Fills a place with the webhooks that there are. */
export function showWebhooks(place) {
  const list = h("div", {});
  const read = () =>
    comes(list, async () => {
      const { webhooks } = await api.get("/webhooks");
      return table("Webhooks", columns(read), webhooks, "There is none.");
    });
  fill(
    place,
    block(
      "Programs in rooms",
      "An incoming webhook says in a room what a program sends to its address. An outgoing one sends " +
        "what happens in a room to an address of yours, and says what that answers.",
      h(
        "div",
        { class: "actions" },
        button("Make an incoming one", () => makeIncoming(read), { kind: "main", picture: "link" }),
        button("Make an outgoing one", () => makeOutgoing(read), { picture: "send" }),
      ),
      list,
    ),
  );
  read();
}

const at = (hook) => `/webhooks/${hook.id}`;

const isOutgoing = (hook) => hook.direction === "outgoing";

function stateOf(hook) {
  if (hook.failed_at) return "given up";
  if (hook.paused) return "paused";
  if (!isOutgoing(hook)) return "open";
  if (hook.failures > 0 && hook.waiting > 0) return `failing, ${number(hook.waiting)} waiting`;
  return hook.dead > 0 ? `${number(hook.dead)} not delivered` : "well";
}

const columns = (read) => [
  {
    label: "Name",
    of: (it) => [h("bdi", {}, it.name), h("span", { class: "tag" }, it.direction)],
  },
  {
    label: "Room",
    of: (it) => h("bdi", {}, it.room ? (store.rooms.get(it.room)?.title ?? it.room) : "all of its bot"),
  },
  { label: "Bot", of: (it) => h("bdi", {}, it.bot) },
  {
    label: "Made",
    of: (it) =>
      h("time", { datetime: it.created_at, title: full(it.created_at) }, ago(it.created_at)),
  },
  { label: "State", of: stateOf },
  {
    label: "",
    of: (it) => menu(iconButton("more", `More about ${it.name}`), () => deeds(it, read)),
  },
];

const deeds = (hook, read) => [
  isOutgoing(hook) && { label: "Try it", icon: "send", run: () => tryIt(hook) },
  isOutgoing(hook) && { label: "Deliveries…", icon: "clock", run: () => showDeliveries(hook, read) },
  hook.paused || hook.failed_at
    ? { label: "Let it go on", icon: "play", run: () => pause(hook, false, read) }
    : { label: "Pause", icon: "mute", run: () => pause(hook, true, read) },
  { label: "Delete…", icon: "trash", danger: true, run: () => remove(hook, read) },
];

const NAME = {
  name: "name",
  label: "What it is for",
  required: true,
  maxlength: 120,
  autocomplete: "off",
};

const roomField = () => ({
  name: "room",
  label: "The room",
  kind: "select",
  value: "",
  options: listed().rooms.map((room) => ({ value: room.room, label: room.title })),
});

async function makeIncoming(read) {
  const made = await formDialog({
    title: "Make an incoming webhook",
    yes: "Make it",
    fields: [NAME, roomField()],
    onsubmit: ({ name, room }) => api.post("/webhooks", { direction: "incoming", name, room }),
  });
  if (!made) return;
  read();
  const text = "Whoever has it can say something in the room. It is shown this once.";
  await showSecret("The webhook's address", text, `${location.origin}${made.path}`);
}

async function makeOutgoing(read) {
  const made = await formDialog({
    title: "Make an outgoing webhook",
    yes: "Make it",
    fields: [
      NAME,
      roomField(),
      {
        name: "url",
        label: "Where to send it",
        required: true,
        maxlength: 2000,
        inputmode: "url",
        autocomplete: "off",
        placeholder: "https://",
      },
      {
        name: "command",
        label: "Command",
        hint: "What begins with / and this word is handed to it.",
        maxlength: 64,
        autocomplete: "off",
      },
      ...EVENTS.map(({ event, label }) => ({
        name: event,
        label,
        kind: "check",
        value: event === "message",
      })),
    ],
    onsubmit: ({ name, room, url, command, ...wants }) => {
      const events = EVENTS.map((it) => it.event).filter((event) => wants[event]);
      const about = { direction: "outgoing", name, room, url, events };
      if (command.trim()) about.command = command.trim();
      return api.post("/webhooks", about);
    },
  });
  if (!made) return;
  read();
  const text = "With it your program finds out that something is from here. It is shown this once.";
  await showSecret("The webhook's secret", text, made.secret);
}

async function tryIt(hook) {
  try {
    const { status, error } = await api.post(`${at(hook)}/test`);
    toast(status ? `It was answered with ${status}.` : `It did not arrive: ${error}`);
  } catch (refusal) {
    complain(refusal);
  }
}

async function pause(hook, paused, read) {
  await api.patch(at(hook), { paused }).catch(complain);
  read();
}

async function remove(hook, read) {
  const text = isOutgoing(hook)
    ? "Nothing more is sent, and what waits is gone."
    : "Whatever is sent to its address is refused from now on.";
  if (!(await confirm({ title: `Delete "${hook.name}"?`, text, yes: "Delete", danger: true }))) return;
  await api.del(at(hook)).catch(complain);
  read();
}

// ------------------------------------------------------------------------------------- deliveries

const delivery = (it) =>
  h(
    "section",
    { class: "block" },
    h(
      "p",
      {},
      h("strong", {}, `${it.kind} ${it.id}`),
      it.tries > 0 && `, tried ${it.tries === 1 ? "once" : `${number(it.tries)} times`}`,
      it.next_at ? [", next ", h("time", { datetime: it.next_at }, full(it.next_at))] : ", given up",
    ),
    it.error && h("p", { class: "soft" }, it.error),
  );

function showDeliveries(hook, read) {
  const list = h("div", {});
  const show = () =>
    comes(list, async () => {
      const { deliveries } = await api.get(`${at(hook)}/deliveries`);
      again.hidden = !deliveries.some((it) => it.state === "dead");
      return deliveries.length ? deliveries.map(delivery) : nothing("Everything has arrived.");
    });
  const again = button("Send again what was given up", async () => {
    await api.post(`${at(hook)}/redeliver`, {}).catch(complain);
    show();
  });
  const done = button("Done", () => close(), { kind: "main" });
  const { close, closed } = openDialog({
    title: `Deliveries of ${hook.name}`,
    body: [list],
    actions: [again, done],
  });
  show();
  return closed.then(read);
}
