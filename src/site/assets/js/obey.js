// What was written with a slash before it is done, and answered where it was written.

import { h } from "./dom.js";
import { style } from "./parts.js";
import { commands, run } from "./slash.js";

/**
 * Does what a text says in a room: `{text}` is to be said instead of it, `{show, kind}` shown to whoever
 * wrote it; with `isWrong` it stays to be mended.
 */
export async function obey(text, room) {
  try {
    const [done] = await Promise.all([run(text, { room }), style("tools")]);
    if (done?.say) return { text: done.say };
    if (done?.help) return { show: help(), kind: "help" };
    return done ? { show: h("p", { dir: "auto" }, done) } : {};
  } catch (error) {
    return { show: h("p", { dir: "auto" }, error.message), kind: "bad", isWrong: true };
  }
}

const help = () =>
  h(
    "dl",
    { class: "commands" },
    commands.map(({ name, args, about }) => [
      h("dt", {}, `/${name}`, args && h("i", {}, ` ${args}`)),
      h("dd", {}, about),
    ]),
  );
