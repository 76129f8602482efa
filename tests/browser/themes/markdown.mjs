// The parser of what people write, by itself: whatever comes in, nothing but what is allowed comes out.

import { readFileSync } from "node:fs";
import { deepEqual, equal, ok } from "../check.mjs";
import { scenario } from "../scenario.mjs";

const source = readFileSync(new URL("../../../src/site/assets/js/markdown.js", import.meta.url), "utf8");
const { parse, isOnlyEmoji } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const BLOCKS = {
  paragraph: { inline: "inlines" },
  code: { language: "string", text: "string" },
  quote: { blocks: "blocks" },
  list: { start: "start", items: "items" },
};
const INLINES = {
  text: { text: "string" },
  code: { text: "string" },
  strong: { inline: "inlines" },
  em: { inline: "inlines" },
  strike: { inline: "inlines" },
  link: { href: "href", inline: "inlines" },
  mention: { name: "name" },
  break: {},
};
const DEEPEST = 40;

const CHECKS = {
  string: (it) => typeof it === "string",
  start: (it) => it === null || (Number.isSafeInteger(it) && it >= 0),
  name: (it) => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(it),
  href: (it) => typeof it === "string" && ["http:", "https:", "mailto:"].includes(new URL(it).protocol),
  items: (it, ...more) => Array.isArray(it) && it.every((blocks) => areNodes(blocks, BLOCKS, ...more)),
  blocks: (it, ...more) => areNodes(it, BLOCKS, ...more),
  inlines: (it, ...more) => areNodes(it, INLINES, ...more),
};

function areNodes(nodes, kinds, depth, inLink) {
  return Array.isArray(nodes) && nodes.every((node) => isNode(node, kinds, depth, inLink));
}

function isNode(node, kinds, depth, inLink) {
  const members = kinds[node.type];
  if (!members || depth > DEEPEST || (inLink && node.type === "link")) return false;
  const known = Object.keys(members);
  const own = Object.keys(node).filter((key) => key !== "type" && node[key] !== undefined);
  if (own.some((key) => !known.includes(key))) return false;
  return known.every((key) => CHECKS[members[key]](node[key], depth + 1, inLink || node.type === "link"));
}

function check(text) {
  const tree = parse(text);
  ok(areNodes(tree, BLOCKS, 0, false), `${JSON.stringify(text.slice(0, 400))} became ${JSON.stringify(tree).slice(0, 800)}`);
  return tree;
}

const hrefs = (nodes, found = []) => {
  for (const node of [nodes].flat()) {
    if (node.href) found.push(node.href);
    for (const inner of [node.inline, node.blocks, ...(node.items ?? [])]) if (inner) hrefs(inner, found);
  }
  return found;
};

