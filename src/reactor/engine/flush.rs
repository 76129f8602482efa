//! # Flush: what was said in a turn leaves
//!
//! Everything that was queued in a turn is written at its end, with one call for each connection.

use std::io::{self, ErrorKind, IoSlice};

use super::{Effect, Engine};
use crate::reactor::app::App;
use crate::reactor::net::{Notice, named};
use crate::reactor::stage::Stage;
use crate::reactor::token::{Call, ConnId};

impl<A: App> Engine<A> {
    /// Writes everything that the turn has to say: `write` is called once for each connection that
    /// has something, again while it takes all that it is given.
    pub fn flush(&mut self, mut write: impl FnMut(ConnId, &[IoSlice<'_>]) -> io::Result<usize>) {
        let mut dirty = std::mem::take(&mut self.net.dirty);
        for id in dirty.drain(..) {
            let now = self.net.now.instant;
            let Some(connection) = self.net.get_mut(id) else {
                continue;
            };
            connection.dirty = false;
            let mut broken = false;
            while !connection.outbox.is_empty() && !connection.blocked && !broken {
                let mut offered = 0;
                let written = connection.outbox.show(|slices| {
                    offered = slices.iter().map(|slice| slice.len()).sum();
                    write(id, slices)
                });
                match written {
                    Ok(0) => broken = true,
                    Ok(sent) => {
                        connection.outbox.advance(sent);
                        connection.moved = now;
                        // A short write means that the transport is full: asking again is a
                        // system call that says just that.
                        connection.blocked = sent < offered;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        connection.blocked = true;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => broken = true,
                }
            }
            if broken {
                self.failed(id);
            } else {
                self.has_spoken(id);
            }
        }
        // What was said meanwhile, by apps that were told of it, waits for the next turn.
        dirty.append(&mut self.net.dirty);
        self.net.dirty = dirty;
        self.net.blocks.end_turn();
        self.net.shared.end_turn();
        self.tell_notices();
    }

    /// What was queued has left, or all of it that the transport takes now.
    #[inline]
    fn has_spoken(&mut self, id: ConnId) {
        let pause_bytes = self.net.settings.pause_bytes;
        let now = self.net.now.instant;
        let Some(connection) = named(&mut self.net.connections, id) else {
            return;
        };
        // As it nearly always is when a room was spoken to.
        if matches!(connection.stage, Stage::WebSocket(_))
            && !(connection.blocked | connection.paused | connection.full)
        {
            return;
        }
        if connection.full {
            connection.look_for_room(id, &self.net.settings, &mut self.net.notices);
        }
        if connection.blocked {
            connection.outbox.settle();
            self.net.arm(id);
            return;
        }
        if let Stage::Closing(closing) = &mut connection.stage
            && !closing.shut
        {
            closing.shut = true;
            connection.since = now;
            if connection.ended {
                self.bury(id, Effect::Close(id));
            } else {
                self.net.effects.push(Effect::HalfClose(id));
                self.net.arm(id);
            }
            return;
        }
        if connection.paused && connection.may_go_on(pause_bytes) {
            self.net.ready.push(id);
        } else if connection.full {
            connection.full = false;
            if let Stage::Http(http) = &connection.stage {
                let call = Call {
                    id,
                    number: http.number,
                };
                self.net.notices.push_back(Notice::Drained(call));
            }
        }
    }
}
