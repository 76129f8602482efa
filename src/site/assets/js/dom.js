// Building the page: elements from calls, never from strings, so that nothing anybody said is ever markup.

/**
 * An element. `with_` has attributes; what begins with `on` is a listener, `class`, `data` and
 * properties that are no attributes (`value`, `checked`, `disabled`, `hidden`) are set as such.
 * What is `null`, `undefined` or `false` among attributes and children is left out.
 */
export function h(tag, with_ = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(with_ ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate"]);

/** Appends children: nodes, texts, and lists of them. */
export function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child);
  }
  return parent;
}

/** Gives a parent other children than it has. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  return append(parent, children);
}

/** The first element that a selector finds. */
export const find = (selector, within = document) => within.querySelector(selector);

/** A picture out of the sheet `icons.svg`. It says nothing: whatever it is in has a label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}
