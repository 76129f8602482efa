//! # Knowledge: documents that answer questions
//!
//! Documents are split into passages, passages are indexed by their words, and a question is answered
//! with the passage that says most about it. All of it lies in a database of its own beside the chat's,
//! so that importing much never waits for a message, nor a message for it.
//!
//! ```text
//!     text, Markdown, HTML ─► blocks ─► passages ─► Library (docs.db: rows, words, spellings)
//!     question ─► terms ─► candidates by BM25 ─► ranked again ─► answer: a quote and its source
//! ```
//!
//! Promises
//! 1. No text is lost: the passages of a document, one after the other, are all that it says.
//! 2. A passage is of one base, the server's or one room's, and is found only by who names that base.
//! 3. Where nothing good is found, the answer says so.
//!
//! Never knows: who asks and what they may see, rooms but by number, HTTP, files on disk but its own.
//! Start reading at [`Library`], then [`search`](fn@search), then [`answer`](fn@answer).

mod answer;
mod backup;
mod blocks;
mod check;
mod coding;
mod html;
mod library;
mod quote;
mod search;
mod spelling;
mod split;
mod stem;
mod table;
mod terms;

pub use answer::{answer, link};
pub use backup::{give_up, put_back, restore, save};
pub use blocks::Format;
pub use check::check;
pub use coding::decode;
pub use library::{FILE, Library};
pub use quote::{QUOTE_CHARS, Quote, quote};
pub use search::{Found, Hit, search};
pub use split::{Passage, Reading, read};
pub use table::{
    Base, Document, DocumentId, Kept, Shown, bytes, document, documents, forget, hash, is_known,
    keep, keep_all, known, passages, room_bases, sources,
};

/// Bytes of a document. A book has one or two million.
pub const DOCUMENT_BYTES_MAX: u64 = 8 << 20;
