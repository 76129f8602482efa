// How long ago something was, and days as tables have them.

import { date, maker } from "./time.js";

/** "3 Jan 2026", for tables. */
export const shortDay = (at) => date({ dateStyle: "medium" }).format(new Date(at));

const STEPS = [
  ["minute", 60],
  ["hour", 60],
  ["day", 24],
  ["week", 7],
  ["month", 4.35],
  ["year", 12],
];

/** "5 min. ago", "in 3 days". */
export function ago(at, now = Date.now()) {
  let count = (new Date(at) - now) / 1000;
  let unit = "second";
  for (const [next, size] of STEPS) {
    if (Math.abs(count) < size) break;
    count /= size;
    unit = next;
  }
  const words = maker(Intl.RelativeTimeFormat, { numeric: "auto", style: "short" });
  return unit === "second" ? words.format(0, "second") : words.format(Math.round(count), unit);
}
