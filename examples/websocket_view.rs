//! One view for a page and for the WebSocket of the same path.
//!
//! `cargo run --example websocket_view -- --listen 127.0.0.1:8080`, then open it: the page talks to
//! the view that made it. `/only` is for WebSockets alone: a plain request gets 400 there.
//!
//! A view is called for a plain request without a WebSocket, and for a WebSocket with its handle: when
//! it opens, whenever something has arrived, and when it has closed. The loop over `messages()` is a
//! loop over *what has arrived*, so nobody waits in it for the next message, and ten thousand
//! visitors cost no threads.

use std::process::ExitCode;

use parlour::cli::Program;
use parlour::http::Response;
use parlour::web::{App, Cx, Error, Reply, accept_websocket, require_websocket};

const PAGE: &str = include_str!("pages/websocket_view.html");

/// How often this program was spoken to.
#[derive(Default)]
struct Heard(u64);

fn echo(cx: &mut Cx<'_, Heard>) -> Reply<Heard> {
    let Some(socket) = cx.request.websocket() else {
        return Reply::of(Response::html(PAGE));
    };
    for message in socket.messages() {
        cx.state.0 += 1;
        socket.write(message);
    }
    Reply::Nothing
}

fn count(cx: &mut Cx<'_, Heard>) -> Reply<Heard> {
    let Some(socket) = cx.request.websocket() else {
        return Reply::of(Error::bad_request("a guard stands before this"));
    };
    let arrived = socket.count_messages();
    for _ in socket.messages() {
        cx.state.0 += 1;
        socket.write(format!("{arrived} arrived now, {} in all", cx.state.0));
    }
    Reply::Nothing
}

fn main() -> ExitCode {
    Program::new("websocket_view", "one view for a page and its WebSocket").run(|_| {
        Ok::<_, Error>(
            App::new(Heard::default())
                .get("/", accept_websocket(echo))
                .get("/only", require_websocket(count)),
        )
    })
}
