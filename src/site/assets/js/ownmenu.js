// One's own menu: how one is seen, settings, and the way out.

import { presenceWord } from "./avatar.js";
import { confirm } from "./dialog.js";
import { link } from "./link.js";
import { go } from "./route.js";
import { store } from "./store.js";
import { toast } from "./toast.js";

/** What is in it. */
export function ownMenu() {
  const isAway = Boolean(store.me.away);
  const attend = (away) => async () => {
    store.me = { ...store.me, away };
    store.emit("me");
    await link.call({ do: "presence", away }).catch(() => {});
  };
  return [
    "How you are seen",
    { label: presenceWord("online"), checked: !isAway, run: attend(false) },
    { label: presenceWord("away"), checked: isAway, run: attend(true) },
    store.me.display_name,
    { label: "Settings", icon: "settings", run: () => go("/settings/profile") },
    store.me.admin && { label: "Administration", icon: "shield", run: () => go("/admin/overview") },
    {
      label: "Keyboard shortcuts",
      icon: "help",
      run: async () => (await import("./help.js")).openHelp(),
    },
    { label: "Sign out", icon: "sign-out", run: signOut },
  ];
}

async function signOut() {
  const text = "You can sign in again at any time.";
  if (!(await confirm({ title: "Sign out of this browser?", text, yes: "Sign out" }))) return;
  await leave();
}

/** Signs out, here or with `everywhere`, by the page for it: it has the browser forget what it keeps. */
export async function leave(everywhere = false) {
  document.body.classList.add("leaving");
  try {
    await fetch("/sign-out", {
      method: "POST",
      body: new URLSearchParams(everywhere ? { everywhere: "1" } : {}),
    });
    location.assign("/sign-in");
  } catch {
    document.body.classList.remove("leaving");
    toast("The server cannot be reached. You are still signed in.", { kind: "bad" });
  }
}
