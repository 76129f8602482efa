// Administration of people and of programs: roles, accounts, links for a new password, tokens.

import { api, query } from "./api.js";
import { avatar, presenceDot } from "./avatar.js";
import { confirm } from "./dialog.js";
import { endOf, showSecret, SPANS } from "./devices.js";
import { fill, h } from "./dom.js";
import { formDialog } from "./form.js";
import { block, table } from "./page.js";
import { button, comes, iconButton, menu } from "./parts.js";
import { scopeFields, scopesOf } from "./scopes.js";
import { store } from "./store.js";
import { shortDay } from "./since.js";
import { full } from "./time.js";
import { complain, toast } from "./toast.js";

const at = (name) => `/users/${encodeURIComponent(name)}`;

const ROLES = { admin: "Admin", member: "Member", bot: "Bot" };

/** Fills a place with the people of the server. */
export function showUsers(place) {
  list(place, {
    title: "Everybody with an account",
    keep: (user) => user.role !== "bot",
    adding: { label: "Make an account", run: addUser },
    none: "Nobody is called so.",
  });
}

/** Fills a place with the programs that have accounts. */
export function showBots(place) {
  list(place, {
    title: "Programs with an account",
    text: "A bot is somebody without a password: it speaks with a token. Invite it into rooms like anybody.",
    keep: (user) => user.role === "bot",
    adding: { label: "Make a bot", run: addBot },
    none: "There is no bot.",
  });
}

function list(place, { title, text = null, keep, adding, none }) {
  const rows = h("div", {});
  let all = [];
  let timer = 0;
  const input = h("input", {
    class: "input",
    type: "search",
    placeholder: "Find by name",
    "aria-label": "Find by name",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(read, 200);
    },
  });
  const read = () =>
    comes(rows, async () => {
      all = [];
      const page = () =>
        api.get(
          `/users${query({ query: input.value.trim() || null, after: all.at(-1)?.name, limit: 200 })}`,
        );
      let came = await page();
      all.push(...came.users);
      return draw(came.more);

      function draw(more) {
        const next = button("More", async () => {
          came = await page();
          all.push(...came.users);
          rows.replaceChildren(...draw(came.more));
        });
        const shown = table(title, columns(read), all.filter(keep), none);
        return more ? [shown, next] : [shown];
      }
    });
  fill(
    place,
    block(
      title,
      text,
      h(
        "div",
        { class: "tools" },
        input,
        button(adding.label, () => adding.run(read), { picture: "plus" }),
      ),
      rows,
    ),
  );
  read();
}

const columns = (read) => [
  {
    label: "Name",
    of: (it) =>
      h(
        "span",
        { class: "who" },
        h("span", { class: "with-presence" }, avatar(it), presenceDot(it.presence)),
        h("span", {}, h("bdi", {}, it.display_name), h("bdi", { class: "soft" }, `@${it.name}`)),
      ),
  },
  {
    label: "Role",
    of: (it) => [ROLES[it.role], it.disabled && h("span", { class: "tag bad" }, "disabled")],
  },
  { label: "Email", of: (it) => it.email ?? "–" },
  {
    label: "Since",
    of: (it) =>
      h("time", { datetime: it.created_at, title: full(it.created_at) }, shortDay(it.created_at)),
  },
  {
    label: "",
    of: (it) => menu(iconButton("more", `More about ${it.display_name}`), () => userMenu(it, read)),
  },
];

function userMenu(user, read) {
  const isMe = store.isMe(user.name);
  const change = (facts, said) => async () => {
    await api.patch(at(user.name), facts).then(() => toast(said), complain);
    read();
  };
  const role = (value) => ({
    label: ROLES[value],
    checked: user.role === value,
    run: change({ role: value }, `${user.display_name} is ${ROLES[value].toLowerCase()} now.`),
  });
  const isBot = user.role === "bot";
  return [
    !isBot && !isMe && "Role",
    ...(isBot || isMe ? [] : [role("admin"), role("member")]),
    "Access",
    isBot && { label: "Make a token…", icon: "key", run: () => makeToken(user) },
    !isBot && { label: "Link for a new password", icon: "link", run: () => resetLink(user) },
    { label: "Sign out everywhere", icon: "sign-out", run: () => signOut(user) },
    !isMe &&
      (user.disabled
        ? {
            label: "Let sign in again",
            icon: "check",
            run: change({ disabled: false }, `${user.display_name} may sign in again.`),
          }
        : {
            label: "Disable",
            icon: "ban",
            run: change({ disabled: true }, `${user.display_name} cannot sign in any more.`),
          }),
    !isMe && { label: "Erase…", icon: "trash", danger: true, run: () => erase(user, read) },
  ];
}