const NASTY = [
  "", " ", "\n", "\0", "\u202e", "\ud800", "\udfff\ud800", "a\u0000b", "\r\r\n\n\r",
  "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](java\tscript:alert(1))", "[x](java\nscript:alert(1))",
  "[x](\u0001javascript:alert(1))", "[x]( javascript:alert(1))", "[x](&#106;avascript:alert(1))", "[x](%6Aavascript:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)", "[x](vbscript:msgbox(1))", "[x](file:///etc/passwd)", "[x](blob:http://a/b)",
  "[x](//example.org)", "[x](/r/general)", "[x](http://)", "[x](http:javascript:alert(1))", "[x](https://[::1)", "[x](view-source:http://a)",
  "[x](http://a\" onclick=\"alert(1))", "[x](http://a'><script>)", "[a [b](http://b) c](http://a)", "[[[[[[](((((", "[x](http://a)(http://b)",
  "[@ann](https://e.org)", "[https://a.example](https://b.example)", "![x](http://a/b.png)", "<http://a>", "<javascript:alert(1)>",
  "http://a\u202egpj.exe", "https://user:pass@host/", "mailto:a@b?subject=<script>", "javascript://%0aalert(1)", "xhttp://a", "HTTP://A/B",
  "```", "```\n", "````\n```\n````", "~~~<script>\n</script>", "```js\" onload=\"x\ncode\n```", "`", "``", "`a``b`", "` `", "\\`a\\`",
  "**", "****", "** a **", "***a***", "*a **b* c**", "_a_b_", "__a__", "~~~~", "~~a~~b~~", "*".repeat(5000), "_".repeat(5000), "~".repeat(5001),
  "`".repeat(4001), "[".repeat(8000), "](".repeat(4000), "[x](".repeat(2000), ">".repeat(8000), "> ".repeat(4000), "- ".repeat(4000),
  "1. ".repeat(2000), "999999999999999999. a", "0. a\n1. b", "-a\n-b", "- a\n  - b\n    - c\n      - d\n        - e\n          - f\n            - g\n              - h",
  "*a ".repeat(2500), "**a ".repeat(2000), "*a **b ~~c _d ".repeat(500), "@".repeat(8000), "@a.".repeat(2600), "@-", "@ann.", "a@ann", "@@ann", "@Ann_1-x",
  "\\".repeat(7999), "\\*a\\*", "(http://a.example/x_(y))", "http://a.".repeat(800), "http://".repeat(1100), "mailto:".repeat(1100),
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "${7*7}{{7*7}}", "__proto__", "constructor", "[x](constructor)", "```__proto__\nx\n```",
];

scenario("nothing but what is allowed comes out of the parser, whatever is put in", async () => {
  for (const text of NASTY) check(text);
  for (const text of NASTY) check(`> ${text}\n- ${text}\n**${text}** [${text}](https://e.org/)`);
  for (const text of NASTY.filter((it) => /javascript:|data:|vbscript:|file:|blob:/i.test(it))) {
    const found = hrefs(check(text)).filter((href) => !/^(https?|mailto):/.test(href));
    deepEqual(found, [], text);
  }
}, { bare: true });

/** Numbers that look drawn by lot and are the same each time. */
function lots(seed) {
  let state = seed >>> 0 || 1;
  return (count) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % count;
  };
}

const PIECES = ["*", "**", "***", "_", "__", "~~", "`", "``", "```", "\n", "\n\n", "> ", "- ", "1. ", "  ", "\t", "\\", "[", "](", ")", "(", "!", "<", ">", "&",
  "http://", "https://a.example/", "mailto:", "javascript:", "data:", "@", "@ann", "a", "word", " ", ".", ":", "é", "שלום", "👍", "👩‍👩‍👧", "\u202e", "\ud83d", "\0", "\r\n", "#", "|", "="];

scenario("nothing but what is allowed comes out of the parser, whatever is drawn by lot", async (world) => {
  const seed = Number(process.env.PARLOUR_SEED ?? 20_260_000);
  const count = Number(process.env.PARLOUR_TEXTS ?? 20_000);
  const lot = lots(seed);
  for (let turn = 0; turn < count; turn += 1) {
    const length = 1 + lot(turn % 50 === 0 ? 400 : 24);
    let text = "";
    for (let at = 0; at < length; at += 1) text += PIECES[lot(PIECES.length)];
    check(text);
    isOnlyEmoji(text);
  }
  world.note = `${count} texts from seed ${seed}`;
}, { bare: true });

const plainText = (nodes) => [nodes].flat().map((it) =>
  it.type === "break" ? "\n" : it.type === "mention" ? `@${it.name}`
    : it.text ?? plainText([it.inline ?? [], it.blocks ?? [], it.items ?? []].flat(2))).join("");

scenario("what has no marks comes out as it went in", async () => {
  const lot = lots(7);
  const letters = ["a", "b", "word", " ", "é", "ש", "👍", "1", ",", ";", "?", "'", "\"", "<", "&", "/"];
  for (let turn = 0; turn < 3000; turn += 1) {
    let text = "x";
    for (let at = lot(30); at > 0; at -= 1) text += letters[lot(letters.length)];
    equal(plainText(check(text)), text);
  }
}, { bare: true });
