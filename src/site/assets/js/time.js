// Times, sizes and numbers as people read them, in the language and the zone of their browser.

const language = navigator.language || "en";

const makers = new Map();

/** A formatter; making one takes longer than using it a thousand times. */
export function maker(Kind, options) {
  const name = Kind.name + JSON.stringify(options);
  if (!makers.has(name)) makers.set(name, new Kind(language, options));
  return makers.get(name);
}

export const date = (options) => maker(Intl.DateTimeFormat, options);

/** "14:05", or "14:05:09" */
export const clock = (at, seconds = false) =>
  date({ hour: "numeric", minute: "2-digit", ...(seconds && { second: "2-digit" }) }).format(
    new Date(at),
  );

/** "Saturday, 3 January 2026 at 14:05" */
export const full = (at) => date({ dateStyle: "full", timeStyle: "short" }).format(new Date(at));

/** The days from today to that of `at`: 0 is today, -1 yesterday. */
export function daysFrom(at, now = Date.now()) {
  const noon = (moment) => new Date(moment).setHours(12, 0, 0, 0);
  return Math.round((noon(at) - noon(now)) / 86_400_000);
}

/** "Today", "Yesterday", "Tuesday", "Saturday, 3 January", and with the year if it is another. */
export function day(at, now = Date.now()) {
  const days = daysFrom(at, now);
  const moment = new Date(at);
  if (days === 0 || days === -1) {
    const word = maker(Intl.RelativeTimeFormat, { numeric: "auto" }).format(days, "day");
    return word.charAt(0).toLocaleUpperCase(language) + word.slice(1);
  }
  if (days < 0 && days > -7) return date({ weekday: "long" }).format(moment);
  const isThisYear = moment.getFullYear() === new Date(now).getFullYear();
  const year = isThisYear ? {} : { year: "numeric" };
  return date({ weekday: "long", day: "numeric", month: "long", ...year }).format(moment);
}

/** "1,234" */
export const number = (count, options) => maker(Intl.NumberFormat, options).format(count);

/** "3.4 MB" */
export function bytes(count) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) {
    count /= 1000;
    at += 1;
  }
  const digits = at > 0 && count < 10 ? 1 : 0;
  return number(count, {
    style: "unit",
    unit: units[at],
    unitDisplay: at ? "short" : "long",
    maximumFractionDigits: digits,
  });
}

/** How many of something there are, in words of a list: `{one: "# person", other: "# people"}`. */
export function plural(count, words) {
  const rule = maker(Intl.PluralRules, {}).select(count);
  return (words[rule] ?? words.other).replace("#", number(count));
}
