//! # OpenAPI: what the API takes and gives, for programs
//!
//! `GET /openapi.json`. Written by hand, in a table of operations and a file of shapes, and held to
//! be true: a test compares the table with the routes, and tests from outside hold each answer that
//! they get against the document.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::status;
use crate::chat::Code;
use crate::http::Method;

/// What bodies and answers look like.
const SCHEMAS: &str = include_str!("schemas.json");

/// One operation.
#[derive(Clone, Copy, Debug)]
struct Op {
    method: Method,
    path: &'static str,
    about: &'static str,
    /// Names in the query, and of which type they are.
    asks: &'static [(&'static str, &'static str)],
    /// The shape of the body.
    body: Option<&'static str>,
    /// Statuses of success, and the shapes of what is said then.
    gives: &'static [(u16, &'static str)],
    /// Why it may be refused, beside what [`Op::all_codes`] knows by itself.
    codes: &'static [Code],
    /// For those who are not signed in, too.
    open: bool,
    /// Takes `Idempotency-Key`.
    keyed: bool,
    /// Any text in its path may name something, and is found or not.
    any_path: bool,
    /// Any token is good for it.
    any_token: bool,
    /// What is no JSON is a file.
    any_media: bool,
}

const fn op(method: Method, path: &'static str, about: &'static str) -> Op {
    Op {
        method,
        path,
        about,
        asks: &[],
        body: None,
        gives: &[(204, "")],
        codes: &[],
        open: false,
        keyed: false,
        any_path: false,
        any_token: false,
        any_media: false,
    }
}

impl Op {
    const fn asks(mut self, asks: &'static [(&'static str, &'static str)]) -> Self {
        self.asks = asks;
        self
    }

    const fn takes(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    const fn gives(mut self, gives: &'static [(u16, &'static str)]) -> Self {
        self.gives = gives;
        self
    }

    const fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }

    const fn any_path(mut self) -> Self {
        self.any_path = true;
        self
    }

    const fn any_token(mut self) -> Self {
        self.any_token = true;
        self
    }

    const fn any_media(mut self) -> Self {
        self.any_media = true;
        self
    }

    /// Why it may be refused.
    fn all_codes(&self) -> Vec<Code> {
        // A body may come with anything, and be too long.
        let mut codes = vec![Code::Busy, Code::Storage, Code::Internal, Code::TooLong];
        if !self.open {
            codes.push(Unauthenticated);
        }
        // By who asks, by what their token is good for, or by which page asks for a browser.
        if self.method != Get || !(self.open || self.any_token) {
            codes.push(Forbidden);
        }
        if let Some(body) = self.body {
            codes.push(Code::BadField);
            codes.extend((!body.contains('/')).then_some(Code::BadJson));
        }
        if self.keyed {
            codes.extend([Code::BadField, Code::KeyReused]);
        }
        if !self.asks.is_empty() {
            codes.push(Code::BadField);
        }
        if self.path.contains('{') {
            codes.push(NotFound);
        }
        if self.path.contains('{') && !self.any_path {
            codes.push(Code::BadField);
        }
        codes.extend(self.codes);
        codes.sort_unstable_by_key(|code| (status(*code).code(), code.as_str()));
        codes.dedup();
        codes
    }

    fn written(&self) -> Value {
        let text = |name: &str, place: &str, kind: &str, required: bool| json!({"name": name, "in": place, "required": required, "schema": {"type": kind}});
        let mut parameters: Vec<Value> = self
            .path
            .split(['{', '}'])
            .skip(1)
            .step_by(2)
            .map(|name| text(name, "path", "string", true))
            .collect();
        parameters.extend(
            self.asks
                .iter()
                .map(|(name, kind)| text(name, "query", kind, false)),
        );
        if self.keyed {
            parameters.push(text("Idempotency-Key", "header", "string", false));
        }
        let mut written = json!({
            "summary": self.about,
            "parameters": parameters,
            "responses": self.responses(),
        });
        if let Some(body) = self.body {
            written["requestBody"] = json!({"content": content(body)});
        }
        if self.open {
            written["security"] = json!([]);
        }
        written
    }

    fn responses(&self) -> Value {
        let mut responses = Map::new();
        for (status, schema) in self.gives {
            let mut response = json!({"description": "Done."});
            if !schema.is_empty() {
                response["content"] = content(schema);
            }
            responses.insert(status.to_string(), response);
        }
        for codes in self
            .all_codes()
            .chunk_by(|one, next| status(*one) == status(*next))
        {
            let status = status(codes[0]).code().to_string();
            responses.insert(status, refusal(codes));
        }
        if self.all_codes().contains(&Code::BadJson) && !self.any_media {
            responses.insert("415".to_owned(), refusal(&[NotSupported]));
        }
        // Refused before anybody knows what it is about.
        let response = json!({
            "description": "The path with its query is too long.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        });
        responses.insert("414".to_owned(), response);
        responses.into()
    }
}

/// An answer that refuses for one of these reasons.
fn refusal(codes: &[Code]) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    json!({
        "description": format!("Refused: {}.", names.join(", ")),
        "x-codes": names,
        "content": content("Error"),
    })
}

