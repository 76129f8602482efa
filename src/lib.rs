//! # Parlour
//!
//! A real-time chat and notification server in one small binary, and the framework it is made of.
//! ARCHITECTURE.md has the plan of the house: lower floors never know upper ones.
//!
//! An app is a [`web::App`]: put together from handlers, guards, middleware and consumers, stored with
//! [`store::Model`], and served by [`cli::Program`]:
//!
//! ```no_run
//! use parlour::cli::Program;
//! use parlour::web::{App, Cx};
//!
//! fn main() -> std::process::ExitCode {
//!     let hello = |_: &mut Cx<'_, ()>| "Hello!";
//!     Program::new("hello", "says hello").run(|_| Ok::<_, String>(App::new(()).get("/", hello)))
//! }
//! ```

pub mod chat;
pub mod cli;
pub mod client;
pub mod ground;
pub mod http;
pub mod knowledge;
pub mod layer;
pub mod nano;
pub mod reactor;
pub mod sim;
pub mod site;
pub mod store;
pub mod web;
pub mod ws;

/// The README's programs, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
