//! # The chat, from outside
//!
//! The real program with a database of its own, asked over REST and over WebSockets as clients ask
//! it. `support` starts it, signs people up and speaks for them; the other files are about one thing
//! each. Each test has its own server, so they run at the same time.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "in a test a broken assumption ends the test, and the panic says where"
)]

mod accounts;
mod admin;
mod bots;
mod cli;
mod commands;
mod contract;
mod disk;
mod docs;
mod events;
mod hooks;
mod keys;
mod kills;
mod messages;
mod notifications;
mod players;
mod protocol;
mod receiver;
mod reminders;
mod rest_limits;
mod rest_table;
mod resume;
mod rooms;
mod scopes;
mod send;
mod slash;
#[path = "../blackbox/support.rs"]
#[allow(dead_code, reason = "the server and the strict client of another test")]
mod strict;
mod support;
mod table;
mod uploads;
mod watch;
mod webhooks;
