//! # Streams: bodies that are said piece by piece

use slab::Slab;

use super::{Net, Sent, named};
use crate::http::{BodyWriter, Exchange};
use crate::reactor::connection::Connection;
use crate::reactor::outbox::Piece;
use crate::reactor::stage::{Http, Stage, Turn};
use crate::reactor::token::{Call, ConnId};

impl Net {
    /// Writes a piece of a streamed answer. Who then waits for
    /// [`App::drained`](crate::reactor::App::drained) after each [`Full`](Sent::Full) is never cut off
    /// for being too slow; who goes on meanwhile may be.
    pub fn write(&mut self, call: Call, bytes: &[u8]) -> Sent {
        let Self {
            connections,
            blocks,
            ..
        } = self;
        let Some((_, writer)) = streaming(connections, call) else {
            return Sent::Gone;
        };
        let (_, piece) = blocks.write(|out| writer.write(bytes, out));
        piece.map_or(Sent::Queued, |piece| self.push_to_stream(call.id, &piece))
    }

    /// Writes a piece of every streamed answer of `calls`; how many took it. It is framed once for
    /// all who read chunks, and once for all who read until the end. Whoever is too slow is cut off,
    /// and [`App::aborted`](crate::reactor::App::aborted) comes for it; of whoever was gone before
    /// it has come already. Whoever has enough waiting hears
    /// [`App::drained`](crate::reactor::App::drained) when there is room, and may be written to until
    /// then.
    pub fn write_all(&mut self, calls: impl IntoIterator<Item = Call>, bytes: &[u8]) -> usize {
        let (mut chunk, mut plain): (Option<Piece>, Option<Piece>) = (None, None);
        let mut count = 0;
        for call in calls {
            let Self {
                connections,
                blocks,
                ..
            } = self;
            let Some((_, writer)) = streaming(connections, call) else {
                continue;
            };
            let shared = match writer {
                BodyWriter::Chunked => &mut chunk,
                BodyWriter::UntilClose => &mut plain,
                // How much of it is still owed is its own affair.
                BodyWriter::Length(_) | BodyWriter::Discard | BodyWriter::None => &mut None,
            };
            if shared.is_none() {
                *shared = blocks.write(|out| writer.write(bytes, out)).1;
            }
            let sent = shared
                .as_ref()
                .map_or(Sent::Queued, |piece| self.push_to_stream(call.id, piece));
            count += usize::from(sent != Sent::Gone);
        }
        count
    }

    /// Ends a streamed answer. Trailers reach those who take them: a chunked body's reader.
    pub fn end(&mut self, call: Call, trailers: &[(&str, &str)]) {
        let Self {
            connections,
            blocks,
            ..
        } = self;
        let Some((exchange, writer)) = streaming(connections, call) else {
            return;
        };
        let exchange = *exchange;
        let (whole, piece) = blocks.write(|out| writer.end(trailers, out));
        self.push(call.id, piece);
        // An answer that is shorter than it said can only be told from a whole one by the end.
        self.answered(call.id, exchange.keep_alive && whole);
        self.arm(call.id);
    }

    /// Queues a piece of a streamed answer.
    fn push_to_stream(&mut self, id: ConnId, piece: &Piece) -> Sent {
        let sent = self.push_within_budget(id, piece, None);
        let pause_bytes = self.settings.pause_bytes;
        match self.get_mut(id) {
            Some(connection)
                if sent == Sent::Queued && connection.outbox.queued() >= pause_bytes =>
            {
                connection.full = true;
                Sent::Full
            }
            _ => sent,
        }
    }
}

/// The request's own stage, if `call` is a streamed answer under way.
fn streaming(
    connections: &mut Slab<Connection>,
    call: Call,
) -> Option<(&mut Exchange, &mut BodyWriter)> {
    match &mut named(connections, call.id)?.stage {
        Stage::Http(Http {
            number,
            turn: Turn::Streaming(exchange, writer),
            ..
        }) if *number == call.number => Some((exchange, writer)),
        _ => None,
    }
}
