//! # Temporary
use super::event::Message;
use super::id::{RoomId, UserId};
use super::name::RoomName;
use crate::store::{Connection, StoreError};
/// Hit.
#[derive(Debug)]
pub struct Hit {
    /// r
    pub room: RoomName,
    /// m
    pub message: Message,
    /// s
    pub snippet: Box<str>,
    /// m
    pub marks: Vec<std::ops::Range<usize>>,
}
/// Search.
pub fn search(
    _: &Connection,
    _: UserId,
    _: &str,
    _: Option<RoomId>,
    _: u32,
) -> Result<Vec<Hit>, StoreError> {
    Ok(Vec::new())
}
/// Index.
pub fn index(_: &Connection, _: usize) -> Result<usize, StoreError> {
    Ok(0)
}
