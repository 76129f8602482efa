//! # Chat: the consumer at `/ws/chat/{group}`
//!
//! | a client sends | and then |
//! | --- | --- |
//! | `{"cate":"chat","group_name","message"}` | every connection in the group hears `{"type":"chat","group_name","display_name","message","from_user","date"}` |
//! | `{"cate":"notification","user_name","message"}` | every connection of that user, in whatever group, hears `{"type":"notification","message","from_user","date","id"}` |
//!
//! `display_name` is the group's, `date` is RFC 3339 in UTC. A client speaks only in the group that it
//! is connected to. What is wrong is told to its sender alone, as `{"type":"error","message"}`, and
//! the connection goes on.
//!
//! Promises
//! 1. What is heard was committed before. What could not be stored is heard by nobody.
//! 2. What one connection sends is stored and heard in the order in which it was sent. Only errors may
//!    come earlier than what was right.
//! 3. What was stored is heard even if its sender has gone.
//! 4. Without a session there is no connection: 403.

use parlour::http::Status;
use parlour::store::StoreError;
use parlour::store::rusqlite::Connection;
use parlour::web::{Connect, Consumer, Error, Event, Live, Scope, Wait};
use parlour::ws::Message;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kept::{self, Kept, Person};
use crate::rules::{self, MESSAGE_CHARS_MAX};

/// The longest message with each of its characters written as two `\uXXXX`, and the rest around it.
const MESSAGE_BYTES_MAX: usize = MESSAGE_CHARS_MAX * 12 + 1024;

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "cate", rename_all = "lowercase")]
#[serde(expecting = "an object with \"cate\", which is \"chat\" or \"notification\"")]
enum Command {
    Chat { group_name: String, message: String },
    Notification { user_name: String, message: String },
}

/// Who is to hear something.
enum Hearers {
    Group(String),
    /// Every connection of a user.
    User(String),
}

/// One connection: who it is, and where. The house knows whose it is, and ends that and its membership
/// when it ends.
#[derive(Default)]
pub(crate) struct Chat {
    user: String,
    group: String,
}

impl Consumer<Kept> for Chat {
    fn connect(&mut self, scope: &mut Scope<'_, Kept>) -> Connect {
        let Some(user) = scope.user() else {
            return Connect::Reject(Status::FORBIDDEN, "sign in first".to_owned());
        };
        self.user = user.to_owned();
        self.group = scope.request.param("group").unwrap_or_default();
        match rules::group_name(&self.group) {
            Ok(()) => Connect::Accept,
            Err(error) => Connect::Reject(error.status(), error.message().to_owned()),
        }
    }

    fn opened(&mut self, live: &mut Live<'_, Kept>) {
        if let Err(refusal) = live.join(&self.group) {
            live.close(1008, &refusal.to_string());
        }
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Kept>) {
        let done = match message {
            Message::Text(text) => self.obey(text, live),
            _ => Err(Error::bad_request("send JSON as text, not as bytes")),
        };
        if let Err(error) = done {
            live.send(wrong(error.message()).text());
        }
    }

    fn message_bytes_max(&self) -> usize {
        MESSAGE_BYTES_MAX
    }
}

impl Chat {
    fn obey(&self, text: &str, live: &mut Live<'_, Kept>) -> Result<(), Error> {
        let from = self.user.clone();
        match serde_json::from_str(text)? {
            Command::Chat {
                group_name: group,
                message,
            } => {
                if group != self.group {
                    return Err(Error::forbidden(format!(
                        "this connection is in the group {}: open /ws/chat/{{group}} for others",
                        self.group
                    )));
                }
                rules::message(&message)?;
                store_and_tell(live, move |connection| {
                    let event = kept::add_message(connection, &group, &from, &message)?;
                    Ok((Hearers::Group(group), event))
                });
            }
            Command::Notification { user_name, message } => {
                rules::message(&message)?;
                store_and_tell(live, move |connection| {
                    let unknown = || StoreError::NotFound("there is no user of this name".into());
                    let to = Person::find(connection, &user_name)?.ok_or_else(unknown)?;
                    let event = kept::add_notification(connection, &to, &from, &message)?;
                    Ok((Hearers::User(to.name), event))
                });
            }
        }
        Ok(())
    }
}

/// Has something stored. Once that is committed, those whom the job names hear the event that it gives;
/// otherwise only whoever sent it hears why not.
fn store_and_tell(
    live: &mut Live<'_, Kept>,
    job: impl FnOnce(&Connection) -> Result<(Hearers, Value), StoreError> + Send + 'static,
) {
    let sender = live.channel();
    let stored = Wait::stored(&live.state.database, job);
    live.house.wait(stored, move |tick, stored| {
        let why = match stored {
            Ok(Ok((hearers, event))) => {
                let event = Event::json(&event);
                return match hearers {
                    Hearers::Group(group) => tick.house.group_send(&group, &event),
                    Hearers::User(user) => tick.house.user_send(&user, &event),
                };
            }
            Ok(Err(StoreError::NotFound(why))) => why,
            Ok(Err(error)) => {
                log::error!("a message was not stored: {error}");
                "this could not be stored, so nobody has received it: try again".to_owned()
            }
            Err(busy) => format!("this was not stored: {busy}"),
        };
        tick.house.send(sender, &wrong(&why));
    });
}

fn wrong(why: &str) -> Event {
    Event::json(&json!({ "type": "error", "message": why }))
}
