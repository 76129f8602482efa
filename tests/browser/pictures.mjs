// Pictures of every page, to be looked at: pictures.mjs PROGRAM FOLDER-WITH-node_modules BROWSER FOLDER-FOR-PICTURES [desktop|phone]
//
// At the size of a desktop and of a phone, light and dark. PARLOUR_ASSETS reads the pages' files from that folder.

import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { codes, DOORS, furnish, PLAIN, walk } from "./tour.mjs";
import { PHONE, World } from "./world.mjs";

const [binary, home, executablePath, folder, only] = process.argv.slice(2);
const { chromium } = createRequire(resolve(home, "package.json"))("playwright-core");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const flags = process.env.PARLOUR_ASSETS ? ["--assets", process.env.PARLOUR_ASSETS] : [];
const sizes = Object.entries({ desktop: {}, phone: PHONE }).filter(([size]) => !only || size === only);

for (const [size, options] of sizes) {
  const world = new World({ browser, binary, flags, shots: folder });
  await world.start();
  const place = join(folder, size);
  await mkdir(place, { recursive: true });
  let number = 0;
  const take = async (name, page) => {
    number += 1;
    const title = `${String(number).padStart(2, "0")} ${name}`.replace(/[^a-z0-9]+/gi, "-");
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(place, `${title}-${colorScheme}.png`) });
    }
  };
  try {
    const outside = await (await world.browserOf("somebody", options)).newPage();
    await outside.goto("/first");
    await take("first", outside);
    const people = await furnish(world);
    for (const [name, path] of DOORS(...(await codes(people.ann)))) {
      await outside.goto(path);
      await take(name, outside);
    }
    await people.ann.sit({ ...options, reducedMotion: "reduce" });
    const page = await people.ann.context.newPage();
    await walk(world, people, page, take);
    await people.ann.context.route("**/assets/js/all.js*", (route) => route.abort());
    for (const [name, path] of PLAIN) {
      await page.goto(path);
      await take(name, page);
    }
    console.log(`${size}: ${number} pages`);
  } finally {
    await world.end();
  }
}
await browser.close();
