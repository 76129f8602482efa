//! # HTTP/1.1: bytes to events and back
//!
//! The server's side of RFC 9110 and RFC 9112. [`Receiver`] says what the bytes of a connection are
//! ([`Step`]); [`respond`] and [`BodyWriter`] turn a [`Response`] into bytes. Around them: what is
//! asked of a representation ([`representation`]: ranges, conditions), dates ([`date`]), the
//! encoding of paths and forms ([`form`], [`multipart`]), cookies ([`cookie`]), what a client likes
//! best ([`preferred_coding`], [`preferred_type`]), streams of events ([`event_stream`]), and what
//! names of files say ([`media`], [`file_name`]).
//!
//! Promises
//! 1. The same bytes give the same steps, however they were cut.
//! 2. Any bytes end in steps or one [`Fault`]; nothing panics, and each byte is looked at a bounded
//!    number of times. A fault is final and remembered.
//! 3. Where a message could be read in two ways it is refused: one Host, one length, CRLF only, no
//!    folded lines, no repair. All that is decided about the length of a body is in `framing`.
//! 4. No byte is kept that was not consumed; a connection between requests owns no heap memory.
//! 5. A response frames its body exactly, or says that the connection ends; no CR, LF or NUL of a
//!    field's value reaches the wire.
//!
//! Never knows: sockets, clocks, threads, routes, files. Who reads a request's body, how long it
//! may be and when to give up is for the caller. Start reading at `Receiver::decode`, then
//! `respond`.

mod body;
mod chunked;
mod conditional;
pub mod cookie;
pub mod date;
pub mod event_stream;
mod fault;
mod fields;
pub mod file_name;
pub mod form;
mod framing;
mod gzip;
mod head;
mod letters;
mod limits;
pub mod media;
mod method;
pub mod multipart;
mod negotiate;
mod range;
mod receiver;
mod redirect;
pub mod representation;
mod response;
mod status;
mod target;

pub use body::BodyWriter;
pub use fault::Fault;
pub use fields::{FieldIter, Fields, Named, Tokens, Trailers};
pub use framing::BodyLength;
pub use gzip::Gzip;
pub use head::{Head, HeadShape};
pub use limits::Limits;
pub use method::Method;
pub use negotiate::{Coding, preferred_coding, preferred_type, wants_html};
pub use range::ByteRange;
pub use receiver::{Ended, Receiver, Step};
pub use redirect::{LocationFault, Redirect, stays_here};
pub use representation::{Representation, Selection};
pub use response::{Body, CONTINUE, Exchange, Response, respond};
pub use status::Status;

#[cfg(any(test, fuzzing))]
pub mod properties;
