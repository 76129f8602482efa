// Charts: a line of numbers over time as SVG, with its last value in words, and all of it as a table
// for those who do not see lines.

import { fill, h } from "./dom.js";
import { clock } from "./time.js";

const WIDTH = 320;
const HEIGHT = 96;
const SVG = "http://www.w3.org/2000/svg";

let counter = 0;

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A round number at or above `value`: 1, 2 or 5 and zeros. */
export function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

/** The points of a line through values, the newest at the end of the width. */
export function points(values, most, kept) {
  const step = WIDTH / (kept - 1);
  const from = WIDTH - (values.length - 1) * step;
  const round = (it) => Math.round(it * 10) / 10;
  return values.map((value, at) => [
    round(from + at * step),
    round(HEIGHT - (value / most) * (HEIGHT - 4)),
  ]);
}

/** A chart of a value that comes every so many milliseconds: `{element, add(value, kept)}`. */
export function chart(title, hint, format, everyMs) {
  const id = `chart-${(counter += 1)}`;
  const values = [];
  const now = h("p", { class: "value" }, "–");
  const top = h("span", { class: "top soft", "aria-hidden": "true" });
  const since = h("span", {});
  const hours = h("p", { class: "soft hours", "aria-hidden": "true" }, since, h("span", {}, "now"));
  const named = svg("title", { id: `${id}-title` }, title);
  const told = svg("desc", { id: `${id}-desc` });
  const area = svg("path", { class: "area" });
  const line = svg("path", { class: "line" });
  const drawn = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-labelledby": `${id}-title`,
      "aria-describedby": `${id}-desc`,
    },
    named,
    told,
    svg("path", {
      class: "grid",
      d: `M0 4H${WIDTH}M0 ${HEIGHT / 2 + 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`,
    }),
    area,
    line,
  );
  const rows = h("tbody", {});
  const table = h(
    "details",
    { ontoggle: () => tell() },
    h("summary", {}, "As a table"),
    h(
      "table",
      { class: "table" },
      h("caption", { class: "unseen" }, title),
      h(
        "thead",
        {},
        h("tr", {}, h("th", { scope: "col" }, "When"), h("th", { scope: "col" }, title)),
      ),
      rows,
    ),
  );
  const element = h(
    "section",
    { class: "chart", "aria-labelledby": `${id}-head` },
    h("h3", { id: `${id}-head` }, title),
    now,
    h("div", { class: "plot" }, top, drawn, hours),
    hint && h("p", { class: "soft" }, hint),
    table,
  );

  /** The last twenty, the newest first; made only if somebody looks. */
  function tell() {
    if (!table.open) return;
    const last = values.slice(-20).reverse();
    fill(
      rows,
      last.map(([at, value]) =>
        h("tr", {}, h("td", {}, clock(at, true)), h("td", {}, format(value))),
      ),
    );
  }

  function add(value, kept) {
    values.push([Date.now(), value]);
    if (values.length > kept) values.shift();
    const numbers = values.map(([, it]) => it);
    const most = ceiling(Math.max(...numbers));
    const path = points(numbers, most, kept);
    const through = path.map(([x, y]) => `${x} ${y}`).join("L");
    line.setAttribute("d", `M${through}`);
    area.setAttribute("d", `M${path[0][0]} ${HEIGHT}L${through}L${WIDTH} ${HEIGHT}Z`);
    top.textContent = format(most);
    now.textContent = format(value);
    since.textContent = `${Math.round((kept * everyMs) / 60_000)} min ago`;
    const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
    told.textContent = `Now ${format(value)}; between ${format(least)} and ${format(greatest)}.`;
    tell();
  }

  return { element, add };
}