/// JSON of a shape; a name with a slash is a media type of its own.
fn content(schema: &str) -> Value {
    if schema.contains('/') {
        return json!({(schema): {"schema": {"type": "string"}}});
    }
    json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}})
}

/// The document, written when somebody first asks for it: it takes longer than all else at a start.
pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(document);

fn document() -> String {
    let schemas: Value = serde_json::from_str(SCHEMAS).expect("a test reads it");
    let mut paths = Map::new();
    for op in OPS {
        let path = paths.entry(op.path).or_insert_with(|| json!({}));
        path[op.method.name().to_ascii_lowercase()] = op.written();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Parlour",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The chat over plain requests. What is unknown in a body is ignored; \
                            errors have one form, and their codes are listed with each answer.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": crate::site::auth::COOKIE},
            },
        },
    })
    .to_string()
}

use Code::{Exists, Forbidden, Gone, NotAMember, NotFound, NotSupported, TooMany, Unauthenticated};
use Method::{Delete, Get, Patch, Post, Put};

/// What an operation in a room may be refused for.
const IN_ROOM: &[Code] = &[NotAMember, Forbidden];

/// What one may be refused for who comes into a room, or has somebody come.
const ENTERING: &[Code] = &[NotAMember, Forbidden, TooMany];

/// What an operation on a message may be refused for.
const ON_MESSAGE: &[Code] = &[NotAMember, Forbidden, Gone];

