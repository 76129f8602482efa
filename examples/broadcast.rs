//! Rooms by path: what one sends to `/room/{name}`, all in that room get, the sender included.
//!
//! `cargo run --example broadcast -- --listen 127.0.0.1:8080`

use std::collections::HashMap;
use std::process::ExitCode;

use parlour::http::{Response, Status};
use parlour::reactor::{Answer, App, Call, ConnId, Net, Request, Upgrade};
use parlour::ws::Message;

/// Where a connection sits: its room, and its place among the members there.
#[derive(Clone, Copy)]
struct Seat {
    room: usize,
    place: usize,
}

#[derive(Default)]
struct Broadcast {
    /// The members of each room. Rooms stay, and the number of names is not bounded: what an
    /// example may do, a server may not.
    rooms: Vec<Vec<ConnId>>,
    by_name: HashMap<String, usize>,
    /// By the connection's slot.
    seats: Vec<Option<Seat>>,
}

impl Broadcast {
    fn room(&mut self, name: &str) -> usize {
        if let Some(room) = self.by_name.get(name) {
            return *room;
        }
        self.rooms.push(Vec::new());
        self.by_name.insert(name.into(), self.rooms.len() - 1);
        self.rooms.len() - 1
    }
}

impl App for Broadcast {
    fn request(&mut self, _: Call, request: &Request<'_>, _: &mut Net) -> Answer {
        match request.head.path().strip_prefix("/room/") {
            Some(name) if !name.is_empty() => Answer::Upgrade(Upgrade::new(self.room(name) as u64)),
            _ => Response::refusal(Status::NOT_FOUND, "rooms are at /room/NAME").into(),
        }
    }

    fn opened(&mut self, id: ConnId, room: u64, _: &mut Net) {
        let room = room as usize;
        let members = &mut self.rooms[room];
        if self.seats.len() <= id.slot() {
            self.seats.resize(id.slot() + 1, None);
        }
        self.seats[id.slot()] = Some(Seat {
            room,
            place: members.len(),
        });
        members.push(id);
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        if let Some(seat) = self.seats[id.slot()] {
            net.broadcast(self.rooms[seat.room].iter().copied(), message);
        }
    }

    fn closed(&mut self, id: ConnId, _: Option<u16>, _: &mut Net) {
        let Some(seat) = self.seats[id.slot()].take() else {
            return;
        };
        let members = &mut self.rooms[seat.room];
        members.swap_remove(seat.place);
        if let Some(moved) = members.get(seat.place) {
            self.seats[moved.slot()] = Some(seat);
        }
    }
}

fn main() -> ExitCode {
    parlour::cli::example(
        "broadcast",
        "rooms by path, without the framework",
        Broadcast::default(),
    )
}
