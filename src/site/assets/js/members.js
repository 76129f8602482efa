// Who is in a room, and how they are there.

import { avatar, presenceDot } from "./avatar.js";
import { api, query } from "./api.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { fits } from "./finding.js";
import { personOf, presenceOf } from "./folk.js";
import { rights } from "./header.js";
import { link } from "./link.js";
import { togglePanel } from "./panel.js";
import { button, comes, iconButton, menu, nothing, soon } from "./parts.js";
import { openProfile, ROLES } from "./person.js";
import { shortDay } from "./since.js";
import { store } from "./store.js";
import { complain, toast } from "./toast.js";

/** Members that are listed; beyond that one looks for somebody by name. */
const LISTED_MAX = 1000;

/** Opens the members of a room in the panel, or closes them. */
export function toggleMembers(room) {
  togglePanel("members", "Members", (body, tools) => show(room, body, tools));
}

async function show(name, body, tools) {
  const offs = [];
  const room = () => store.rooms.get(name);
  if (room()?.kind !== "direct" && !room()?.archived) {
    const invite = async () => (await import("./create.js")).invitePeople(room());
    tools.append(iconButton("person-add", "Invite people", invite));
  }
  if (rights(room()).moderate && room()?.kind !== "direct") {
    tools.append(
      menu(iconButton("more", "More about members"), () => [
        { label: "Let somebody back in", icon: "check", run: () => letBack(room()) },
      ]),
    );
  }
  let members = [];
  await comes(body, async () => {
    members = await read(name);
    for (const it of members)
      store.meet(it.name, { display_name: it.display_name, presence: it.presence });
    const list = h("div", { class: "members-list" });
    const input = h("input", {
      class: "input",
      type: "search",
      "aria-label": "Find a member",
      placeholder: "Find a member",
      oninput: () => render(),
    });
    const render = () => renderList(list, room(), members, input.value);
    const later = soon(render);
    offs.push(store.on("presence", later), store.on("people", later));
    offs.push(
      store.on("event", async (event) => {
        if (event.room !== name || !["joined", "left", "member"].includes(event.event)) return;
        members = await read(name).catch(() => members);
        render();
      }),
    );
    render();
    return [members.length > 8 && input, list];
  });
  return () => offs.forEach((off) => off());
}

async function read(name) {
  const all = [];
  for (let after = null; ;) {
    const page = await api.get(
      `/rooms/${encodeURIComponent(name)}/members${query({ after, limit: 200 })}`,
    );
    all.push(...page.members);
    if (!page.more || all.length >= LISTED_MAX) return all;
    after = page.next;
  }
}

function renderList(list, room, members, typed) {
  if (!room) return;
  const found = members.filter(
    (it) => fits(it.display_name, typed) > 0 || fits(it.name, typed) > 0,
  );
  const state = (it) => presenceOf(it.name, room.room);
  const byName = (one, other) => one.display_name.localeCompare(other.display_name);
  const group = (title, these) =>
    these.length > 0 &&
    h(
      "section",
      {},
      h("h3", {}, `${title} · ${these.length}`),
      h(
        "ul",
        {},
        these.sort(byName).map((it) => row(room, it, state(it))),
      ),
    );
  const isHere = (it) => state(it) !== "offline";
  // Whoever is just being looked at stays under the finger.
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.who;
  fill(
    list,
    group("Here", found.filter(isHere)),
    group(
      "Not here",
      found.filter((it) => !isHere(it)),
    ),
  );
  if (focused) list.querySelector(`[data-who="${CSS.escape(focused)}"]`)?.focus();
}

function row(room, member, state) {
  const isMuted = member.muted_until && new Date(member.muted_until) > Date.now();
  const person = { ...personOf(member.name), display_name: member.display_name };
  const role = member.role !== "member" && room.kind !== "direct" && ROLES[member.role];
  const about = [role, isMuted && "muted", store.isMe(member.name) && "you"].filter(Boolean);
  return h(
    "li",
    {},
    h(
      "button",
      {
        class: "person",
        type: "button",
        data: { who: member.name },
        onclick: () => openProfile(member.name, room, member),
      },
      h("span", { class: "with-presence" }, avatar(person), presenceDot(state)),
      h("span", { class: "name" }, h("bdi", {}, member.display_name)),
      about.length > 0 && h("span", { class: "soft" }, about.join(" · ")),
    ),
  );
}

/** Who is banned, each with a way back. */
function letBack({ room }) {
  const body = h("div", {});
  openDialog({ title: "Let somebody back in", body, kind: "small" });
  const show = () =>
    comes(body, async () => {
      const banned = [];
      for (let after = null; ;) {
        const page = await link.call({ do: "bans", room, after: after ?? undefined });
        banned.push(...page.bans);
        if (!page.more || banned.length >= LISTED_MAX) break;
        after = page.next;
      }
      if (banned.length === 0) return nothing("Nobody is banned from here.");
      return h(
        "ul",
        { class: "banned" },
        banned.map((it) => bannedRow(it, () => unban(room, it, show))),
      );
    });
  show();
}

function bannedRow(it, run) {
  const person = { ...personOf(it.name), display_name: it.display_name };
  const about = [it.by && `by ${store.called(it.by)}`, shortDay(it.at)].filter(Boolean);
  return h(
    "li",
    {},
    avatar(person),
    h("span", { class: "name" }, h("bdi", {}, it.display_name)),
    h("span", { class: "soft" }, about.join(" · ")),
    button("Let back in", run, { "aria-label": `Let ${it.display_name} back in` }),
  );
}

async function unban(room, { name, display_name }, show) {
  try {
    await link.call({ do: "unban", room, user: name });
    toast(`${display_name} can come back.`);
  } catch (refusal) {
    complain(refusal);
  }
  show();
}