async function resetLink(user) {
  try {
    const { secret } = await api.post(`${at(user.name)}/reset`);
    const text = `Give it to ${user.display_name}, and to nobody else. It is good once, for a day.`;
    await showSecret("Link for a new password", text, `${location.origin}/reset/${secret}`);
  } catch (refusal) {
    complain(refusal);
  }
}

async function makeToken(user) {
  const made = await formDialog({
    title: `A token for ${user.display_name}`,
    yes: "Make it",
    fields: [
      {
        name: "label",
        label: "What it is for",
        required: true,
        maxlength: 120,
        autocomplete: "off",
      },
      { name: "days", label: "How long it is good", kind: "select", options: SPANS, value: "" },
      ...scopeFields(),
    ],
    onsubmit: ({ label, days, ...chosen }) =>
      api.post(`${at(user.name)}/tokens`, {
        label,
        expires_at: endOf(days),
        scopes: scopesOf(chosen),
      }),
  });
  if (made)
    await showSecret(
      "The new token",
      "It is shown this once. Copy it to where it is needed.",
      made.token,
    );
}

async function signOut(user) {
  const text = "All of their browsers and programs have to sign in again.";
  if (!(await confirm({ title: `Sign out ${user.display_name}?`, text, yes: "Sign out" }))) return;
  await api
    .del(`${at(user.name)}/tokens`)
    .then(() => toast(`${user.display_name} is signed out.`), complain);
}

async function erase(user, read) {
  const done = await formDialog({
    title: `Erase ${user.display_name}?`,
    text: "Their name, address, picture and notifications are forgotten, and they cannot sign in. This cannot be undone.",
    yes: "Erase",
    danger: true,
    fields: [
      { name: "messages", label: "Remove everything they said, too", kind: "check" },
      {
        name: "name",
        label: `Type ${user.name} to be sure`,
        autocomplete: "off",
        dir: "ltr",
        required: true,
      },
    ],
    onsubmit: async ({ messages, name }) => {
      if (name.trim() !== user.name) {
        throw Object.assign(new Error(`This is not "${user.name}".`), { field: "name" });
      }
      await api.del(`${at(user.name)}${messages ? "?messages=1" : ""}`);
    },
  });
  if (!done) return;
  toast(`${user.display_name} is forgotten.`);
  read();
}

const NAME = {
  name: "name",
  label: "Name",
  required: true,
  maxlength: 64,
  autocomplete: "off",
  dir: "ltr",
  hint: "Small letters, digits, - and _; it stays for ever.",
};

const CALLED = {
  name: "display_name",
  label: "What they are called",
  maxlength: 120,
  autocomplete: "off",
};

async function addUser(read) {
  const made = await formDialog({
    title: "Make an account",
    text: "You get a link with which they choose a password.",
    yes: "Make it",
    fields: [
      NAME,
      CALLED,
      { name: "email", label: "Email, perhaps", kind: "email", autocomplete: "off" },
    ],
    onsubmit: async ({ name, display_name, email }) => {
      const about = { name: name.trim(), role: "member" };
      if (display_name.trim()) about.display_name = display_name.trim();
      if (email.trim()) about.email = email.trim();
      return (await api.post("/users", about)).user;
    },
  });
  if (!made) return;
  read();
  await resetLink(made);
}

async function addBot(read) {
  const made = await formDialog({
    title: "Make a bot",
    yes: "Make it",
    fields: [NAME, CALLED],
    onsubmit: async ({ name, display_name }) => {
      const about = { name: name.trim(), role: "bot" };
      if (display_name.trim()) about.display_name = display_name.trim();
      const { user } = await api.post("/users", about);
      const token = await api.post(`${at(user.name)}/tokens`, { label: "first token" });
      return token.token;
    },
  });
  if (!made) return;
  read();
  await showSecret(
    "The bot's token",
    "It is shown this once. Copy it to where it is needed.",
    made,
  );
}
