// What is read stays where it is: the first message on the screen is remembered, with where it ends
// there, and put back to that place when something was put before it. Its end, because what stands at its
// beginning may go: a name that stands above now.

/** The first message on the screen of a scroller: `{key, offset}`, or null. */
export function anchorOf(scroller, list) {
  const top = scroller.getBoundingClientRect().top;
  const all = list.children;
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bottomOf(all[middle]) <= top) low = middle + 1;
    else high = middle;
  }
  while (low < all.length && !all[low].dataset.seq) low += 1;
  const it = all[low];
  if (!it) return null;
  return { key: Number(it.dataset.seq), offset: it.getBoundingClientRect().bottom - top };
}

/** Where an element ends. A day sticks to the top, so it ends where what follows it begins. */
function bottomOf(it) {
  const next = it.nextElementSibling;
  if (it.className === "day" && next) return next.getBoundingClientRect().top;
  return it.getBoundingClientRect().bottom;
}

/** Scrolls so that an element ends where it did. */
export function putBack(scroller, it, offset) {
  const moved = it.getBoundingClientRect().bottom - scroller.getBoundingClientRect().top - offset;
  if (Math.abs(moved) >= 1) scroller.scrollTop += moved;
}
