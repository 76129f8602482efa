//! # Messages: what is said to WebSockets

use slab::Slab;

use super::{Net, Notice, Sent, named};
use crate::reactor::connection::Connection;
use crate::reactor::outbox::{Blocks, Piece};
use crate::reactor::stage::{Hearing, Stage, WebSocket};
use crate::reactor::token::ConnId;
use crate::ws::{self, Message};

/// The close code for what went wrong on this side.
const OUR_FAULT: u16 = 1011;

impl Net {
    /// Says `message` to the WebSocket `id`, also if it is deaf to broadcasts: then enough is
    /// [`Full`](Sent::Full).
    #[inline]
    pub fn send(&mut self, id: ConnId, message: Message<'_>) -> Sent {
        let Self {
            connections,
            blocks,
            deflate,
            seed,
            ..
        } = self;
        let Some(socket) = open_socket(connections, id) else {
            return self.send_plain(id, message.bytes());
        };
        let is_deaf = socket.hearing != Hearing::All;
        let (_, piece) = blocks.write(|out| socket.session.send(message, deflate, seed, out));
        match piece.map_or(Sent::Gone, |piece| {
            self.push_within_budget(id, &piece, None)
        }) {
            Sent::Queued if is_deaf => self.fill(id),
            sent => sent,
        }
    }

    /// Says `message` to every WebSocket of `ids` that is not deaf. It is encoded once for all of
    /// them, and once more for each window size among those who take it compressed.
    pub fn broadcast(&mut self, ids: impl IntoIterator<Item = ConnId>, message: Message<'_>) {
        self.broadcast_numbered(ids, message, 0);
    }

    /// [`broadcast`](Self::broadcast), with a number by which the app knows this message again if it
    /// is the first that a reader misses. Where numbers grow from one broadcast to the next, a reader
    /// that fell behind has been given all that is below the number it is told, and nothing from
    /// there on.
    pub fn broadcast_numbered(
        &mut self,
        ids: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
        number: u64,
    ) {
        let policy = *self.deflate.policy();
        let compress = policy.enabled && message.bytes().len() >= policy.bytes_min;
        let mut plain: Option<Piece> = None;
        let mut bare: Option<Piece> = None;
        let mut deflated: [Option<Piece>; 16] = Default::default();
        for id in ids {
            let Self {
                connections,
                shared,
                deflate,
                ..
            } = self;
            let Some(WebSocket {
                session,
                hearing: Hearing::All,
                ..
            }) = open_socket(connections, id)
            else {
                let bytes = message.bytes();
                if is_plain(connections, id) && !bytes.is_empty() {
                    let encode_bare = || encode(shared, |out| out.extend_from_slice(bytes));
                    let piece = bare.get_or_insert_with(encode_bare);
                    self.push_within_budget(id, piece, Some(number));
                }
                continue;
            };
            let encoded = match session
                .agreed()
                .filter(|_| compress)
                .map(|_| session.shared_bits())
            {
                None => plain.get_or_insert_with(|| encode(shared, |out| ws::frame(message, out))),
                Some(Some(bits)) => deflated[usize::from(bits & 15)].get_or_insert_with(|| {
                    encode(shared, |out| {
                        ws::deflated_frame(message, bits, deflate, out)
                    })
                }),
                // Its window is its own, so its frames are too.
                Some(None) => {
                    // A frame that is encoded has to be sent: the next ones refer to it.
                    if !self.falls_behind(id, message, number) {
                        self.send(id, message);
                    }
                    continue;
                }
            };
            self.push_within_budget(id, encoded, Some(number));
        }
    }

    /// Says bytes to a peer that speaks no WebSocket.
    #[cold]
    fn send_plain(&mut self, id: ConnId, bytes: &[u8]) -> Sent {
        if !is_plain(&self.connections, id) {
            return Sent::Gone;
        }
        let (_, piece) = self.blocks.write(|out| out.extend_from_slice(bytes));
        piece.map_or(Sent::Queued, |piece| {
            self.push_within_budget(id, &piece, None)
        })
    }

    /// Begins the close handshake with the WebSocket `id`; plain bytes just end behind what was said. What was said before still leaves. A code
    /// that must not be sent (RFC 6455, 7.4: see [`is_close_code`](ws::is_close_code)) becomes 1011,
    /// an error of the server's own, and is logged as one.
    pub fn close(&mut self, id: ConnId, code: u16, reason: &str) {
        let code = if ws::is_close_code(code) {
            code
        } else {
            log::error!("close code {code} must not be sent: it becomes {OUR_FAULT}");
            OUR_FAULT
        };
        let Self {
            connections,
            blocks,
            seed,
            now,
            ..
        } = self;
        let Some(WebSocket { session, .. }) = open_socket(connections, id) else {
            if is_plain(connections, id)
                && let Stage::Plain(plain) = &mut connections[id.slot()].stage
            {
                plain.is_closing = true;
                self.notices.push_back(Notice::Ended(id));
            }
            return;
        };
        let (_, piece) = blocks.write(|out| session.close(code, reason, seed, out));
        if let Some(connection) = named(connections, id) {
            connection.since = now.instant;
        }
        self.push(id, piece);
        // Or the peer's close would not be heard.
        self.go_on_reading(id);
        self.arm(id);
    }
}

/// Whether `id` speaks bytes as they are, and has not been ended.
fn is_plain(connections: &Slab<Connection>, id: ConnId) -> bool {
    let connection = connections.get(id.slot());
    connection.is_some_and(|it| {
        it.generation == id.generation
            && matches!(&it.stage, Stage::Plain(plain) if !plain.is_closing)
    })
}

fn encode(blocks: &mut Blocks, frame: impl FnOnce(&mut Vec<u8>)) -> Piece {
    blocks
        .write(frame)
        .1
        .expect("a frame has at least two bytes")
}

#[inline]
pub(crate) fn open_socket(
    connections: &mut Slab<Connection>,
    id: ConnId,
) -> Option<&mut WebSocket> {
    match connections.get_mut(id.slot()) {
        Some(Connection {
            generation,
            stage: Stage::WebSocket(socket),
            ..
        }) if *generation == id.generation && socket.session.is_open() => Some(socket),
        _ => None,
    }
}
