// What tests wait for and compare with. Nothing is asserted on time: what does not come in a long while does not come.

import assert from "node:assert/strict";

export const { equal, deepEqual, match, ok } = assert;

/** How long something may take on a machine that has other work, in milliseconds. */
export const PATIENCE_MS = 30_000;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until `probe()` gives something true, and gives that. */
export async function until(what, probe, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`it did not come: ${what} (last: ${shown(last)})`);
    await pause(40);
  }
}

const shown = (it) => (it instanceof Error ? it.message.split("\n")[0] : JSON.stringify(it));

/** Waits until an element can be seen. */
export async function see(locator, what = String(locator)) {
  try {
    await locator.first().waitFor({ state: "visible", timeout: PATIENCE_MS });
  } catch {
    throw new Error(`cannot be seen: ${what}`);
  }
  return locator.first();
}

/** Waits until no such element can be seen. */
export async function gone(locator, what = String(locator)) {
  await until(`that it goes away: ${what}`, async () => {
    for (const it of await locator.all()) if (await it.isVisible()) return false;
    return true;
  });
}

/** Waits until an element says so: a text that it contains, or a pattern. */
export async function says(locator, wanted) {
  const fits = (text) => (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted));
  await until(`"${wanted}" in ${locator}`, async () => fits((await locator.first().textContent()) ?? ""));
}
