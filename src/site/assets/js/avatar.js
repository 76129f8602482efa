// People's pictures: theirs, or their initials on a colour that their name chooses. And how they are
// there: a dot that says in words what it shows.

import { h } from "./dom.js";

/** The classes `tone-0` to `tone-9` have colours on which white is read well. */
const TONES = 10;

/** Which of the colours a name gets, the same everywhere and for ever. */
export function tone(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return sum % TONES;
}

/** "Ana María Ruiz" is AR. */
export function initials(name) {
  const words = name.split(/[\s,._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = (word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "";
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map(first).join("").toLocaleUpperCase() || "?";
}

/** Where an uploaded picture is. */
export const pictureUrl = (id) => `/api/v1/uploads/${encodeURIComponent(id)}/avatar`;

/**
 * Somebody's picture. `person` has `name`, `display_name` and perhaps `avatar`; beside it their name
 * is written, so it says nothing of its own. `size` is a class: "small", "large", "huge".
 */
export function avatar(person, size = "") {
  const name = person.name ?? "?";
  const shown = person.display_name || name;
  const letters = () => h("span", { class: "letters" }, initials(shown));
  const element = h("span", { class: `avatar ${size} tone-${tone(name)}`, "aria-hidden": "true" });
  if (!person.avatar) {
    element.append(letters());
    return element;
  }
  const picture = h("img", {
    src: pictureUrl(person.avatar),
    alt: "",
    loading: "lazy",
    decoding: "async",
    onerror: () => picture.replaceWith(letters()),
  });
  element.append(picture);
  return element;
}

const WORDS = { online: "Online", away: "Away", offline: "Offline" };

/** How somebody is there, in a word. */
export const presenceWord = (state) => WORDS[state] ?? WORDS.offline;

/** The dot for it. */
export function presenceDot(state) {
  const word = presenceWord(state);
  return h(
    "span",
    { class: `presence ${WORDS[state] ? state : "offline"}`, title: word },
    h("span", { class: "unseen" }, word),
  );
}
