// Where the outbox outlives a reload: IndexedDB, or localStorage where there is none.

const NAME = "parlour";
const SHELF = "outbox";

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(SHELF, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  return opening;
}

async function act(mode, deed) {
  const base = await open();
  return new Promise((resolve, reject) => {
    const transaction = base.transaction(SHELF, mode);
    const request = deed(transaction.objectStore(SHELF));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

const plainName = (key) => `${NAME}-${SHELF}-${key}`;

/** Keeps an entry, or keeps it as it is by now. */
export async function keep(entry) {
  try {
    await act("readwrite", (shelf) => shelf.put(entry));
  } catch {
    plainly(() => localStorage.setItem(plainName(entry.key), JSON.stringify(entry)));
  }
}

/** Forgets an entry. */
export async function forget(key) {
  plainly(() => localStorage.removeItem(plainName(key)));
  try {
    await act("readwrite", (shelf) => shelf.delete(key));
  } catch {
    // Then it was never there.
  }
}

/** What was kept, oldest first. */
export async function kept() {
  let found = [];
  try {
    found = await act("readonly", (shelf) => shelf.getAll());
  } catch {
    // A browser in private mode may have no database.
  }
  plainly(() => {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(plainName(""))) found.push(JSON.parse(localStorage.getItem(name)));
    }
  });
  return found.sort((a, b) => (a.at < b.at ? -1 : 1));
}

function plainly(deed) {
  try {
    deed();
  } catch {
    // A browser that keeps nothing has its outbox until it is closed.
  }
}
