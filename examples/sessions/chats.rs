//! Chats: starting one, joining, talking, and hearing what is said.

use parlour::http::{Representation, Response};
use parlour::web::{Connect, Consumer, Cx, Error, Event, Live, Reply, Scope, Wait};
use parlour::ws::Message;
use serde_json::{Value, json};

use crate::accounts::{Answer, who};
use crate::input::{Input, Wrong};
use crate::store::{self, User};
use crate::{Chat, hubot, tokens};

/// Members that a chat may have.
const MEMBERS_MAX: usize = 500;

/// Messages that its history tells; older ones are kept and not told.
const HISTORY_MAX: usize = 500;

/// What a message may measure.
const MESSAGE_CHARS_MAX: usize = 2000;

/// Characters of a chat's address.
const URI_CHARS: usize = 15;

/// `POST /api/chats/`
pub(crate) fn create(cx: &mut Cx<'_, Chat>) -> Answer {
    let owner = who(cx)?;
    let mut uri = tokens::random_hex::<8>();
    uri.truncate(URI_CHARS);
    let answer = json!({
        "status": "SUCCESS",
        "uri": uri,
        "message": "New chat session created",
    });
    let stored = Wait::stored(&cx.state.database, move |connection| {
        connection.execute(
            "INSERT INTO chats (uri, owner) VALUES (?, ?)",
            (uri, owner.id),
        )?;
        let chat = connection.last_insert_rowid();
        connection.execute(
            "INSERT INTO members (chat, user) VALUES (?, ?)",
            (chat, owner.id),
        )?;
        Ok(())
    });
    Ok(stored.then(|_, stored| stored.map(|()| answer)))
}

/// The chat that the path names.
fn named(cx: &Cx<'_, Chat>) -> Result<(i64, String), Error> {
    let uri: String = cx.request.param("uri")?;
    let found = cx
        .state
        .reader
        .query(|connection| store::chat(connection, &uri))?;
    Ok((found.ok_or_else(Error::not_found)?, uri))
}

/// Who asks, the chat's id and its address, if they are a member.
fn member(cx: &Cx<'_, Chat>) -> Result<(User, i64, String), Error> {
    let user = who(cx)?;
    let (chat, uri) = named(cx)?;
    let reader = &cx.state.reader;
    match reader.query(|connection| store::is_member(connection, chat, user.id))? {
        true => Ok((user, chat, uri)),
        false => Err(forbidden()),
    }
}

fn forbidden() -> Error {
    Error::forbidden("You do not have permission to perform this action.")
}

/// `PATCH /api/chats/URI/`: oneself joins, or a member adds somebody.
pub(crate) fn join(cx: &mut Cx<'_, Chat>) -> Answer {
    let asks = who(cx)?;
    let (chat, _) = named(cx)?;
    let mut wrong = Wrong::default();
    let username = Input::of(cx.request)?.wanted("username", &mut wrong);
    if !wrong.is_nothing() {
        return Ok(Reply::of(wrong.response()));
    }
    if username != asks.username {
        member(cx)?;
    }
    let found = cx
        .state
        .reader
        .query(|connection| store::user_by_name(connection, &username))?;
    let Some(user) = found else {
        let wrong = Wrong::with("username", "There is nobody with that username.");
        return Ok(Reply::of(wrong.response()));
    };
    let id = user.id;
    let joined = Wait::stored(&cx.state.database, move |connection| {
        let members = store::members(connection, chat)?;
        if members.len() >= MEMBERS_MAX || members.iter().any(|member| member.id == id) {
            return Ok(members);
        }
        connection.execute("INSERT INTO members (chat, user) VALUES (?, ?)", (chat, id))?;
        store::members(connection, chat)
    });
    Ok(joined.then(move |_, members| {
        let members = members?;
        if !members.iter().any(|member| member.id == id) {
            return Ok(Wrong::with("non_field_errors", "This chat is full.").response());
        }
        let answer = json!({
            "status": "SUCCESS",
            "members": members.iter().map(User::json).collect::<Vec<_>>(),
            "message": format!("{} joined the chat", user.username),
            "user": user.json(),
        });
        Ok::<_, Error>(Response::json(answer.to_string()))
    }))
}

