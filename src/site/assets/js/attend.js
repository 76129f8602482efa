// Whether somebody looks at this page, which others see as being there or away.

import { store } from "./store.js";

/** A page out of sight for so long is unattended. */
const AWAY_MS = 60_000;

let timer = 0;

/** Tells the server how it is just now, by way of `call`. */
export function attend(call) {
  clearTimeout(timer);
  const isHidden = document.hidden;
  // Who wants to be seen as away is so, whatever they look at.
  const away = isHidden || Boolean(store.me?.away);
  const tell = () => call({ do: "presence", away }).catch(() => {});
  if (isHidden) timer = setTimeout(tell, AWAY_MS);
  else tell();
}
