//! A WebSocket echo at every path: `cargo run --example echo -- --listen 127.0.0.1:8080`.

use std::process::ExitCode;

use parlour::reactor::{Answer, App, Call, ConnId, Net, Request, Upgrade};
use parlour::ws::Message;

struct Echo;

impl App for Echo {
    fn request(&mut self, _: Call, _: &Request<'_>, _: &mut Net) -> Answer {
        Answer::Upgrade(Upgrade::new(0).message_bytes_max(16 << 20))
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        net.send(id, message);
    }
}

fn main() -> ExitCode {
    parlour::cli::example("echo", "says back what it hears", Echo)
}
