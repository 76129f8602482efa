//! # Play: what a handler has at hand

use std::fmt;

use super::group::GroupError;
use super::session::{SayError, Session, SessionId};
use crate::web::{House, Tick};

/// What a handler has at hand: the app's state, the house, and the session that asks.
#[derive(Debug)]
pub struct Play<'a, S> {
    /// The app's own.
    pub state: &'a mut S,
    /// Sessions, groups, timers and time.
    pub house: House<'a, S>,
    /// The name of the session that asks.
    pub id: SessionId,
    pub(super) mid: u64,
}

impl<S> Play<'_, S> {
    /// Which request this is, for an answer that comes later; 0 for what wants none.
    pub const fn mid(&self) -> u64 {
        self.mid
    }

    /// The session that asks.
    pub fn session(&mut self) -> Session<'_, S> {
        let session = self.house.session(self.id);
        session.expect("a session is there as long as anything is called for it")
    }

    /// What a timer would have at hand: for functions that serve sessions and timers alike.
    pub fn tick(&mut self) -> Tick<'_, S> {
        Tick {
            state: self.state,
            house: self.house.again(),
        }
    }
}

/// Why a handler failed, as a request is told: `{"code":500,"error":"…"}`.
///
/// ```
/// use parlour::web::nano::Failure;
///
/// let full: Failure = "the table is full".into();
/// assert_eq!((full.code(), full.to_string()), (500, "the table is full".to_owned()));
/// assert_eq!(Failure::new(403, "not your turn").code(), 403);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: u16,
    error: String,
}

impl Failure {
    /// A failure with a code of the app's own.
    pub fn new(code: u16, error: impl Into<String>) -> Self {
        let error = error.into();
        Self { code, error }
    }

    /// Its code.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// What a client is told, as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::json!({ "code": self.code, "error": self.error }).to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl From<&str> for Failure {
    fn from(error: &str) -> Self {
        Self::new(500, error)
    }
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Self::new(500, error)
    }
}

impl From<SayError> for Failure {
    fn from(error: SayError) -> Self {
        Self::new(500, error.to_string())
    }
}

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Self {
        Self::new(500, error.to_string())
    }
}
