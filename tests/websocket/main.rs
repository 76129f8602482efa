//! # WebSockets, from outside
//!
//! The real binary, a raw socket and RFC 6455 in tables: what is sent, what must be heard. The
//! modules follow the chapters of the Autobahn suite, so that a failing case there has a neighbour
//! here that runs in milliseconds. Each case is played in one write and, where short, byte by byte.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(clippy::unwrap_in_result, reason = "in a test a panic is the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "a client of the real program lives in real time"
)]

mod close;
mod control;
mod deflate;
mod fragments;
mod framing;
mod handshake;
mod inflate;
mod limits;
mod malformed;
mod negotiation;
mod support;
mod utf8;
