// The notification centre: who mentioned one, what one was told, and what of it is new.

import { api, query } from "./api.js";
import { avatar } from "./avatar.js";
import { fill, h, icon } from "./dom.js";
import { personOf } from "./folk.js";
import { link } from "./link.js";
import { leavePanel, togglePanel } from "./panel.js";
import { button, comes, iconButton, nothing, soon } from "./parts.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";
import { ago } from "./since.js";
import { full } from "./time.js";
import { complain } from "./toast.js";

const PAGE = 50;

/** Opens it in the panel, or closes it. */
export function toggleNotices() {
  togglePanel("notices", "Notifications", show);
}

async function show(body, tools) {
  let all = [];
  let more = false;
  const offs = [];
  const list = h("ul", { class: "notices" });
  const older = button("Older ones", async () => {
    older.disabled = true;
    try {
      await read(all.at(-1)?.id);
      render();
    } catch (refusal) {
      complain(refusal);
    }
    older.disabled = false;
  });
  const all_seen = iconButton("check", "Mark all as seen", () => see(all[0]?.id));

  async function read(before = null) {
    const page = await api.get(`/notifications${query({ before, limit: PAGE })}`);
    all = before === null ? page.notifications : [...all, ...page.notifications];
    more = page.more;
  }

  function render() {
    // What came since, and what was seen since, the store knows.
    const known = new Map(store.notices.latest.map((it) => [it.id, it]));
    const newer = store.notices.latest.filter((it) => it.id > (all[0]?.id ?? 0));
    all = [...newer, ...all].map((it) => known.get(it.id) ?? it);
    all_seen.hidden = all.every((it) => it.seen);
    older.hidden = !more;
    fill(
      list,
      all.map((it) => row(it)),
    );
    if (!all.length)
      fill(list, h("li", {}, nothing("Nothing yet.", "When somebody mentions you, it is here.")));
  }

  async function see(id) {
    if (!id) return;
    try {
      await link.call({ do: "seen", notification: id });
      all = all.map((it) => (it.id <= id ? { ...it, seen: true } : it));
      render();
    } catch (refusal) {
      complain(refusal);
    }
  }

  function row(it) {
    const person = it.from ? personOf(it.from) : null;
    const room = it.room ? store.rooms.get(it.room) : null;
    const where = room?.title ?? it.room;
    const open = () => {
      if (!it.seen) see(it.id);
      if (!it.room) return;
      leavePanel();
      go(roomPath(it.room, it.seq));
    };
    const what = it.kind === "mention" ? " mentioned you" : person ? " lets you know" : "";
    return h(
      "li",
      { class: it.seen ? null : "new" },
      h(
        "button",
        { type: "button", onclick: open },
        person ? avatar(person) : icon("bell"),
        h(
          "span",
          { class: "text" },
          h(
            "span",
            {},
            h("strong", { dir: "auto" }, person?.display_name ?? "Parlour"),
            what,
            where && [" in ", h("span", { dir: "auto" }, where)],
          ),
          h("span", { class: "excerpt", dir: "auto" }, it.text),
          h("time", { class: "soft", datetime: it.at, title: full(it.at) }, ago(it.at)),
        ),
        !it.seen && h("span", { class: "dot" }, h("span", { class: "unseen" }, "new")),
      ),
    );
  }

  await comes(body, async () => {
    await read();
    render();
    offs.push(store.on("notices", soon(render)));
    return [list, h("div", { class: "actions" }, older)];
  });
  tools.append(all_seen);
  return () => offs.forEach((off) => off());
}
