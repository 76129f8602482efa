// What was written with a slash before it is done, and answered where it was written.

import { h } from "./dom.js";
import { style } from "./parts.js";
import { run } from "./slash.js";

/**
 * Does what a text says in a room. `show` is for whoever wrote it, with `kind`; with `isSaid` it was said
 * in the room, and with `isWrong` it stays to be mended.
 */
export async function obey(text, room, reply_to) {
  try {
    const [done] = await Promise.all([run(text, room, reply_to), style("tools")]);
    if (done.help) return { show: help(done.help), kind: "help" };
    const show = done.told && h("p", { class: "told", dir: "auto", tabindex: "0" }, done.told);
    const kind = done.unknown ? "bad" : done.told?.includes("\n") ? "help" : "";
    return { show, isSaid: done.said, isWrong: done.unknown, kind };
  } catch (error) {
    return { show: h("p", { dir: "auto" }, error.message), kind: "bad", isWrong: true };
  }
}

const help = (commands) =>
  h(
    "dl",
    { class: "commands", tabindex: "0" },
    commands.map(({ name, usage, about }) => [
      h("dt", {}, `/${name}`, usage && h("i", {}, ` ${usage}`)),
      h("dd", {}, about),
    ]),
  );
