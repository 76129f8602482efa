// What people write, as a tree: a small and safe part of Markdown. Whatever is not understood stays
// text; the time that it takes grows with the length of the text, whatever is in it.
//
// Blocks: `{type: "paragraph", inline}`, `{type: "code", language, text}`, `{type: "quote", blocks}`,
// `{type: "list", start, items}` (`start` is null for bullets; an item is a list of blocks).
// Inline: `text` (text), `strong` `em` `strike` (inline), `code` (text), `link` (href, inline),
// `mention` (name), `break`. `render.js` makes elements of it.

const DEPTH_MAX = 6;

/** Parses a text. */
export function parse(text) {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+•]|(\d{1,9})[.)])( +)(?=\S)/;

function blocks(lines, depth) {
  const found = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    const isDeep = depth >= DEPTH_MAX;
    if (line.trim() === "") at += 1;
    else if (fence) at = code(lines, at, fence, found);
    else if (!isDeep && QUOTE.test(line)) at = quote(lines, at, depth, found);
    else if (!isDeep && ITEM.test(line)) at = list(lines, at, depth, found);
    else at = paragraph(lines, at, isDeep, found);
  }
  return found;
}

function code(lines, at, [, fence, about], found) {
  const isEnd = (line) => {
    const bare = line.trim();
    return bare.length >= fence.length && bare === fence[0].repeat(bare.length);
  };
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end += 1;
  const language = about.trim().split(/\s/)[0];
  found.push({ type: "code", language, text: lines.slice(at + 1, end).join("\n") });
  return end + 1;
}

function quote(lines, at, depth, found) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  found.push({ type: "quote", blocks: blocks(inner, depth + 1) });
  return end;
}

function list(lines, at, depth, found) {
  const first = ITEM.exec(lines[at]);
  const isNumbered = first[3] !== undefined;
  const items = [];
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (!item || (item[3] !== undefined) !== isNumbered) break;
    const inner = [lines[at].slice(item[0].length)];
    at += 1;
    // What is indented under it belongs to it.
    while (at < lines.length && /^(?: {2,}|\t)\S/.test(lines[at])) {
      const indent = Math.min(item[0].length, lines[at].search(/\S/));
      if (ITEM.test(lines[at]) && lines[at].search(/\S/) <= item[1].length) break;
      inner.push(lines[at].slice(indent));
      at += 1;
    }
    items.push(blocks(inner, depth + 1));
  }
  found.push({ type: "list", start: isNumbered ? Number(first[3]) : null, items });
  return at;
}

function paragraph(lines, at, isDeep, found) {
  let end = at + 1;
  const isOther = (line) =>
    line.trim() === "" || FENCE.test(line) || (!isDeep && (QUOTE.test(line) || ITEM.test(line)));
  while (end < lines.length && !isOther(lines[end])) end += 1;
  const text = lines.slice(at, end).join("\n");
  found.push({ type: "paragraph", inline: inline(text) });
  return end;
}

/** Parses what stands in lines. */
export function inline(text) {
  return within({ text, solid: solids(text) }, 0, text.length, 0);
}

