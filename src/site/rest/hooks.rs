//! # Hooks: ways for programs, and what is sent to them
//!
//! `/webhooks` makes them, lists them and takes them away, and tells how what they are sent fares;
//! `/hooks/{secret}` is where a program says something, in Slack's form or as plain text.
//!
//! Promises
//! 1. A secret is said once, to whoever made the hook.
//! 2. Whoever sends to a hook is answered `ok` when it is stored.

use std::time::Duration;

use super::asking::{Answered, body, created, done, idempotency_key, ok, segment, settled, want};
use crate::chat::deliveries;
use crate::chat::hooks::{self, Door, Hook};
use crate::chat::limits::NAME_CHARS_MAX;
use crate::chat::{
    Answer, Code, HookEvent, HookId, HookUrl, HookWay, Identity, Operation, Refusal, Role, Style,
    Text, UserId,
};
use crate::http::Response;
use crate::site::auth;
use crate::site::courier::{self, Courier, Tested};
use crate::site::fields::{Fields, wrong};
use crate::site::hall::Hall;
use crate::site::rate::Rate;
use crate::site::secret::{self, Secret, SecretKind};
use crate::site::slack;
use crate::site::slash;
use crate::site::wire::{self, Object};
use crate::web::{Cx, Reply, Wait};

/// What a hook may be sent: a build that fails everywhere at once, and then one a second.
const OF_HOOK: Rate = Rate {
    burst: 60,
    every: Duration::from_secs(1),
};

/// Which way a hook goes.
const DIRECTIONS: &str = "`incoming` or `outgoing`";

/// What an outgoing one may be sent.
const EVENTS: &str = "an array of `message`, `mention` and `join`";

/// Deliveries of a list.
const LISTED_MAX: u32 = 200;

/// How often somebody may try whether a hook arrives.
const OF_TESTS: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(6),
};

// ------------------------------------------------------------------------------------- making them

/// Whose hooks somebody sees: an admin everybody's.
fn seen_by(identity: &Identity) -> Option<UserId> {
    (identity.role != Role::Admin).then_some(identity.user)
}

/// `GET /webhooks`: one's own and those of one's rooms.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let of = seen_by(&identity);
    let found = cx.state.reader.query(|tables| hooks::hooks(tables, of))?;
    ok(Object::new()
        .array("webhooks", found.iter().map(wire::hook))
        .end())
}

/// `POST /webhooks`: makes one.
pub(super) fn create(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let (secret, way) = match fields.text("direction")? {
        "incoming" => {
            let secret = Secret::fresh(SecretKind::Hook)?;
            let hash = secret.hash;
            (secret, HookWay::Incoming { hash })
        }
        "outgoing" => {
            courier(cx)?;
            let secret = Secret::fresh(SecretKind::Signature)?;
            let way = HookWay::Outgoing {
                url: HookUrl::parse("url", fields.text("url")?)?,
                events: events(fields)?,
                command: command(cx, fields)?,
                secret: secret.text.clone(),
            };
            (secret, way)
        }
        _ => return Err(wrong("direction", DIRECTIONS)),
    };
    let is_way_in = matches!(way, HookWay::Incoming { .. });
    let operation = Operation::CreateHook {
        name: fields
            .maybe_title("name")?
            .ok_or_else(|| Refusal::field("name", "`name` is missing: say what it is for."))?,
        room: fields.has("room").then(|| fields.room()).transpose()?,
        bot: fields.has("bot").then(|| fields.user("bot")).transpose()?,
        way,
    };
    let by = Some(identity.user);
    Ok(want(cx, by, None, operation, move |cx, made| {
        let Answer::Hook(id) = made.answer else {
            unreachable!("a hook was made");
        };
        let about = about(cx, &identity, id)?;
        let json = Object::new().json("webhook", &about);
        let json = match is_way_in {
            true => json.text("path", &format!("/hooks/{}", secret.text)),
            false => json.text("secret", &secret.text),
        };
        created(json.end())
    }))
}

