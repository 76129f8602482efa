// Safe: a strict policy on every page, names and words that stay text, and other origins that get nothing.

import { createServer } from "node:http";
import { equal, match, ok, see } from "../check.mjs";
import { box, fill, message } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { codes, DOORS, furnish, PLAIN } from "../tour.mjs";
import { passwordOf } from "../world.mjs";

scenario("every page has the strict policy", async (world) => {
  const { ann } = await furnish(world);
  const paths = [...DOORS(...(await codes(ann))), ...PLAIN].map(([, path]) => path);
  for (const path of [...paths, "/admin/people", "/settings/profile", "/offline", "/first"]) {
    for (const cookie of ["", `parlour_token=${ann.token}`]) {
      const answer = await fetch(world.url + path, { headers: { Cookie: cookie }, redirect: "manual" });
      const policy = answer.headers.get("content-security-policy") ?? "";
      match(policy, /default-src 'none'/, path);
      match(policy, /script-src 'self'(;|$)/, path);
      match(policy, /style-src 'self'(;|$)/, path);
      match(policy, /frame-ancestors 'none'/, path);
      match(policy, /base-uri 'none'/, path);
      match(policy, /form-action 'self'/, path);
      ok(!/unsafe|\*|http:/.test(policy), `${path}: ${policy}`);
      equal(answer.headers.get("x-content-type-options"), "nosniff", path);
      match(answer.headers.get("referrer-policy") ?? "", /no-referrer|same-origin/, path);
      const html = await answer.text();
      ok(!/<script(?![^>]*\bsrc=)/i.test(html), `${path}: a script inline`);
      ok(!/\s(on[a-z]+|style)=/i.test(html), `${path}: a handler or style inline`);
    }
  }
});

const HOSTILE = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>{{7*7}}\${8*8}`;

scenario("hostile names and words stay text, with scripts and without", async (world) => {
  const people = await furnish(world);
  const { ann, bo } = people;
  world.expect(/status of 404/);
  await ann.api("PATCH", "/settings", { name: HOSTILE.slice(0, 100) });
  await bo.api("PATCH", "/me", { display_name: HOSTILE.slice(0, 100) });
  await ann.api("PATCH", "/rooms/general", { title: HOSTILE.slice(0, 100), topic: HOSTILE });
  await bo.say("general", HOSTILE);
  await bo.say("general", `@ann [x](javascript:document.title='owned') ${HOSTILE}`);
  const foreign = (page) => page.evaluate(() => document.querySelectorAll("img[src=x], script:not([src]), [onerror], a[href^=javascript]").length);
  const stop = async (name, page) => {
    equal(await foreign(page), 0, name);
    ok(!(await page.title()).startsWith("owned"), name);
  };
  const page = await ann.tab("/r/general");
  await see(message(page, "onerror"));
  await stop("the room", page);
  await page.getByRole("button", { name: /^Members/ }).click();
  await see(page.getByRole("complementary").getByText("onerror", { exact: false }));
  await stop("members", page);
  await page.goto("/admin/people");
  await see(page.getByRole("row").filter({ hasText: "onerror" }));
  await stop("people", page);
  await page.goto("/admin/rooms");
  await see(page.getByRole("row").filter({ hasText: "onerror" }));
  await stop("rooms", page);
  await page.goto("/r/general");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("searchbox", { name: "Search for" }).fill("onerror");
  await see(page.locator("mark"));
  await stop("search", page);
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await stop("notices", page);
  const plain = await world.browserOf("plain");
  await plain.addCookies(await ann.context.cookies());
  await plain.route("**/assets/js/all.js*", (route) => route.abort());
  world.expect(/net::ERR_FAILED/);
  const bare = await plain.newPage();
  for (const [name, path] of [...PLAIN, ...DOORS(...(await codes(ann)))]) {
    await bare.goto(path);
    equal(await foreign(bare), 0, name);
    equal(await bare.getByText("owned", { exact: true }).count(), 0, name);
  }
  await bare.goto("/r/general");
  ok((await bare.innerText("main")).includes("{{7*7}}"));
});

scenario("a page of another origin can do nothing in somebody's name", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  world.expect(/./);
  const context = await world.browserOf("ann");
  const page = await context.newPage();
  await page.goto("/sign-in");
  await fill(page, { "Name or email": "ann", Password: passwordOf("ann") });
  await page.getByRole("button", { name: "Sign in" }).click();
  await see(box(page));
  const cookie = (await context.cookies()).find(({ name }) => name === "parlour_token");
  equal(cookie.httpOnly, true);
  equal(cookie.sameSite, "Lax");
  equal(await page.evaluate(() => document.cookie), "");

  // Another port is another origin, but the same site: cookies go along.
  const html = (url) => `<!doctype html><iframe src="${url}/r/general"></iframe>
    <form method="post" action="${url}/r/general"><input name="text" value="forged"><input name="key" value="k1"><button>go</button></form>`;
  const other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(html(world.url)));
  await new Promise((done) => other.listen(0, "127.0.0.1", done));
  try {
    const evil = await context.newPage();
    await evil.goto(`http://127.0.0.1:${other.address().port}/`);
    const said = await evil.evaluate(async (url) => {
      const tries = {};
      const attempt = async (name, init, path = "/api/v1/rooms/general/messages") => {
        try {
          const answer = await fetch(url + path, { credentials: "include", ...init });
          tries[name] = await answer.text().then((text) => `${answer.status} ${text.slice(0, 40)}`);
        } catch (error) {
          tries[name] = "refused";
        }
      };
      await attempt("read", {});
      await attempt("me", {}, "/api/v1/me");
      await attempt("json", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"text":"forged"}' });
      await attempt("plain", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: '{"text":"forged"}' });
      await attempt("form", { method: "POST", mode: "no-cors", body: new URLSearchParams({ text: "forged", key: "k2" }) }, "/r/general");
      tries.socket = await new Promise((done) => {
        const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, "parlour.v1");
        socket.onmessage = () => done("heard something");
        socket.onclose = () => done("refused");
      });
      tries.events = await new Promise((done) => {
        const source = new EventSource(`${url}/api/v1/events`, { withCredentials: true });
        source.onmessage = () => done("heard something");
        source.onerror = () => {
          source.close();
          done("refused");
        };
      });
      return tries;
    }, world.url);
    for (const name of ["read", "me", "json", "socket", "events"]) equal(said[name], "refused", name);
    await evil.getByRole("button", { name: "go" }).click();
    await evil.waitForLoadState();
    const frame = evil.frames().find((it) => it !== evil.mainFrame());
    ok(!frame || !(await frame.content().catch(() => "")).includes("Message"), "no frame shows the room");
  } finally {
    other.closeAllConnections();
    other.close();
  }
  equal((await ann.api("GET", "/rooms/general/messages")).messages.length, 0);
});
