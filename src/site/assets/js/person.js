// Who somebody is, and what those who keep order in a room may do to them there.

import { avatar, presenceDot, presenceWord } from "./avatar.js";
import { api } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { presenceOf } from "./folk.js";
import { formDialog } from "./form.js";
import { rights } from "./header.js";
import { link } from "./link.js";
import { button, comes, menu } from "./parts.js";
import { go, roomPath } from "./route.js";
import { ago, shortDay } from "./since.js";
import { store } from "./store.js";
import { full } from "./time.js";
import { complain, toast } from "./toast.js";

/** What somebody may be in a room. */
export const ROLES = { owner: "Owner", moderator: "Moderator", member: "Member" };

/** Shows who somebody is; in a room also what one may do to them there. */
export async function openProfile(name, room = null, member = null) {
  const body = h("div", { class: "profile" });
  const actions = h("div", { class: "actions" });
  const { close } = openDialog({ title: "Profile", body: [body, actions], kind: "small whois" });
  await comes(body, async () => {
    const person = await api.get(`/users/${encodeURIComponent(name)}`);
    store.meet(name, person);
    const state = presenceOf(name, room?.room);
    const seen = state === "offline" && person.last_seen ? `, seen ${ago(person.last_seen)}` : "";
    const role = { admin: "Admin of this server", bot: "A program" }[person.role];
    return [
      avatar(person, "huge"),
      h("p", { class: "title", dir: "auto" }, person.display_name),
      h("p", { class: "soft" }, h("bdi", {}, `@${person.name}`)),
      h(
        "p",
        {},
        presenceDot(state),
        " ",
        h("span", { "aria-hidden": "true" }, presenceWord(state)),
        seen,
      ),
      role && h("p", {}, role),
      member && room.kind !== "direct" && h("p", {}, `${ROLES[member.role]} of ${room.title}`),
      member?.muted_until && h("p", {}, `Muted until ${full(member.muted_until)}`),
      h("p", { class: "soft" }, `Here since ${shortDay(person.created_at)}`),
    ];
  });
  if (store.isMe(name)) {
    actions.append(
      button("Edit your profile", () => {
        close();
        go("/settings/profile");
      }),
    );
    return;
  }
  actions.append(
    button(
      "Message",
      async () => {
        try {
          const opened = await link.call({ do: "dm", user: name });
          store.changeRoom(opened.room, opened);
          close();
          go(roomPath(opened.room));
        } catch (refusal) {
          complain(refusal);
        }
      },
      { kind: "main", picture: "message" },
    ),
  );
  if (!room || !member || room.kind === "direct" || room.archived) return;
  const may = rights(store.rooms.get(room.room));
  const isAbove = store.me.admin || room.role === "owner" || member.role === "member";
  if (!may.moderate || !isAbove) return;
  actions.append(
    menu(button("Keep order", null, { picture: "shield" }), () =>
      orderMenu(room, member, may, close),
    ),
  );
}

function orderMenu(room, member, may, close) {
  const to = { room: room.room, user: member.name };
  const whom = member.display_name;
  const done = (command, said) => async () => {
    try {
      await link.call({ ...to, ...command });
      toast(said);
      close();
    } catch (refusal) {
      complain(refusal);
    }
  };
  const isMuted = member.muted_until && new Date(member.muted_until) > Date.now();
  const role = (value) => ({
    label: ROLES[value],
    checked: member.role === value,
    run: done({ do: "role", role: value }, `${whom} is ${ROLES[value].toLowerCase()} now.`),
  });
  const remove = async () => {
    const text =
      "They can come back: by themselves if the room is open, otherwise if somebody invites them.";
    const wanted = await confirm({ title: `Remove ${whom}?`, text, yes: "Remove", danger: true });
    if (wanted) await done({ do: "remove" }, `${whom} is not in ${room.title} any more.`)();
  };
  return [
    may.own && "Role here",
    ...(may.own ? ["owner", "moderator", "member"].map(role) : []),
    "Order",
    isMuted
      ? {
          label: "Let them write again",
          icon: "sound",
          run: done({ do: "mute", until: null }, `${whom} may write again.`),
        }
      : { label: "Mute…", icon: "mute", run: () => mute(to, whom, close) },
    { label: "Remove from the room…", icon: "sign-out", danger: true, run: remove },
    { label: "Ban…", icon: "ban", danger: true, run: () => ban(to, whom, close) },
  ];
}

const MINUTE = 60_000;

const SPANS = [
  { value: String(10 * MINUTE), label: "10 minutes" },
  { value: String(60 * MINUTE), label: "1 hour" },
  { value: String(24 * 60 * MINUTE), label: "1 day" },
  { value: String(7 * 24 * 60 * MINUTE), label: "1 week" },
];

async function mute(to, whom, close) {
  const done = await formDialog({
    title: `Mute ${whom}`,
    text: "They can read, and not write, for a while.",
    yes: "Mute",
    fields: [
      {
        name: "span",
        label: "For how long",
        kind: "select",
        options: SPANS,
        value: SPANS[1].value,
      },
    ],
    onsubmit: ({ span }) => {
      const until = new Date(Date.now() + Number(span)).toISOString();
      return link.call({ do: "mute", ...to, until });
    },
  });
  if (!done) return;
  toast(`${whom} is muted.`);
  close();
}

async function ban(to, whom, close) {
  const done = await formDialog({
    title: `Ban ${whom}`,
    text: "They are removed, and cannot come back until somebody lets them.",
    yes: "Ban",
    danger: true,
    fields: [{ name: "messages", label: "Remove what they said here, too", kind: "check" }],
    onsubmit: ({ messages }) => link.call({ do: "ban", ...to, messages }),
  });
  if (!done) return;
  toast(`${whom} is banned.`);
  close();
}
