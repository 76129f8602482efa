// Invites: links with which people make their accounts.

import { api, query } from "./api.js";
import { confirm } from "./dialog.js";
import { endOf, showSecret } from "./devices.js";
import { fill, h } from "./dom.js";
import { formDialog } from "./form.js";
import { block, table } from "./page.js";
import { button, comes } from "./parts.js";
import { listed } from "./sidebar.js";
import { store } from "./store.js";
import { ago, shortDay } from "./since.js";
import { full, number } from "./time.js";
import { complain } from "./toast.js";

const DAYS = [
  { value: "1", label: "A day" },
  { value: "7", label: "A week" },
  { value: "30", label: "30 days" },
  { value: "", label: "No end" },
];

/** Fills a place with the invites that were handed out. */
export function showInvites(place) {
  const list = h("div", {});
  const read = () =>
    comes(list, async () => {
      const { invites } = await api.get(`/invites${query({ limit: 200 })}`);
      const isOver = (it) =>
        it.uses_left === 0 || (it.expires_at && new Date(it.expires_at) < Date.now());
      return table(
        "Invites",
        [
          {
            label: "By",
            of: (it) => (it.by ? h("bdi", {}, store.called(it.by)) : "the command line"),
          },
          {
            label: "Into",
            of: (it) => (it.room ? h("bdi", {}, store.rooms.get(it.room)?.title ?? it.room) : "–"),
          },
          { label: "Lets in", of: (it) => (isOver(it) ? "nobody any more" : number(it.uses_left)) },
          {
            label: "Made",
            of: (it) =>
              h(
                "time",
                { datetime: it.created_at, title: full(it.created_at) },
                ago(it.created_at),
              ),
          },
          { label: "Until", of: (it) => (it.expires_at ? shortDay(it.expires_at) : "no end") },
          {
            label: "",
            of: (it) =>
              button("Revoke", () => revoke(it, read), {
                kind: "danger",
                "aria-label": `Revoke invite ${it.number}`,
              }),
          },
        ],
        invites,
        "There is no invite.",
      );
    });
  fill(
    place,
    block(
      "Links that let people in",
      "Whoever has one can make an account, as often as it says.",
      h(
        "div",
        { class: "actions" },
        button("Make an invite", () => make(read), { kind: "main", picture: "link" }),
      ),
      list,
    ),
  );
  read();
}

async function make(read) {
  const rooms = listed().rooms.map((room) => ({ value: room.room, label: room.title }));
  const made = await formDialog({
    title: "Make an invite",
    yes: "Make it",
    fields: [
      {
        name: "uses",
        label: "How many it lets in",
        kind: "number",
        value: "10",
        min: 1,
        max: 10000,
        required: true,
      },
      { name: "days", label: "How long it is good", kind: "select", options: DAYS, value: "7" },
      {
        name: "room",
        label: "The room that it leads to",
        kind: "select",
        value: "",
        options: [{ value: "", label: "None" }, ...rooms],
      },
    ],
    onsubmit: ({ uses, days, room }) =>
      api.post("/invites", {
        uses: Number(uses),
        expires_at: endOf(days),
        room: room || undefined,
      }),
  });
  if (!made) return;
  read();
  const text = "It is shown this once. Send it to those whom you want here.";
  await showSecret("The invite's link", text, `${location.origin}/invite/${made.code}`);
}

async function revoke(invite, read) {
  const text = "Whoever has its link cannot sign up with it any more. Those who did, stay.";
  if (!(await confirm({ title: "Revoke this invite?", text, yes: "Revoke", danger: true }))) return;
  await api.del(`/invites/${invite.number}`).catch(complain);
  read();
}
