// One message as an element: who, when, what, the quote that it answers, files, reactions. What can
// be done with it is in `deeds.js`.

import { avatar } from "./avatar.js";
import { h, icon } from "./dom.js";
import { attachmentOf } from "./files.js";
import { isOnlyEmoji, parse } from "./markdown.js";
import { calls, plain, render } from "./render.js";
import { roomPath } from "./route.js";
import { store } from "./store.js";
import { clock, full } from "./time.js";

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

/** Whether a message stands under the one before it without a head of its own. */
export function follows(message, before) {
  return (
    before !== undefined &&
    before.from === message.from &&
    new Date(message.at) - new Date(before.at) < TOGETHER_MS &&
    new Date(message.at).toDateString() === new Date(before.at).toDateString()
  );
}

/** What of other things a message's look depends on: when that changes it is made anew. */
export function look(message) {
  const person = store.people.get(message.from);
  const others = unresolved.has(message) ? store.people.size : 0;
  return [message.version, person?.display_name, person?.avatar, others].join();
}

/** Messages with names that may yet turn out to be somebody's. */
const unresolved = new WeakSet();

const trees = new WeakMap();

/** The tree of a message's text. */
export function treeOf(message) {
  if (!trees.has(message)) trees.set(message, parse(message.text ?? ""));
  return trees.get(message);
}

/** What a message says in one line. */
export function gist(message) {
  if (message.deleted) return "This message was deleted.";
  const said = plain(treeOf(message));
  return said || message.attachment?.name || "";
}

/** Whether a message calls me. */
export const callsMe = (message) =>
  !!store.me &&
  !store.isMe(message.from) &&
  !message.deleted &&
  calls(treeOf(message), store.me.name);

/**
 * The element of a message. `context` has `room`, `isFollowing`, `quoted(seq)` (a message, or
 * undefined while it is not known), and `onreact(message, emoji, button)`.
 */
export function messageElement(message, context) {
  const { room, isFollowing } = context;
  const person = store.people.get(message.from) ?? {
    name: message.from,
    display_name: message.display_name ?? message.from,
  };
  const name = person.display_name;
  const classes = [
    "message",
    isFollowing && "follows",
    store.isMe(message.from) && "own",
    callsMe(message) && "calls-me",
    message.deleted && "deleted",
  ];
  const time = h(
    "a",
    { class: "time", href: roomPath(room, message.seq), title: full(message.at) },
    h("time", { datetime: message.at }, clock(message.at)),
  );
  const head = h(
    "header",
    { class: isFollowing ? "head unseen" : "head" },
    nameOf(message.from, name, isFollowing),
    isFollowing ? null : time,
  );
  return h(
    "li",
    {
      class: classes.filter(Boolean).join(" "),
      id: `m-${message.seq}`,
      tabindex: "-1",
      data: { seq: message.seq },
    },
    isFollowing
      ? h("div", { class: "beside" }, time)
      : h("div", { class: "beside", data: { person: message.from } }, avatar(person)),
    h(
      "div",
      { class: "content" },
      head,
      message.reply_to != null && quote(message.reply_to, context),
      bodyOf(message, context),
      message.attachment && attachmentOf(message.attachment, message),
      reactions(message, context),
    ),
  );
}

/** Who says it; their profile is behind the name wherever that is to be seen. */
function nameOf(person, name, isUnseen) {
  const about = { class: "name", dir: "auto", title: `@${person}` };
  if (isUnseen) return h("span", about, name);
  return h("button", { ...about, type: "button", data: { person } }, name);
}

function bodyOf(message, context) {
  if (message.deleted) return h("p", { class: "text gone" }, icon("trash"), " Message deleted");
  const edited =
    message.edited_at &&
    h("span", { class: "edited", title: `Edited ${full(message.edited_at)}` }, "(edited)");
  if (!message.text) return edited;
  const isBig = isOnlyEmoji(message.text);
  const { action, poll } = message;
  const kind = action ? " action" : isBig ? " big" : "";
  const name = action && h("b", { dir: "auto" }, store.called(message.from), " ");
  const text = h("div", { class: `text${kind}` }, name, render(treeOf(message)));
  if (poll) vote(text, message, context);
  if (text.querySelector(".maybe-mention")) unresolved.add(message);
  if (edited) {
    const last = text.lastElementChild;
    if (last?.tagName === "P") last.append(" ", edited);
    else text.append(edited);
  }
  return text;
}

