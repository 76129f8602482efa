//! Chat rooms, each with its page, in forty lines: what the README builds from an empty folder.
//!
//! `cargo run --example rooms -- --listen 127.0.0.1:8080`, then open /room/kitchen in two windows.

use std::process::ExitCode;

use parlour::cli::Program;
use parlour::http::Response;
use parlour::web::{App, Connect, Consumer, Cx, Error, Event, Live, Scope};
use parlour::ws::Message;

#[derive(Default)]
struct Talker {
    room: String,
}

impl Consumer<()> for Talker {
    fn connect(&mut self, scope: &mut Scope<'_, ()>) -> Connect {
        self.room = scope.request.param("room").unwrap_or_default();
        Connect::Accept
    }

    fn opened(&mut self, live: &mut Live<'_, ()>) {
        if let Err(refusal) = live.join(&self.room) {
            live.close(1008, &refusal.to_string());
        }
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
        if let Message::Text(text) = message {
            live.house.group_send(&self.room, &Event::new("said", text));
        }
    }
}

fn page(_: &mut Cx<'_, ()>) -> Response {
    Response::html(include_str!("pages/rooms.html"))
}

fn main() -> ExitCode {
    let app = App::new(())
        .get("/", |_: &mut Cx<'_, ()>| {
            Response::redirect("/room/kitchen")
        })
        .get("/room/{room}", page)
        .consumer("/talk/{room}", Talker::default);
    Program::new("rooms", "chat rooms by path").run(|_| Ok::<_, Error>(app))
}
