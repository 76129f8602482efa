// A poll: its answers as buttons with bars, which show how many have chosen what. A vote is a reaction
// with the number of an answer, so that whoever sees only a message can vote, too.

import { h } from "./dom.js";
import { parse } from "./markdown.js";
import { style } from "./parts.js";
import { render } from "./render.js";
import { store } from "./store.js";

const OPTION = /^([1-9]\uFE0F\u20E3) (.+)$/u;

/** What is asked, and what can be chosen: `[emoji, words]`. */
function read(text) {
  const lines = text.split("\n");
  const options = lines.map((line) => OPTION.exec(line)).filter(Boolean);
  const question = lines.filter((line) => !OPTION.test(line)).join("\n");
  return { question, options: options.map(([, emoji, words]) => [emoji, words]) };
}

/** Puts the poll of a message in the place of its text. */
export function ballot(place, message, { onreact }) {
  style("poll");
  const { question, options } = read(message.text);
  if (options.length === 0) return;
  const votes = options.map(([emoji]) => message.reactions?.[emoji] ?? []);
  const people = new Set(votes.flat()).size;
  const choice = ([emoji, words], at) => {
    const users = votes[at];
    const isMine = users.some(store.isMe);
    const names = users.slice(0, 20).map((name) => (store.isMe(name) ? "you" : store.called(name)));
    const count = `${users.length} ${users.length === 1 ? "vote" : "votes"}`;
    return h(
      "button",
      {
        class: "choice",
        type: "button",
        title: names.join(", ") || null,
        "aria-pressed": String(isMine),
        "aria-label": `${words}: ${count}`,
        data: { choice: emoji },
        onclick: () => onreact(message, emoji, isMine),
      },
      h("progress", { max: Math.max(people, 1), value: users.length, "aria-hidden": "true" }),
      h("span", { class: "words", dir: "auto" }, words),
      h("span", { class: "number" }, String(users.length)),
    );
  };
  const active = document.activeElement;
  if (active?.dataset.choice && active.closest(`#m-${message.seq}`)) {
    // What was in focus is made anew, and is there in a moment.
    const next = () => place.querySelector(`[data-choice="${active.dataset.choice}"]`)?.focus();
    requestAnimationFrame(next);
  }
  const total = `${people} ${people === 1 ? "person has" : "people have"} voted`;
  place.classList.add("poll");
  place.replaceChildren(
    render(parse(question.trim())),
    h("div", { class: "choices", role: "group", "aria-label": question.trim() }, options.map(choice)),
    h("p", { class: "total", role: "status" }, total),
  );
}