const WORD = /[\p{L}\p{N}]/u;
const isWord = (letter) => letter !== undefined && letter !== "" && WORD.test(letter);
const URL_HERE = /(?:https?:\/\/|mailto:)[^\s<>"`]+/iy;
const MENTION_HERE = /@([a-z0-9][a-z0-9_.-]*)/iy;
const ESCAPED = /[!-/:-@[-\x60{-~]/;

/** What is one piece whatever stands in it: code, addresses, mentions, what is escaped. */
function solids(text) {
  const found = new Map();
  const hopeless = new Set();
  let at = 0;
  while (at < text.length) {
    const piece = solidAt(text, at, hopeless);
    if (piece.node) found.set(at, piece);
    at = piece.end;
  }
  return found;
}

function solidAt(text, at, hopeless) {
  const letter = text[at];
  if (letter === "\\" && ESCAPED.test(text[at + 1] ?? "")) {
    return { end: at + 2, node: { type: "text", text: text[at + 1] } };
  }
  if (letter === "`") return ticks(text, at, hopeless);
  const isStart = !isWord(text[at - 1]);
  if (letter === "@" && isStart && text[at - 1] !== "@") {
    MENTION_HERE.lastIndex = at;
    const name = MENTION_HERE.exec(text)?.[1].replace(/[.-]+$/, "");
    if (name) return { end: at + 1 + name.length, node: { type: "mention", name } };
  }
  if (/[hm]/i.test(letter) && isStart) {
    URL_HERE.lastIndex = at;
    const address = URL_HERE.exec(text) && trimmed(URL_HERE, text, at);
    const href = address && safe(address);
    if (href) {
      const inner = [{ type: "text", text: address }];
      return { end: at + address.length, node: { type: "link", href, inline: inner } };
    }
  }
  return { end: at + 1, node: null };
}

function ticks(text, at, hopeless) {
  let open = at;
  while (text[open] === "`") open += 1;
  const length = open - at;
  if (hopeless.has(length)) return { end: open, node: null };
  let close = open;
  while ((close = text.indexOf("`", close)) !== -1) {
    let end = close;
    while (text[end] === "`") end += 1;
    if (end - close === length) {
      const inner = text.slice(open, close);
      const bare = /^ .*\S.* $/s.test(inner) ? inner.slice(1, -1) : inner;
      return { end, node: { type: "code", text: bare } };
    }
    close = end;
  }
  hopeless.add(length);
  return { end: open, node: null };
}

/** An address without what belongs to the sentence around it. */
function trimmed(pattern, text, at) {
  let address = text.slice(at, pattern.lastIndex);
  for (;;) {
    const last = address.at(-1);
    const isOdd = last === ")" && count(address, ")") > count(address, "(");
    if (!isOdd && !/[.,:;!?'*_~\]]/.test(last)) return address;
    address = address.slice(0, -1);
  }
}

const count = (text, letter) => text.split(letter).length - 1;

/** The address if it may be followed, or null. */
export function safe(address) {
  // Browsers leave control characters out of addresses; who puts some in means no good.
  if (/[\u0000-\u0020\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(address)) return null;
  // A document of this site, which answers link.
  if (/^\/docs\/[\w?=#-]+$/.test(address)) return address;
  try {
    const url = new URL(address);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const MARKS = { "*": { 1: "em", 2: "strong" }, _: { 1: "em" }, "~": { 2: "strike" } };

function within(source, from, to, depth) {
  const { text, solid } = source;
  const nodes = [];
  const hopeless = new Set();
  let plain = "";
  const flush = () => {
    if (plain) nodes.push({ type: "text", text: plain });
    plain = "";
  };
  const add = (node) => {
    flush();
    nodes.push(node);
  };
  let at = from;
  while (at < to) {
    const letter = text[at];
    const whole = solid.get(at);
    if (whole && whole.end <= to) {
      if (whole.node.type === "text") plain += whole.node.text;
      else add(whole.node);
      at = whole.end;
      continue;
    }
    const found = depth < DEPTH_MAX && special(source, at, to, depth, hopeless);
    if (found) {
      add(found.node);
      at = found.end;
    } else if (letter === "\n") {
      add({ type: "break" });
      at += 1;
    } else {
      const end = MARKS[letter] ? Math.min(to, runEnd(text, at)) : at + 1;
      plain += text.slice(at, end);
      at = end;
    }
  }
  flush();
  return nodes;
}

function runEnd(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return end;
}

function special(source, at, to, depth, hopeless) {
  const letter = source.text[at];
  if (letter === "[") return named(source, at, to, depth, hopeless);
  return MARKS[letter] ? marked(source, at, to, depth, hopeless) : null;
}

function marked(source, at, to, depth, hopeless) {
  const { text } = source;
  const letter = text[at];
  const length = Math.min(runEnd(text, at), to) - at;
  const size = length === 3 && letter === "*" ? 2 : length;
  const type = MARKS[letter][size];
  const inner = at + size;
  if (!type || hopeless.has(letter + size) || /\s/.test(text[at + length] ?? " ")) return null;
  if (letter === "_" && isWord(text[at - 1])) return null;
  let end = at + length;
  while (end < to) {
    const whole = source.solid.get(end);
    if (whole) {
      end = whole.end;
      continue;
    }
    if (text[end] !== letter) {
      end += 1;
      continue;
    }
    const close = Math.min(runEnd(text, end), to);
    const fits = close - end === size || (close - end === 3 && letter === "*");
    const isEnd = fits && !/\s/.test(text[end - 1]) && !(letter === "_" && isWord(text[close]));
    if (isEnd) {
      const nodes = within(source, inner, close - size, depth + 1);
      return { end: close, node: { type, inline: nodes } };
    }
    end = close;
  }
  hopeless.add(letter + size);
  return null;
}

/** `[words](address)` */
function named(source, at, to, depth, hopeless) {
  const { text } = source;
  if (hopeless.has("[")) return null;
  const middle = text.indexOf("](", at);
  if (middle === -1 || middle >= to) {
    hopeless.add("[");
    return null;
  }
  const end = text.indexOf(")", middle);
  if (end === -1 || end >= to || middle === at + 1) return null;
  const words = text.slice(at + 1, middle);
  const href = safe(text.slice(middle + 2, end));
  if (!href || words.includes("\n") || words.includes("[")) return null;
  const nodes = within(source, at + 1, middle, depth + 1).map(unlinked);
  return { end: end + 1, node: { type: "link", href, inline: nodes } };
}

/** There is no link in a link. */
function unlinked(node) {
  if (node.type === "link")
    return { type: "text", text: node.inline.map((it) => it.text).join("") };
  return node.inline ? { ...node, inline: node.inline.map(unlinked) } : node;
}

const PICTURE = "\\p{Extended_Pictographic}(?:\\ufe0f|\\p{Emoji_Modifier})?";
const ONE = `(?:${PICTURE}(?:\\u200d${PICTURE})*|[\\u{1f1e6}-\\u{1f1ff}]{2}|[0-9#*]\\ufe0f?\\u20e3)`;
const ONLY_EMOJI = new RegExp(`^\\s*(?:${ONE}\\s*){1,6}$`, "u");

/** Whether a text is nothing but a few emoji. */
export const isOnlyEmoji = (text) => text.length <= 120 && ONLY_EMOJI.test(text);