/// Who sends what outgoing hooks are sent, if this server does.
fn courier<'a>(cx: &'a Cx<'_, Hall>) -> Result<&'a Courier, Refusal> {
    cx.state.courier.as_ref().ok_or_else(|| {
        let tell = "This server sends nothing to other servers.";
        Refusal::new(Code::NotSupported, tell)
    })
}

/// What a hook is to be sent, each once.
fn events(fields: Fields<'_>) -> Result<Vec<HookEvent>, Refusal> {
    let words = fields.maybe_texts("events")?.unwrap_or_default();
    let mut events = Vec::new();
    for word in words {
        match HookEvent::of(word) {
            Some(event) if event != HookEvent::Command => events.push(event),
            _ => return Err(wrong("events", EVENTS)),
        }
    }
    events.sort_by_key(|event| *event as u8);
    events.dedup();
    if events.is_empty() && !fields.has("command") {
        return Err(wrong("events", EVENTS));
    }
    Ok(events)
}

/// The command that is handed to a hook, which is none of the server's.
fn command(cx: &Cx<'_, Hall>, fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let Some(text) = fields.maybe_text("command")? else {
        return Ok(None);
    };
    let name = text.strip_prefix('/').unwrap_or(text).to_lowercase();
    if !slash::is_name(&name) || name.chars().count() > NAME_CHARS_MAX {
        return Err(wrong(
            "command",
            "a letter, and then letters, digits, `-` and `_`",
        ));
    }
    if cx.state.commands.find(&name).is_some() {
        let tell = format!("/{name} is a command of the server. Choose another.");
        return Err(Refusal::exists("command", tell));
    }
    Ok(Some(name))
}

/// A hook that somebody may change.
fn about(cx: &Cx<'_, Hall>, identity: &Identity, id: HookId) -> Result<String, Refusal> {
    find(cx, identity, id).map(|hook| wire::hook(&hook))
}

fn find(cx: &Cx<'_, Hall>, identity: &Identity, id: HookId) -> Result<Hook, Refusal> {
    let of = seen_by(identity);
    let found = cx
        .state
        .reader
        .query(|tables| hooks::hook(tables, of, id))?;
    let none = || Refusal::not_found(format!("There is no hook {} of yours.", id.0));
    found.ok_or_else(none)
}

/// The hook of the path.
fn number(cx: &Cx<'_, Hall>) -> Result<HookId, Refusal> {
    let text = segment(cx, "id")?;
    let id = text.parse().map(HookId);
    id.map_err(|_| Refusal::field("id", "`id` is no number of a hook."))
}

/// `GET /webhooks/{id}`.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let id = number(cx)?;
    let about = about(cx, &identity, id)?;
    ok(Object::new().json("webhook", &about).end())
}

/// `PATCH /webhooks/{id}`: lets it rest, or go on.
pub(super) fn change(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let hook = number(cx)?;
    let map = body(cx)?;
    let paused = Fields(&map).maybe_flag("paused")?;
    let paused = paused.ok_or_else(|| wrong("paused", "`true` or `false`"))?;
    let operation = Operation::PauseHook { hook, paused };
    let by = Some(identity.user);
    Ok(want(cx, by, None, operation, move |cx, _| {
        let about = about(cx, &identity, hook)?;
        ok(Object::new().json("webhook", &about).end())
    }))
}

/// `DELETE /webhooks/{id}`: takes it away, and the bot that was made for it.
pub(super) fn delete(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let hook = number(cx)?;
    let operation = Operation::DeleteHook { hook };
    Ok(want(cx, Some(identity.user), None, operation, |_, _| {
        done()
    }))
}

// ----------------------------------------------------------------------------- what it is sent

/// `GET /webhooks/{id}/deliveries`: what waits, and what was given up.
pub(super) fn deliveries(cx: &mut Cx<'_, Hall>) -> Answered {
    let id = outgoing(cx)?;
    let reader = &cx.state.reader;
    let found = reader.query(|tables| deliveries::deliveries(tables, id, LISTED_MAX))?;
    ok(Object::new()
        .array("deliveries", found.iter().map(wire::delivery))
        .end())
}

