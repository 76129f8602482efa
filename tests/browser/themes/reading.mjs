// The room: finding one's way in what was said.

import { equal, ok, pause, see, until } from "../check.mjs";
import { box, message, messages, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

/** Where a message is on the screen, or nothing. */
const spot = async (page, text) => (await message(page, text).first().boundingBox().catch(() => null))?.y;

const numbered = (count) => Array.from({ length: count }, (_, at) => `message number ${at + 1}.`);

/** The element in which messages are scrolled. */
const scroller = (page) => messages(page).evaluateHandle((frame) =>
  [frame, ...frame.querySelectorAll("*")].find((it) => /auto|scroll/.test(getComputedStyle(it).overflowY)));

scenario("a line shows where what is new begins, and a button leads to it", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sayAll("general", numbered(30));
  await bo.api("PUT", "/rooms/general/read", { seq: 30 });
  await ann.sayAll("general", numbered(60).slice(30));
  const page = await bo.enter("general");
  await see(message(page, "message number 60."));
  const jump = page.getByRole("button", { name: "Jump to what is new" });
  await see(jump);
  await jump.click();
  const line = messages(page).getByText("New", { exact: true });
  await until("the line on the screen, above what is new", async () => {
    const [at, first] = [(await line.first().boundingBox())?.y, await spot(page, "message number 31.")];
    return at > 0 && at < 800 && first > at && (await spot(page, "message number 30.")) < at;
  });
  await until("that it is not asked again", async () => !(await jump.isVisible()));
});

scenario("history goes back to the beginning, and forward again, without jumps", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sayAll("general", numbered(400));
  const page = await bo.tab("/r/general/200");
  await see(message(page, "message number 200."));
  const at = await spot(page, "message number 200.");
  ok(at > 100 && at < 700, `it is in the middle: ${at}`);
  await pause(500);
  ok(Math.abs((await spot(page, "message number 200.")) - at) < 2, "it does not move while more comes");
  const up = await scrollAlong(page, -600, "This is where it begins.");
  await see(messages(page).getByText("This is where it begins."));
  await see(message(page, "message number 1."));
  const down = await scrollAlong(page, 600, "message number 400.");
  await see(message(page, "message number 400."));
  // In leaps one is at the first message that is there, which no longer is the first of its person's then.
  const other = await bo.tab("/r/general/200");
  await see(message(other, "message number 200."));
  const leaps = await scrollAlong(other, -4000, "This is where it begins.");
  ok(Math.max(up, down, leaps) < 3, `what is read moved by ${up}, ${down} and ${leaps} pixels of itself`);
});

/**
 * Scrolls in steps until a text is there. What is in the middle of the screen after a step has to be there still when
 * all that the step brought about is done; the most that it moved, in pixels.
 */
async function scrollAlong(page, step, text) {
  const list = await scroller(page);
  return list.evaluate(async (it, [step, text]) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const end = performance.now() + 60_000;
    let most = 0;
    while (!it.textContent.includes(text) && performance.now() < end) {
      it.scrollBy({ top: step, behavior: "instant" });
      const middle = it.getBoundingClientRect().top + it.clientHeight / 2;
      const row = [...it.querySelectorAll("[data-seq]")].find((row) => row.getBoundingClientRect().bottom > middle);
      if (!row) continue;
      const before = row.getBoundingClientRect().top;
      for (let count = 0; count < 4; count += 1) await frame();
      const same = it.querySelector(`[data-seq="${row.dataset.seq}"]`);
      most = Math.max(most, Math.abs(same.getBoundingClientRect().top - before));
    }
    return most;
  }, [step, text]);
}

scenario("whoever reads above is not moved by what is said, but told of it", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sayAll("general", numbered(80));
  const page = await bo.enter("general");
  await see(message(page, "message number 80."));
  await messages(page).hover();
  await page.mouse.wheel(0, -1200);
  await until("to be above", async () => ((await spot(page, "message number 80.")) ?? 9999) > 900);
  await pause(400);
  const list = await scroller(page);
  const mark = await list.evaluate((it) => {
    const top = it.getBoundingClientRect().top;
    const row = [...it.querySelectorAll("[data-seq]")].find((row) => row.getBoundingClientRect().top > top + 50);
    return [row.dataset.seq, row.getBoundingClientRect().top];
  });
  await ann.sayAll("general", ["something new", "and more"]);
  const pill = page.getByRole("button", { name: /2 new messages/ });
  await see(pill);
  const now = await list.evaluate((it, seq) => it.querySelector(`[data-seq="${seq}"]`).getBoundingClientRect().top, mark[0]);
  ok(Math.abs(now - mark[1]) < 2, `it moved by ${now - mark[1]}`);
  await pill.click();
  await see(message(page, "and more"));
  await until("to be at the end", async () => (await spot(page, "and more")) < 800);
});

scenario("whoever is at the end stays there", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.sayAll("general", numbered(50));
  await until("the last on the screen", async () => (await spot(bo.page, "message number 50.")) < 800);
  await say(ann.page, "and\na\nlong\none");
  await until("it on the screen", async () => (await spot(bo.page, "long")) < 800);
});

scenario("a search finds over rooms, marks what it found and leads there", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.makeRoom("kitchen", {}, [bo]);
  await ann.say("kitchen", "the tomato soup is <b>ready</b>");
  await ann.sayAll("kitchen", numbered(150));
  await ann.say("general", "no soup today");
  const page = await bo.enter("general");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  const panel = page.getByRole("complementary");
  await panel.getByRole("searchbox", { name: "Search for" }).fill("soup");
  await see(panel.getByText("2 messages"));
  const hit = panel.getByRole("link").filter({ hasText: "tomato" });
  equal(await hit.locator("mark").first().innerText(), "soup");
  ok((await hit.innerText()).includes("<b>ready</b>"), "what was said stays text");
  await hit.click();
  await page.waitForURL("**/r/kitchen/1");
  await until("the message on the screen", async () => {
    const y = await spot(page, "the tomato soup");
    return y > 0 && y < 800;
  });
  await page.getByRole("button", { name: "Search", exact: true }).click().catch(() => {});
});

scenario("a link to a message leads to it, also within the room that is open", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.sayAll("general", numbered(120));
  await see(message(bo.page, "message number 120."));
  await say(ann.page, `look at ${world.url}/r/general/3`);
  const link = message(bo.page, "look at").getByRole("link", { name: /\/r\/general\/3/ });
  await see(link);
  await bo.page.goto("/r/general/3");
  await until("it on the screen", async () => {
    const y = await spot(bo.page, "message number 3.");
    return y > 0 && y < 800;
  });
  await bo.page.goBack();
  await until("back at the end", async () => (await spot(bo.page, "look at")) < 800);
});

scenario("a room that is not there says so", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  world.expect(/status of 404/);
  const page = await ann.tab("/r/nowhere");
  await see(page.getByText(/no (such )?room/i));
});
