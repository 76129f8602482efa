// How the server is just now: its metrics, read every few seconds for as long as somebody looks.

import { chart } from "./charts.js";
import { fill, h } from "./dom.js";
import { link } from "./link.js";
import { bytes, number } from "./time.js";

const EVERY_MS = 2000;

/** Samples that are kept: three minutes. */
const KEPT = 90;

const count = (value) => number(value, { maximumFractionDigits: value < 10 ? 1 : 0 });
const milliseconds = (value) => `${count(value)} ms`;
const percent = (value) => number(value, { style: "percent", maximumFractionDigits: 1 });

/** What is drawn: `of(now, before)` gives a number of the metrics and of those before. */
const DRAWN = [
  { title: "Connections", format: count, of: (now) => now.parlour_connections },
  { title: "People online", format: count, of: (now) => now.parlour_people_online },
  {
    title: "Messages a second",
    format: count,
    of: (now, before) => rate(now, before, "parlour_messages_acknowledged_total"),
  },
  {
    title: "Latency",
    hint: "From asking to the answer, as this browser sees it.",
    format: milliseconds,
    of: (now) => now.latency,
  },
  {
    title: "Time to store",
    hint: "From wanting something to its commit, on average.",
    format: milliseconds,
    of: (now, before) => commit(now, before),
  },
  { title: "Memory", format: bytes, of: (now) => now.parlour_process_resident_memory_bytes },
  {
    title: "Processor",
    format: percent,
    of: (now, before) => rate(now, before, "parlour_process_cpu_seconds_total"),
  },
  { title: "Database", format: bytes, of: (now) => now.parlour_database_bytes },
];

/** The growth of a counter each second. */
function rate(now, before, name) {
  if (!before || now[name] === undefined) return undefined;
  // A server that was started anew counts from zero.
  return Math.max(0, now[name] - before[name]) / ((now.at - before.at) / 1000);
}

function commit(now, before) {
  const [sum, number_] = ["parlour_store_seconds_sum", "parlour_store_seconds_count"];
  if (!before || now[sum] === undefined) return undefined;
  const many = now[number_] - before[number_];
  return many > 0 ? (1000 * (now[sum] - before[sum])) / many : 0;
}

/** The samples of Prometheus' text as an object; those with labels are summed. */
export function parseMetrics(text) {
  const found = {};
  for (const line of text.split("\n")) {
    const [, name, value] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line) ?? [];
    if (name) found[name] = (found[name] ?? 0) + Number(value);
  }
  return found;
}

/** Fills a place with the dashboard. What ends it. */
export function showDashboard(place) {
  const status = h("p", { class: "soft", role: "status" }, "One moment…");
  const grid = h("div", { class: "charts" });
  const charts = DRAWN.map((it) => ({ ...it, ...chart(it.title, it.hint, it.format, EVERY_MS) }));
  fill(place, status, grid);
  let before = null;
  let timer = 0;
  let isOver = false;

  async function sample() {
    try {
      const asked = performance.now();
      await link.call({ do: "ping" });
      const latency = performance.now() - asked;
      const response = await fetch("/metrics");
      if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
      const now = { ...parseMetrics(await response.text()), latency, at: Date.now() };
      for (const it of charts) {
        const value = it.of(now, before);
        if (value !== undefined && !it.element.isConnected) insert(it);
        if (value !== undefined) it.add(value, KEPT);
      }
      before = now;
      status.textContent = "One value every two seconds, for as long as this page is open.";
    } catch (refusal) {
      status.textContent = refusal.message;
    }
    if (!isOver) timer = setTimeout(sample, EVERY_MS);
  }

  /** In the order of the list, whenever a value comes first. */
  function insert(it) {
    const next = charts.slice(charts.indexOf(it) + 1).find((other) => other.element.isConnected);
    grid.insertBefore(it.element, next?.element ?? null);
  }

  sample();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
