//! # The face, from outside
//!
//! The real program, asked for pages as a browser without scripts asks for them. Each test has its
//! own server, so they run at the same time.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "in a test a broken assumption ends the test, and the panic says where"
)]

mod coming_in;
mod files;
#[path = "../people/mod.rs"]
mod people;
mod rooms;
mod safety;
#[path = "../blackbox/support.rs"]
#[allow(dead_code, reason = "the server of another test")]
mod strict;
mod support;
mod weight;
