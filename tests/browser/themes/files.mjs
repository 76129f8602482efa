// The room: files by button, by paste and by drop; pictures in their place and at full size.

import { equal, gone, match, ok, see, until } from "../check.mjs";
import { box, dialog, message, messages, picture, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

const waiting = (page) => page.getByRole("list", { name: "Files to be sent" });

/** Gives a page's element files, as a paste or a drop does. */
const give = (locator, kind, name, type, bytes) =>
  locator.evaluate((it, [kind, name, type, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const event = kind === "paste"
      ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
      : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
    it.dispatchEvent(event);
  }, [kind, name, type, [...bytes]]);

scenario("a file is attached by button, shown before, and fetched by the other", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const choosing = ann.page.waitForEvent("filechooser");
  await ann.page.getByRole("button", { name: "Attach files" }).click();
  await (await choosing).setFiles({ name: "notes <1>.txt", mimeType: "text/plain", buffer: Buffer.from("hello file") });
  await see(waiting(ann.page).getByText("notes <1>.txt"));
  await say(ann.page, "my notes");
  await gone(waiting(ann.page));
  const card = message(bo.page, "my notes").getByRole("link", { name: /notes .1.\.txt/ });
  await see(card);
  const coming = bo.page.waitForEvent("download");
  await card.click();
  equal(await (await coming).createReadStream().then(async (it) => Buffer.concat(await it.toArray()).toString()), "hello file");
});

scenario("a picture is pasted, seen in its place, and opened large", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const bytes = await picture(ann.page, "#36c", 300);
  await box(ann.page).focus();
  await give(box(ann.page), "paste", "sea.png", "image/png", bytes);
  await see(waiting(ann.page).locator("img"), "a preview");
  await say(ann.page, "the sea");
  const shown = message(bo.page, "the sea").getByRole("img", { name: "sea.png" });
  await until("the picture", () => shown.evaluate((it) => it.naturalWidth === 300));
  await give(box(bo.page), "paste", "land.png", "image/png", await picture(bo.page, "#3c6", 300));
  await until("its upload", async () => (await waiting(bo.page).getByRole("progressbar").filter({ visible: true }).count()) === 0);
  await bo.page.getByRole("button", { name: "Send" }).click();
  await until("the second", async () => (await messages(ann.page).getByRole("img", { name: "land.png" }).count()) === 1);
  await message(bo.page, "the sea").getByRole("link", { name: "sea.png" }).click();
  const large = dialog(bo.page, /sea\.png/);
  await see(large.getByRole("img", { name: "sea.png" }));
  await bo.page.keyboard.press("ArrowRight");
  await see(dialog(bo.page).getByRole("img", { name: "land.png" }));
  await bo.page.keyboard.press("Escape");
  await gone(dialog(bo.page));
  match(bo.page.url(), /\/r\/general/);
});

scenario("files are dropped on the room, one is taken back, the others go", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const place = box(ann.page);
  const bytes = Buffer.from("a,b\n1,2\n");
  await give(place, "dragenter", "one.csv", "text/csv", bytes);
  await until("that the room takes it", async () => {
    await give(place, "dragover", "one.csv", "text/csv", bytes);
    return ann.page.getByText("Drop files to send them").isVisible();
  });
  await give(place, "drop", "one.csv", "text/csv", bytes);
  await give(place, "drop", "two.csv", "text/csv", bytes);
  await gone(ann.page.getByText("Drop files to send them"));
  await see(waiting(ann.page).getByText("two.csv"));
  await waiting(ann.page).getByRole("button", { name: "Remove one.csv" }).click();
  await ann.page.getByRole("button", { name: "Send" }).click();
  await see(messages(bo.page).getByRole("link", { name: /two\.csv/ }));
  equal(await messages(bo.page).getByRole("link", { name: /one\.csv/ }).count(), 0);
});

scenario("an upload shows its progress, and may fail and be tried again", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expect(/net::ERR_/);
  let refuse = true;
  await ann.page.route("**/api/v1/uploads*", async (route) => {
    if (refuse) return route.abort("connectionreset");
    return route.continue();
  });
  await give(box(ann.page), "paste", "late.bin", "application/octet-stream", Buffer.alloc(100_000, 7));
  const again = waiting(ann.page).getByRole("button", { name: "Try again" });
  await see(again);
  refuse = false;
  await again.click();
  await gone(again);
  await ann.page.getByRole("button", { name: "Send" }).click();
  await see(messages(bo.page).getByRole("link", { name: /late\.bin/ }));
});

scenario("what was uploaded is served with a type that cannot do harm", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  for (const [name, type, body] of [
    ["page.html", "text/html", "<script>document.title='owned'</script>"],
    ["drawing.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='owned'</script></svg>"],
  ]) {
    const answer = await fetch(`${world.url}/api/v1/uploads?name=${name}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ann.token}`, "Content-Type": type },
      body,
    });
    const upload = await answer.json();
    ok(answer.ok, JSON.stringify(upload));
    const served = await fetch(new URL(upload.url, world.url), { headers: { Authorization: `Bearer ${ann.token}` } });
    equal(served.headers.get("x-content-type-options"), "nosniff");
    ok(/attachment/.test(served.headers.get("content-disposition") ?? "") || /sandbox/.test(served.headers.get("content-security-policy") ?? ""),
      `${name} opens as ${served.headers.get("content-type")}`);
  }
});