let ballot = null;

/** Makes the text of a poll something to vote on; how, comes with the first one. */
function vote(text, message, context) {
  if (ballot) return ballot(text, message, context);
  import("./poll.js").then((poll) => {
    ballot = poll.ballot;
    ballot(text, message, context);
  });
}

/** The message that this one answers, in a line that leads there. */
export function quote(seq, { room, quoted }) {
  const message = quoted(seq);
  const about = { class: "quote", href: roomPath(room, seq), data: { quoted: seq } };
  if (!message) return h("a", about, icon("reply"), h("span", { class: "words" }, "…"));
  return h(
    "a",
    about,
    icon("reply"),
    h("span", { class: "unseen" }, "In reply to "),
    h("b", { dir: "auto" }, store.called(message.from)),
    h("span", { class: "words", dir: "auto" }, gist(message).slice(0, 200)),
  );
}

function reactions(message, { onreact }) {
  const isVote = (emoji) => message.poll && /^[1-9]\uFE0F\u20E3$/.test(emoji);
  const all = Object.entries(message.reactions ?? {}).filter(([emoji]) => !isVote(emoji));
  if (all.length === 0) return null;
  const chip = ([emoji, users]) => {
    const isMine = users.some(store.isMe);
    const who = users.map((name) => (store.isMe(name) ? "you" : store.called(name)));
    const names = new Intl.ListFormat(undefined, { type: "conjunction" }).format(who.slice(0, 20));
    return h(
      "button",
      {
        class: "reaction",
        type: "button",
        title: `${names}: ${emoji}`,
        "aria-pressed": String(isMine),
        "aria-label": `${emoji} ${users.length}: ${names}`,
        onclick: () => onreact(message, emoji, isMine),
      },
      h("span", { class: "emoji" }, emoji),
      h("span", { class: "number" }, String(users.length)),
    );
  };
  const more = h(
    "button",
    {
      class: "reaction add",
      type: "button",
      "aria-label": "Add a reaction",
      title: "Add a reaction",
      data: { deed: "react" },
    },
    icon("smile"),
  );
  return h(
    "div",
    { class: "reactions", role: "group", "aria-label": "Reactions" },
    all.map(chip),
    more,
  );
}

/** The element of what has not arrived yet. */
export function waitingElement(entry, { room, isFollowing, quoted, retry, discard }) {
  const isFailed = entry.state === "failed";
  const isLost = store.state !== "live";
  const words = isLost ? "Waiting for the connection" : "Sending…";
  const note = isFailed
    ? h(
        "div",
        { class: "note bad", role: "alert" },
        icon("warning"),
        h("span", { dir: "auto" }, `Not sent. ${entry.why}`),
        h("button", { class: "link", type: "button", onclick: () => retry(entry) }, "Try again"),
        h("button", { class: "link", type: "button", onclick: () => discard(entry) }, "Discard"),
      )
    : h("div", { class: "note" }, icon("clock"), entry.state === "sent" ? "Sent" : words);
  const file = entry.attachment && attachmentOf(entry.attachment, entry);
  return h(
    "li",
    {
      class: `message own unsent ${entry.state}${isFollowing ? " follows" : ""}`,
      tabindex: "-1",
      data: { key: entry.key },
    },
    h("div", { class: "beside" }, isFollowing ? null : avatar(store.me)),
    h(
      "div",
      { class: "content" },
      isFollowing
        ? null
        : h(
            "header",
            { class: "head" },
            h("span", { class: "name", dir: "auto" }, store.called(store.me.name)),
          ),
      entry.reply_to != null && quote(entry.reply_to, { room, quoted }),
      entry.text &&
        h("div", { class: isOnlyEmoji(entry.text) ? "text big" : "text" }, render(treeOf(entry))),
      file,
      note,
    ),
  );
}
