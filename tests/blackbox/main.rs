//! # Black box: the real binary, asked over real sockets
//!
//! Each test starts its own `parlour` on a free port in its own directory, holds a dialogue of send
//! and expect, and ends the process. Nothing here knows the library: only bytes and RFCs.
//!
//! `support` starts servers and speaks strictly; `http` asks about RFC 9110 and 9112; `serve` about
//! the command line, listening and leaving; `regressions` holds a test for each bug that was.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a broken assumption ends the test, and the panic says where"
)]

mod commands;
mod http;
mod regressions;
mod serve;
mod support;
