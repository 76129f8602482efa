// The tree of a text as elements. Nothing of what people write ever becomes markup.

import { h, icon } from "./dom.js";
import { copy } from "./parts.js";
import { store } from "./store.js";

const EVERYBODY = new Set(["room", "everyone", "all"]);

/** Whether this is a name that calls everybody in the room. */
export const callsEverybody = (name) => EVERYBODY.has(name.toLowerCase());

/** Elements for a tree. */
export function render(tree) {
  const fragment = document.createDocumentFragment();
  for (const block of tree) fragment.append(blockOf(block));
  return fragment;
}

function blockOf(block) {
  if (block.type === "paragraph") return h("p", { dir: "auto" }, block.inline.map(inlineOf));
  if (block.type === "code") return codeOf(block);
  if (block.type === "quote") return h("blockquote", { dir: "auto" }, block.blocks.map(blockOf));
  const { start, items } = block;
  const item = (blocks) =>
    blocks.length === 1 && blocks[0].type === "paragraph"
      ? h("li", { dir: "auto" }, blocks[0].inline.map(inlineOf))
      : h("li", { dir: "auto" }, blocks.map(blockOf));
  if (start === null) return h("ul", {}, items.map(item));
  return h("ol", { start: start === 1 ? null : start }, items.map(item));
}

function codeOf({ text, language }) {
  const label = h("span", { class: "unseen", role: "status" });
  const button = h(
    "button",
    {
      class: "button bare copy",
      type: "button",
      title: "Copy",
      "aria-label": "Copy the code",
      onclick: async () => {
        label.textContent = (await copy(text)) ? "Copied" : "Not copied";
        button.replaceChildren(icon("check"));
        setTimeout(() => button.replaceChildren(icon("copy")), 1500);
      },
    },
    icon("copy"),
  );
  return h(
    "div",
    { class: "code-block" },
    h("pre", { dir: "ltr", tabindex: "0", "aria-label": language || "Code" }, h("code", {}, text)),
    button,
    label,
  );
}

const TAGS = { strong: "strong", em: "em", strike: "s" };

function inlineOf(node) {
  if (node.type === "text") return node.text;
  if (node.type === "break") return h("br");
  if (node.type === "code") return h("code", { dir: "ltr" }, node.text);
  if (node.type === "mention") return mentionOf(node.name);
  if (node.type === "link") {
    const own = new URL(node.href, location.origin).origin === location.origin;
    const about = own
      ? { href: node.href }
      : { href: node.href, rel: "noopener noreferrer", target: "_blank" };
    return h("a", { ...about, title: shownAs(node) ? null : node.href }, node.inline.map(inlineOf));
  }
  return h(TAGS[node.type], {}, node.inline.map(inlineOf));
}

/** Whether a link says where it leads. */
const shownAs = ({ href, inline: [first] }) =>
  first?.text?.startsWith("http") || href.endsWith(first?.text);

function mentionOf(typed) {
  const name = typed.toLowerCase();
  const isAll = callsEverybody(name);
  const isMe = store.isMe(name) || isAll;
  if (!isAll && !store.people.has(name)) return h("span", { class: "maybe-mention" }, `@${typed}`);
  const title = isAll ? "Everybody in this room" : store.called(name);
  const about = { class: isMe ? "mention me" : "mention", title };
  return h("span", isAll ? about : { ...about, data: { person: name } }, `@${typed}`);
}

/** Whether somebody is called by a tree. */
export function calls(tree, name) {
  const any = (nodes) =>
    nodes.some(
      (node) =>
        (node.type === "mention" &&
          (node.name.toLowerCase() === name || callsEverybody(node.name))) ||
        any(node.inline ?? node.blocks ?? node.items?.flat() ?? []),
    );
  return any(tree);
}

/** The text without its marks, in one line: for quotes, announcements, and lists. */
export function plain(tree) {
  const text = (node) => {
    if (node.type === "mention") return `@${node.name}`;
    if (node.type === "break") return " ";
    if (node.text !== undefined) return node.text;
    return (node.inline ?? node.blocks ?? node.items.flat()).map(text).join(node.inline ? "" : " ");
  };
  return tree.map(text).join(" ").replace(/\s+/g, " ").trim();
}
