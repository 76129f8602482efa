//! # Faults: what goes wrong, and another process that writes

use super::{Event, UNIX_MS, World};
use crate::chat::{Entry, Operation, RoomName, Style, Text, TokenId, Tokens, UserId, UserName};
use crate::sim::chat::town::LIVES;
use crate::sim::chat::wishes;

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let fault_ms = self.fault_ms;
        self.soon(fault_ms * 2, Event::Fault);
        match self.chance.below(12) {
            0..=3 => {
                let device = self.chance.below(self.devices.len() as u64) as usize;
                let Some(peer) = self.places[device].peer else {
                    return;
                };
                self.trace.note("is cut", device, peer as u64);
                self.peers[peer].wire.left = true;
                // Half of the time the server is not told.
                if self.chance.once_in(2) {
                    self.peers[peer].wire.sever(self.now);
                    self.at(self.now, Event::Arrive(peer));
                }
                self.lost(peer);
            }
            4 => self.kill(),
            5 => {
                self.at(self.now, Event::Fill(true));
                self.soon(3000, Event::Fill(false));
            }
            6 => self.town.doom(),
            7 => {
                self.at(self.now, Event::Jam(true));
                self.soon(1000, Event::Jam(false));
            }
            8..=10 => self.outside(),
            // A slow connection.
            _ => {
                let peer = self.chance.below(self.peers.len() as u64 + 1) as usize;
                if let Some(peer) = self.peers.get_mut(peer) {
                    peer.take_max = 100;
                    peer.take_ms = 100;
                }
            }
        }
    }

    /// Another process stores something.
    pub(super) fn outside(&mut self) {
        self.wishes += 1;
        let model = &self.town.model;
        let which = self.chance.below(model.people.len() as u64) as usize;
        let person = model.people[which].clone();
        let text = Text::trusted(format!("#{} from outside", self.wishes));
        let mut by = None;
        let operation = match self.chance.below(8) {
            0..=2 => {
                let to = UserName::trusted(person.name);
                Operation::Notify { to, text }
            }
            3 => {
                let device = self.chance.below(self.devices.len() as u64) as usize;
                let it = &self.devices[device];
                if it.life + 1 >= LIVES {
                    return;
                }
                Operation::RevokeTokens {
                    user: UserName::trusted(it.name.clone()),
                    which: Tokens::One(TokenId(it.tokens[it.life])),
                }
            }
            _ => {
                by = Some(UserId(person.id));
                let room = wishes::some_room(model, &mut self.chance, person.id);
                Operation::Send {
                    room: RoomName::trusted(room),
                    text,
                    reply_to: None,
                    attachment: None,
                    style: Style::Plain,
                }
            }
        };
        self.trace.note("outside", which, self.wishes);
        self.town.store_beside(Entry {
            by,
            at: UNIX_MS + self.now,
            key: None,
            random: [0; 16],
            outside: true,
            operation,
        });
    }
}
