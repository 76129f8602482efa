// Addresses: which page a path is, and going from one to the next without loading anything.

/** The path of a room, or of a message in it. */
export const roomPath = (name, seq = null) =>
  `/r/${encodeURIComponent(name)}${seq === null ? "" : `/${seq}`}`;

/** What a path leads to: `{page, …}`; `page` is "home", "room", "settings", "admin" or "elsewhere". */
export function parse(path) {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const [first, second, third] = parts;
  if (parts.length === 0) return { page: "home" };
  if (first === "r" && second && parts.length <= 3) {
    const seq = /^[0-9]+$/.test(third ?? "") ? Number(third) : null;
    return { page: "room", room: second, seq };
  }
  if ((first === "settings" || first === "admin") && parts.length <= 2) {
    return { page: first, part: second ?? null };
  }
  return { page: "elsewhere" };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let show = () => {};

/** Goes to a path of this site. With `replace` there is no way back to where one was. */
export function go(path, { replace = false } = {}) {
  const route = parse(new URL(path, location.origin).pathname);
  if (route.page === "elsewhere") {
    location.assign(path);
    return;
  }
  if (replace || path === location.pathname) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  show(route);
}

/** From now on paths are shown by `shower(route)`, links are followed here, and back goes back. */
export function startRouting(shower) {
  show = shower;
  addEventListener("popstate", () => show(parse(location.pathname)));
  document.addEventListener("click", follow);
  show(parse(location.pathname));
}

function follow(event) {
  const isPlain =
    event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest?.("a[href]");
  if (!isPlain || event.defaultPrevented || !link) return;
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (link.hash && link.pathname === location.pathname) return;
  if (parse(link.pathname).page === "elsewhere") return;
  event.preventDefault();
  go(link.pathname);
}