/// A message as it is told, in the history and over the WebSocket.
fn told(user: &User, text: &str) -> Value {
    json!({ "user": user.json(), "message": text })
}

/// `GET /api/chats/URI/messages/`. Asked twice a second and mostly for nothing: whoever has the last
/// message already costs three look-ups by key and an answer without a body.
///
/// With `?after=ID` there is only what was said behind that message, and `last` says what to ask for
/// the next time. That is ours; it is how our page shows every message once.
pub(crate) fn history(cx: &mut Cx<'_, Chat>) -> Result<Response, Error> {
    let (_, chat, uri) = member(cx)?;
    let after = cx.request.query("after").map(|after| after.parse::<i64>());
    let after = after
        .transpose()
        .map_err(|_| Error::bad_request("after has to be the number of a message."))?;
    let (head, now) = (cx.request.head(), cx.house.now());
    // One query, so that the last message is the last of those that are told.
    let mut response = cx.state.reader.query(|connection| {
        let last = store::last_message(connection, chat)?;
        // What is said is never changed, nor are people, so the last message's id tells all.
        let etag = format!("\"{chat}-{last}\"");
        let known = Representation {
            length: 0,
            content_type: "application/json",
            etag: Some(&etag),
            last_modified_s: None,
        };
        if let Some(response) = known.answer_without(&head, now.unix_ms) {
            return Ok(response);
        }
        let said = store::messages(connection, chat, after.unwrap_or(0), HISTORY_MAX)?;
        let messages: Vec<Value> = said.iter().map(|(user, text)| told(user, text)).collect();
        let mut body = json!({ "id": chat, "uri": uri, "messages": messages });
        if after.is_some() {
            body["last"] = last.into();
        }
        Ok(Response::json(body.to_string()).field("ETag", &etag))
    })?;
    response.push_field("Cache-Control", b"private, no-cache");
    response.vary("Authorization");
    Ok(response)
}

/// `POST /api/chats/URI/messages/`
pub(crate) fn say(cx: &mut Cx<'_, Chat>) -> Answer {
    let (user, chat, uri) = member(cx)?;
    let mut wrong = Wrong::default();
    let text = Input::of(cx.request)?.wanted("message", &mut wrong);
    wrong.unless(
        text.chars().count() <= MESSAGE_CHARS_MAX,
        "message",
        "Ensure this field has no more than 2000 characters.",
    );
    if !wrong.is_nothing() {
        return Ok(Reply::of(wrong.response()));
    }
    let answer = json!({
        "status": "SUCCESS",
        "uri": uri,
        "message": text,
        "user": user.json(),
    });
    let stored = Wait::stored(&cx.state.database, move |connection| {
        store::add_message(connection, chat, user.id, &text)?;
        let mut said = vec![told(&user, &text)];
        if let Some(question) = text.strip_prefix('/') {
            let (bot, text) = hubot::answer(connection, question)?;
            store::add_message(connection, chat, bot.id, &text)?;
            said.push(told(&bot, &text));
        }
        Ok(said)
    });
    // Jobs come back in the order in which they were stored, so everybody hears that order.
    Ok(stored.then(move |cx: &mut Cx<'_, Chat>, stored| {
        for message in stored? {
            let event = Event::new("message", message.to_string());
            cx.house.group_send(&uri, &event);
        }
        Ok::<_, Error>(answer)
    }))
}

/// Somebody who listens to a chat.
#[derive(Default)]
pub(crate) struct Listener {
    uri: String,
}

impl Consumer<Chat> for Listener {
    fn connect(&mut self, scope: &mut Scope<'_, Chat>) -> Connect {
        match named(scope) {
            Ok((_, uri)) => {
                self.uri = uri;
                Connect::Accept
            }
            Err(error) => Connect::Reject(error.status(), "There is no such chat.".to_owned()),
        }
    }

    fn opened(&mut self, live: &mut Live<'_, Chat>) {
        if let Err(refusal) = live.join(&self.uri) {
            live.close(1008, &refusal.to_string());
        }
    }

    /// Who wants to say something posts it.
    fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, Chat>) {}

    fn message_bytes_max(&self) -> usize {
        4096
    }
}
