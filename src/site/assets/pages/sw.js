// Keeps the shell of the application: its files and one page that is shown without a network. What people
// say, and what they uploaded, is never kept here. The server writes the list; it is another one as soon
// as one of the files is, and then browsers fetch the new shell at the next visit.

const SHELL = [
{%- for path in shell %}
  {{ static_url(path) }},
{%- endfor %}
  {{ "/offline?v=" ~ pages }},
];

/** Differs for different lists (FNV-1a). */
const version = [...SHELL.join()].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0, 0x811c9dc5);
const NAME = `shell-${version.toString(16)}`;

/** Under which address a file is kept: without its version, as scripts import it. */
const bare = (path) => path.split("?")[0];
const OWN = new Set(SHELL.map(bare));

addEventListener("install", (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(tidy().then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (OWN.has(url.pathname)) event.respondWith(file(request, url.pathname));
});

async function keep() {
  const cache = await caches.open(NAME);
  const fetchOne = async (path) => {
    const answer = await fetch(path, { cache: path.includes("?") ? "default" : "no-cache", credentials: "omit" });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    await cache.put(bare(path), answer);
  };
  await Promise.all(SHELL.map(fetchOne));
}

async function tidy() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("shell-") && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** A page is the server's; without it the shell stands in. */
async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return (await kept("/offline")) ?? Response.error();
  }
}

/** A file of the shell as it was when this version was kept: all of them fit together. */
async function file(request, path) {
  return (await kept(path)) ?? fetch(request);
}

async function kept(path) {
  const cache = await caches.open(NAME);
  return cache.match(path);
}