/// `POST /webhooks/{id}/redeliver`: what was given up is sent again, all of it or one.
pub(super) fn redeliver(cx: &mut Cx<'_, Hall>) -> Answered {
    let hook = outgoing(cx)?;
    let map = body(cx)?;
    let op = Fields(&map).maybe_long("id")?;
    let now = cx.house.now().unix_ms;
    let job = Wait::stored(&cx.state.database, move |tables| {
        deliveries::redeliver(tables, hook, op, now)
    });
    Ok(job.then(|_: &mut Cx<'_, Hall>, again| {
        settled(match again {
            Ok(count) => ok(Object::new().number("redelivered", count as u64).end()),
            Err(error) => Err(error.into()),
        })
    }))
}

/// `POST /webhooks/{id}/test`: sends something now, and tells what came of it.
pub(super) fn test(cx: &mut Cx<'_, Hall>) -> Answered {
    let hook = outgoing(cx)?;
    let now = cx.house.now();
    let name = format!("test of hook {}", hook.0);
    if let Err(wait) = cx.state.rates.note(&name, OF_TESTS, now.instant) {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let tell = "That was tried often just now. Try again in a moment.";
        return Err(Refusal::later(Code::TooMany, tell, ms));
    }
    let tested = courier::test(courier(cx)?, hook, now.unix_ms);
    Ok(tested.then(|_: &mut Cx<'_, Hall>, tested: Tested| {
        settled(match tested {
            Some(Ok(status)) => ok(Object::new().number("status", status).end()),
            Some(Err(why)) => ok(Object::new().text("error", &why).end()),
            None => Err(Refusal::forbidden(
                "This webhook is paused or given up. Let it go on first.",
            )),
        })
    }))
}

/// The outgoing hook of the path.
fn outgoing(cx: &Cx<'_, Hall>) -> Result<HookId, Refusal> {
    let identity = auth::identity(cx)?;
    let id = number(cx)?;
    let hook = find(cx, &identity, id)?;
    if hook.sends.is_none() {
        let tell = "This webhook is an incoming one: nothing is sent to it.";
        return Err(Refusal::not_found(tell));
    }
    Ok(id)
}

// --------------------------------------------------------------------------------- what is sent there

/// `POST /hooks/{secret}`: says something.
pub(in crate::site) fn say(cx: &mut Cx<'_, Hall>) -> Answered {
    let door = door(cx)?;
    let name = format!("hook {}", door.id.0);
    let now = cx.house.now().instant;
    if let Err(wait) = cx.state.rates.note(&name, OF_HOOK, now) {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let tell = "Too much was sent to this hook: one message a second is what it takes.";
        return Err(Refusal::later(Code::TooMany, tell, ms));
    }
    let media = cx.request.media_type();
    let said = slack::read(media.as_deref(), cx.request.body())?;
    let text = match said.username {
        // Whoever it is from is named where it is somebody else than the hook.
        Some(name) if !name.is_empty() && name != door.name.as_str() => {
            format!("**{name}**: {}", said.text)
        }
        _ => said.text,
    };
    let operation = Operation::Send {
        room: door.room,
        text: Text::parse("text", &text)?,
        reply_to: None,
        attachment: None,
        style: Style::Plain,
    };
    let key = idempotency_key(cx)?;
    Ok(want(cx, Some(door.bot), key, operation, |_, _| {
        Ok(Reply::of(Response::text("ok")))
    }))
}

/// The hook of the path, which somebody who does not know its secret may try to guess.
fn door(cx: &mut Cx<'_, Hall>) -> Result<Door, Refusal> {
    let hash = secret::hash(&segment(cx, "secret")?);
    let found = cx.state.reader.query(|tables| hooks::door(tables, &hash))?;
    let Some(door) = found else {
        super::tries::note(cx)?;
        let tell = "There is no such hook, or not any more. Ask who gave you this address.";
        return Err(Refusal::not_found(tell));
    };
    if door.paused {
        let tell = "This hook is paused: nothing was said. Ask an owner of its room.";
        return Err(Refusal::forbidden(tell));
    }
    Ok(door)
}
