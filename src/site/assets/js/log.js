// What was said in one room, as far as this browser has read it: one stretch of messages without a
// gap. Events change it; whatever is older than what is here already changes nothing, so events may
// come again and pages of history may overtake them.

/** Messages of a page. */
const PAGE = 60;

export class Log {
  /** `ask({before | after | around})` reads a page of history. */
  constructor(room, ask) {
    this.room = room;
    this.ask = ask;
    this.empty();
  }

  empty() {
    /** In the order of `seq`. */
    this.messages = [];
    this.hasStart = false;
    this.hasEnd = false;
    this.isLoaded = false;
    // What is asked for before and answered after this is about another stretch.
    this.generation = (this.generation ?? 0) + 1;
  }

  get first() {
    return this.messages[0]?.seq ?? 0;
  }

  get last() {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** Where the first message with at least this `seq` is. */
  place(seq) {
    let low = 0;
    let high = this.messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.messages[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get(seq) {
    const found = this.messages[this.place(seq)];
    return found?.seq === seq ? found : undefined;
  }

  /** Reads the newest messages, or those around one. */
  async open(around) {
    const generation = this.generation;
    const page = await this.ask({ around, limit: PAGE });
    if (generation !== this.generation) return;
    // What came in meanwhile is newer than the page, and goes on where it ends.
    const came = around === undefined || !page.more_after ? this.messages : [];
    this.messages = page.messages;
    this.hasStart = !page.more_before;
    this.hasEnd = !page.more_after;
    this.isLoaded = true;
    for (const message of came) this.put(message);
  }

  /** Reads what was said before; how many messages that were. */
  async older() {
    if (this.hasStart || !this.isLoaded) return 0;
    const generation = this.generation;
    const page = await this.ask({ before: this.first, limit: PAGE });
    if (generation !== this.generation) return 0;
    const fresh = page.messages.filter((message) => message.seq < this.first);
    this.messages = [...fresh, ...this.messages];
    this.hasStart = !page.more_before;
    return fresh.length;
  }

  /** Reads what was said afterwards; how many messages that were. */
  async newer() {
    if (this.hasEnd || !this.isLoaded) return 0;
    const generation = this.generation;
    const page = await this.ask({ after: this.last, limit: PAGE });
    if (generation !== this.generation) return 0;
    const before = this.messages.length;
    for (const message of page.messages) this.put(message, true);
    this.hasEnd = !page.more_after;
    return this.messages.length - before;
  }

  /** Puts a message where it belongs; whether that changed anything. */
  put(message, isNext = false) {
    const place = this.place(message.seq);
    const known = this.messages[place];
    if (known?.seq === message.seq) {
      if (message.version <= known.version) return null;
      this.messages[place] = message;
      return { kind: "change", seq: message.seq };
    }
    // Inside of the stretch nothing is missing; behind its end something may be.
    if (place < this.messages.length) return null;
    if (this.isLoaded && !this.hasEnd && !isNext) return null;
    this.messages.push(message);
    return { kind: "add", seq: message.seq };
  }

  /** Takes an event about a message; what it changed, or nothing. */
  take(event) {
    if (event.event === "message") return this.put(messageOf(event));
    const known = this.get(event.seq);
    if (!known || event.version <= known.version) return null;
    const place = this.place(event.seq);
    this.messages[place] = changed(known, event);
    return { kind: "change", seq: event.seq };
  }
}

function messageOf({ event, room, op, by, state, ...message }) {
  return message;
}

function changed(known, event) {
  const { version } = event;
  if (event.event === "edited") return { ...known, ...messageOf(event) };
  if (event.event === "deleted") {
    const { attachment, reactions, edited_at, ...kept } = known;
    return {
      ...kept,
      text: "",
      deleted: true,
      deleted_at: event.at,
      deleted_by: event.by,
      version,
    };
  }
  const reactions = { ...known.reactions };
  const others = (reactions[event.emoji] ?? []).filter((name) => name !== event.from);
  const users = event.on ? [...others, event.from] : others;
  if (users.length) reactions[event.emoji] = users;
  else delete reactions[event.emoji];
  return { ...known, reactions, version };
}
