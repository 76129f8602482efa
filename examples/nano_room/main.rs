//! The room that pomelo's and nano's clients talk in, as section 12 of the protocol describes it.
//!
//! `cargo run --example nano_room`, then connect a client to ws://127.0.0.1:3250/nano. With
//! `--static DIR` the pages of a folder are served beside it, with `--nano-tcp ADDR` the same room
//! straight over TCP.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;

use parlour::cli::Program;
use parlour::web::nano::{Component, Failure, Group, Handlers, Json, Nano, Play};
use parlour::web::{App, Cx, Tick};
use serde_json::{Value, json};

/// Bytes that came and went, as the pipelines see them.
#[derive(Clone, Default)]
struct Counts {
    inbound: Rc<Cell<u64>>,
    outbound: Rc<Cell<u64>>,
}

struct Room {
    group: Group,
}

impl Component<Counts> for Room {
    fn handlers(handlers: &mut Handlers<Self, Counts>) {
        handlers.on("Join", Self::join).on("Message", Self::message);
    }

    fn closed(&mut self, play: &mut Play<'_, Counts>) {
        let _ = self.group.leave(&mut play.house, play.id);
    }

    fn shutdown(&mut self, tick: &mut Tick<'_, Counts>) {
        let _ = self.group.close(&mut tick.house);
    }
}

impl Room {
    fn join(&mut self, play: &mut Play<'_, Counts>, _: Vec<u8>) -> Result<(), Failure> {
        let uid = i64::try_from(play.id.0).map_err(|error| error.to_string())?;
        if self.group.contains(&play.house, uid) {
            return Err("you are in the room already".into());
        }
        let members = self.group.members(&play.house);
        let mut session = play.session();
        session.bind(uid)?;
        session.push("onMembers", &json!({ "members": members }))?;
        let content = format!("New user: {uid}");
        self.group
            .broadcast(&mut play.house, "onNewUser", &json!({ "content": content }))?;
        self.group.add(&mut play.house, play.id)?;
        Ok(play
            .session()
            .response(&json!({ "code": 0, "result": "success" }))?)
    }

    fn message(&mut self, play: &mut Play<'_, Counts>, said: Json<Value>) -> Result<(), Failure> {
        let uid = play.session().uid();
        if !self.group.contains(&play.house, uid) {
            return Err("join the room before you speak".into());
        }
        Ok(self.group.broadcast(&mut play.house, "onMessage", &said)?)
    }
}

fn counts(cx: &mut Cx<'_, Counts>) -> String {
    let (inbound, outbound) = (cx.state.inbound.get(), cx.state.outbound.get());
    format!("inbound {inbound}\noutbound {outbound}\n")
}

fn room(counts: &Counts) -> Nano<Counts> {
    let (inbound, outbound) = (Rc::clone(&counts.inbound), Rc::clone(&counts.outbound));
    let group = Group::new("room");
    Nano::new()
        .component("room", Room { group })
        .lower_case()
        .inbound(move |_, passing| {
            inbound.set(inbound.get() + passing.data.len() as u64);
            Ok(())
        })
        .outbound(move |_, passing| {
            outbound.set(outbound.get() + passing.data.len() as u64);
            Ok(())
        })
}

fn main() -> ExitCode {
    Program::new("nano_room", "a room for pomelo's and nano's clients")
        .listens_at("127.0.0.1:3250")
        .option("static DIR", "", "Serve the files of this folder, too")
        .option(
            "nano-tcp ADDR",
            "",
            "Serve the room there straight over TCP",
        )
        .run(|args| {
            let state = Counts::default();
            let nano = room(&state);
            let mut app = App::new(state).nano("/nano", nano).get("/counts", counts);
            if !args.option("static").is_empty() {
                app = app.assets("/", args.option("static"));
            }
            let tcp = args.option("nano-tcp").to_owned();
            if !tcp.is_empty() {
                args.listen_also(format!("tcp:{tcp}").parse()?);
            }
            Ok::<_, String>(app)
        })
}