/// All operations.
#[rustfmt::skip] // a table
const OPS: &[Op] = &[
    op(Get, "/openapi.json", "This document.").gives(&[(200, "Document")]).open(),
    // ---------------------------------------------------------------------------- accounts
    op(Post, "/users", "Signs up, and in; with a role, an admin makes an account for somebody else.")
        .takes("NewAccount").gives(&[(201, "SignedIn")]).codes(&[Exists, TooMany, Unauthenticated]).open(),
    op(Get, "/users", "People by name, or those whose name or display name begins with `query`.")
        .asks(&[("query", "string"), ("after", "string"), ("limit", "integer")]).gives(&[(200, "Users")]),
    op(Get, "/users/{name}", "Somebody.").gives(&[(200, "User")]),
    op(Patch, "/users/{name}", "An admin changes one thing about somebody.")
        .takes("ChangedAccount").gives(&[(200, "Account")]),
    op(Delete, "/users/{name}", "Forgets somebody, with `messages` also what they said.")
        .asks(&[("messages", "boolean")]),
    op(Post, "/users/{name}/tokens", "An admin makes a token for somebody, such as a program.")
        .takes("NewToken").gives(&[(201, "SignedIn")]),
    op(Delete, "/users/{name}/tokens", "An admin signs somebody out everywhere."),
    op(Post, "/users/{name}/reset", "An admin makes a link with which somebody chooses a new password, once.")
        .gives(&[(201, "Link")]),
    op(Post, "/resets", "Chooses a new password with such a link.")
        .takes("Reset").codes(&[NotFound, TooMany]).open(),
    op(Get, "/settings", "What a page for signing in has to know.").gives(&[(200, "Settings")]).open(),
    op(Patch, "/settings", "An admin says who may sign up, and what the server is called.")
        .takes("ChangedSettings").gives(&[(200, "Settings")]),
    op(Get, "/invites", "Invite codes: one's own, an admin's everybody's; the newest first.")
        .asks(&[("before", "integer"), ("limit", "integer")]).gives(&[(200, "Invites")]),
    op(Post, "/invites", "Makes an invite code, perhaps into a room.")
        .takes("NewInvite").gives(&[(201, "MadeInvite")]).codes(&[NotFound, NotAMember, TooMany]),
    op(Delete, "/invites/{number}", "Ends an invite code."),
    op(Get, "/me", "Who asks, and with which token.").gives(&[(200, "Me")]).any_token(),
    op(Patch, "/me", "Changes one's profile; `null` takes the picture away.")
        .takes("Profile").gives(&[(200, "Account")]).codes(&[NotFound]),
    op(Put, "/me/password", "Changes one's password. All other tokens end.")
        .takes("NewPassword").codes(&[TooMany]),
    op(Put, "/me/presence", "How one is seen who listens to events with this token.").takes("Presence"),
    op(Post, "/tokens", "Signs in.")
        .takes("SignIn").gives(&[(201, "SignedIn")]).codes(&[Unauthenticated, TooMany]).open(),
    op(Get, "/tokens", "One's tokens, and when each was used last, to the hour.").gives(&[(200, "Tokens")]),
    op(Delete, "/tokens", "Signs out everywhere; with `keep=current` everywhere else.").asks(&[("keep", "string")]),
    op(Delete, "/tokens/current", "Signs out.").any_token(),
    op(Delete, "/tokens/{id}", "Signs another device out.").any_path(),
    // ----------------------------------------------------------------------------- uploads
    op(Post, "/uploads", "Keeps a file: in a form, in the field `file`, or as the body.")
        .asks(&[("name", "string")]).takes("*/*").gives(&[(201, "Upload")]).codes(&[NotSupported, TooMany, Exists]),
    op(Get, "/uploads/{id}/{name}", "A file.").gives(&[(200, "*/*"), (206, "*/*"), (304, "")]).codes(&[NotAMember, NotSupported]).any_path(),
    // ------------------------------------------------------------------------------- rooms
    op(Get, "/rooms", "Rooms that one may see, by name; for an admin with `all` also private ones.")
        .asks(&[("after", "string"), ("limit", "integer"), ("all", "boolean")]).gives(&[(200, "Rooms")]).codes(&[Forbidden]),
    op(Post, "/rooms", "Makes a room.")
        .takes("NewRoom").gives(&[(201, "Room"), (200, "Room")]).codes(&[Exists, TooMany]).keyed(),
    op(Post, "/dms", "The direct room of these people.")
        .takes("Direct").gives(&[(200, "Room")]).codes(&[NotFound, TooMany]).keyed(),
    op(Get, "/rooms/{room}", "A room.").gives(&[(200, "Room")]),
    op(Patch, "/rooms/{room}", "Changes a room.")
        .takes("ChangedRoom").gives(&[(200, "Room")]).keyed(),
    op(Delete, "/rooms/{room}", "Takes a room away.").gives(&[(204, ""), (200, "Repeat")]).keyed(),
    op(Get, "/rooms/{room}/members", "Who is in a room.")
        .asks(&[("after", "integer"), ("limit", "integer")]).gives(&[(200, "Members")]),
    op(Put, "/rooms/{room}/members/{user}", "Joins (`me`) or invites; with a body, says what a member may do.")
        .takes("Member").gives(&[(204, ""), (200, "Entered")]).codes(ENTERING).keyed(),
    op(Delete, "/rooms/{room}/members/{user}", "Leaves (`me`) or removes.")
        .gives(&[(204, ""), (200, "Repeat")]).codes(IN_ROOM).keyed(),
    op(Get, "/rooms/{room}/bans", "Who is banned from a room, for those who keep order there.")
        .asks(&[("after", "integer"), ("limit", "integer")]).gives(&[(200, "Bans")]).codes(&[Forbidden]),
    op(Put, "/rooms/{room}/bans/{user}", "Removes somebody for good, with `messages` also what they said there.")
        .asks(&[("messages", "boolean")]).gives(&[(204, ""), (200, "Repeat")]).keyed(),
    op(Delete, "/rooms/{room}/bans/{user}", "Lets somebody come again.")
        .gives(&[(204, ""), (200, "Repeat")]).keyed(),
    op(Post, "/rooms/{room}/typing", "Tells others that one types, which holds for some seconds.").codes(&[NotAMember]),
    op(Put, "/rooms/{room}/read", "Everything up to there is read.")
        .takes("UpTo").gives(&[(200, "Read")]).codes(IN_ROOM).keyed(),
    op(Put, "/rooms/{room}/level", "What one wants to be told of.")
        .takes("Level").gives(&[(204, ""), (200, "Repeat")]).codes(IN_ROOM).keyed(),
    // ---------------------------------------------------------------------------- messages
    op(Get, "/rooms/{room}/messages", "A page of what was said: the latest, or by one of the numbers.")
        .asks(&[("before", "integer"), ("after", "integer"), ("around", "integer"), ("limit", "integer")])
        .gives(&[(200, "Messages")]).codes(&[NotAMember]),
    op(Post, "/rooms/{room}/messages", "Says something, or has a command done.")
        .takes("NewMessage").gives(&[(201, "Sent"), (200, "SentOrDone")]).codes(ENTERING).keyed(),
    op(Get, "/rooms/{room}/messages/{seq}", "One message.").gives(&[(200, "Message")]).codes(&[NotAMember]),
    op(Patch, "/rooms/{room}/messages/{seq}", "Says it differently.")
        .takes("Text").gives(&[(200, "Changed")]).codes(ON_MESSAGE).keyed(),
    op(Delete, "/rooms/{room}/messages/{seq}", "Takes it back.").gives(&[(200, "Changed")]).codes(ON_MESSAGE).keyed(),
    op(Put, "/rooms/{room}/messages/{seq}/reactions/{emoji}", "Reacts.")
        .gives(&[(200, "Changed")]).codes(&[NotAMember, Forbidden, Gone, TooMany]).keyed(),
    op(Delete, "/rooms/{room}/messages/{seq}/reactions/{emoji}", "Takes a reaction back.")
        .gives(&[(200, "Changed")]).codes(ON_MESSAGE).keyed(),
    // ------------------------------------------------------------- notifications and the rest
    op(Get, "/notifications", "What one is to know, the newest first.")
        .asks(&[("before", "integer"), ("limit", "integer")]).gives(&[(200, "Notifications")]),
    op(Post, "/notifications", "Lets somebody know something.")
        .takes("NewNotification").gives(&[(201, "Noted"), (200, "Noted")]).codes(&[NotFound]).keyed(),
    op(Put, "/notifications/{id}/seen", "Everything up to this one was seen.").gives(&[(200, "Unread")]).keyed(),
    // -------------------------------------------------------------------------------- hooks
    op(Get, "/webhooks", "One's webhooks and those of one's rooms; an admin's everybody's.").gives(&[(200, "Webhooks")]),
    op(Post, "/webhooks", "Connects a program to a room. The secret is said this once.")
        .takes("NewWebhook").gives(&[(201, "MadeWebhook")]).codes(&[NotFound, TooMany, NotSupported, Exists]),
    op(Get, "/webhooks/{id}", "A webhook.").gives(&[(200, "OneWebhook")]),
    op(Patch, "/webhooks/{id}", "Lets a webhook rest, or go on.").takes("ChangedWebhook").gives(&[(200, "OneWebhook")]),
    op(Delete, "/webhooks/{id}", "Takes a webhook away, and the bot that was made for it."),
    op(Get, "/webhooks/{id}/deliveries", "What of an outgoing webhook waits, and what was given up.").gives(&[(200, "Deliveries")]),
    op(Post, "/webhooks/{id}/redeliver", "What was given up is sent again: all of it, or one.")
        .takes("Redelivery").gives(&[(200, "Redelivered")]),
    op(Post, "/webhooks/{id}/test", "Sends something now, and tells what came of it.")
        .gives(&[(200, "Tested")]).codes(&[TooMany, NotSupported]),
    op(Post, "/hooks/{secret}", "Says something in a webhook's room: Slack's JSON, a form with `payload`, or plain text.")
        .takes("*/*").gives(&[(200, "text/plain")]).codes(&[Code::BadJson, NotAMember, TooMany]).open().keyed().any_path(),
    op(Get, "/search", "Messages by their words.")
        .asks(&[("query", "string"), ("room", "string"), ("limit", "integer")])
        .gives(&[(200, "Hits")]).codes(&[NotFound, NotAMember]),
    op(Get, "/commands", "What can be done by a text that begins with `/`, in a room or anywhere.")
        .asks(&[("room", "string")]).gives(&[(200, "Commands")]).codes(&[NotFound, NotAMember]),
    // --------------------------------------------------------------------------- documents
    op(Get, "/docs", "Documents that questions are answered from: the server's or a room's, by their sources.")
        .asks(&[("room", "string"), ("after", "string"), ("limit", "integer")])
        .gives(&[(200, "Documents")]).codes(&[Forbidden, NotFound, NotAMember, NotSupported]),
    op(Post, "/docs", "Keeps a document: as JSON, or as a file, in a form in the field `file` or as the body.")
        .asks(&[("room", "string"), ("source", "string"), ("title", "string"), ("format", "string")])
        .takes("*/*").gives(&[(201, "Doc"), (200, "Doc")]).codes(&[Code::BadJson, NotFound, NotAMember, NotSupported]).any_media(),
    op(Get, "/docs/search", "Answers a question: a quote and where it stands, and what else was found.")
        .asks(&[("q", "string"), ("room", "string"), ("limit", "integer")])
        .gives(&[(200, "Found")]).codes(&[NotFound, NotAMember, NotSupported]),
    op(Delete, "/docs/{id}", "Forgets a document.").codes(&[NotSupported]),
    op(Get, "/events", "Server-Sent Events; with `wait`, one answer when there is something.")
        .asks(&[("rooms", "string"), ("since", "string"), ("wait", "integer"), ("limit", "integer"), ("durable", "boolean")])
        .gives(&[(200, "Events")]).codes(&[Gone, TooMany]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_route_is_told_and_nothing_else() {
        let routes = super::super::routes();
        let routes: BTreeSet<_> = routes
            .patterns()
            .map(|(method, path)| format!("{method} {path}"))
            .collect();
        let told: BTreeSet<_> = OPS
            .iter()
            .map(|op| format!("{} {}", op.method, op.path))
            .collect();
        let lacks: Vec<_> = routes.symmetric_difference(&told).collect();
        assert!(lacks.is_empty(), "only in one of both: {lacks:?}");
        assert_eq!(told.len(), OPS.len(), "one is told twice");
    }

    #[test]
    fn each_shape_is_there_and_used() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut used = BTreeSet::new();
        for piece in text.split("\"#/components/schemas/").skip(1) {
            let name = piece.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "there is no {name}");
            used.insert(name.to_owned());
        }
        let known: BTreeSet<_> = schemas.keys().cloned().collect();
        assert_eq!(used, known);
        let written = SCHEMAS.lines().filter(|line| line.starts_with("  \""));
        assert_eq!(written.count(), known.len(), "two shapes have one name");
    }
}
