//! # Settings: every bound of the loop, with its reason

use std::time::Duration;

use crate::http;
use crate::ws::DeflatePolicy;

/// The bounds that a reactor keeps. The defaults suit a small public server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What a request may measure.
    pub http: http::Limits,
    /// Whether and how WebSocket messages are compressed.
    pub deflate: DeflatePolicy,
    /// Connections at a time. The rest are told to come again. Others: nginx 512 a worker.
    pub connections_max: usize,
    /// Unsaid bytes of one connection above which a reader counts as too slow. One message is
    /// always taken, however large. Others: Phoenix has no bound, Centrifugo 1 MiB.
    pub outbox_bytes_max: usize,
    /// Unsaid bytes of one connection above which nothing more is read from it.
    pub pause_bytes: usize,
    /// The close code and reason for WebSockets that are open when the server stops and that the app
    /// has not closed itself. A code that must not be sent becomes 1011.
    pub farewell: (u16, String),
    /// How long each stage may take.
    pub waits: Waits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http: http::Limits::default(),
            deflate: DeflatePolicy::default(),
            connections_max: 100_000,
            outbox_bytes_max: 1 << 20,
            pause_bytes: 64 << 10,
            farewell: (1001, "the server is going away".to_owned()),
            waits: Waits::default(),
        }
    }
}

/// How long each stage of a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// From the first byte of a request, or the start of a connection, to the end of the head:
    /// the whole of it, so that a byte now and then does not help. Others: nginx 60 s.
    pub head: Duration,
    /// Between two requests. Others: nginx 75 s, Node 5 s.
    pub keep_alive: Duration,
    /// Between two pieces of a body. Others: nginx 60 s.
    pub body_progress: Duration,
    /// For a whole body, before the time that its size earns it at [`Waits::body_rate`].
    pub body: Duration,
    /// Bytes a second that a body must come with on the whole. Others: Apache 500.
    pub body_rate: u64,
    /// After so much silence a WebSocket is pinged, and after as much again it is dead.
    pub heartbeat: Duration,
    /// A peer that takes nothing of what waits for it for so long is cut off.
    pub stalled: Duration,
    /// For the peer's half of a close handshake, and again for its end of the connection.
    pub close: Duration,
    /// Of silence, once everything is said, before the peer's end is not waited for any more.
    /// Others: nginx 5 s.
    pub linger: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            body_progress: Duration::from_secs(10),
            body: Duration::from_secs(30),
            body_rate: 1000,
            heartbeat: Duration::from_secs(30),
            stalled: Duration::from_secs(30),
            close: Duration::from_secs(5),
            linger: Duration::from_secs(2),
        }
    }
}
