//! # Uses: when tokens were used last
//!
//! So that people find devices and programs that they can sign out. Whoever asks for something is
//! looked up with the time that is stored; only where that is long ago anything is noted, and
//! gathered, and stored in passing.
//!
//! Promises
//! 1. A token's time is stored at most once in [`NOTED_AGAIN_MS`](people::NOTED_AGAIN_MS).
//! 2. What is gathered is bounded; what does not fit is noted at the next use.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::hall::Hall;
use crate::chat::{Identity, Millis, TokenId, people};
use crate::web::{Tick, Wait};

/// Tokens that are noted and not stored yet.
const NOTED_MAX: usize = 10_000;

/// Tokens that are stored in one go: some milliseconds of the writer's time.
const STORED_MAX: usize = 1000;

/// What is not stored yet.
#[derive(Debug, Default)]
pub(super) struct Uses {
    noted: RefCell<BTreeMap<TokenId, Millis>>,
    storing: bool,
}

impl Uses {
    /// Somebody has asked for something.
    pub(super) fn asked(&self, identity: &Identity, at: Millis) {
        let is_old = |before| at.saturating_sub(before) >= people::NOTED_AGAIN_MS;
        if identity.used_at.is_none_or(is_old) {
            self.note(identity.token, at);
        }
    }

    /// A token was used.
    pub(super) fn note(&self, token: TokenId, at: Millis) {
        let mut noted = self.noted.borrow_mut();
        if noted.len() < NOTED_MAX || noted.contains_key(&token) {
            noted.insert(token, at);
        }
    }

    /// When a token was used last, if that is not stored yet.
    pub(super) fn noted(&self, token: TokenId) -> Option<Millis> {
        self.noted.borrow().get(&token).copied()
    }

    fn some(&self) -> Vec<(TokenId, Millis)> {
        let noted = self.noted.borrow();
        let some = noted.iter().take(STORED_MAX);
        some.map(|(token, at)| (*token, *at)).collect()
    }

    fn stored(&mut self, some: &[(TokenId, Millis)]) {
        let noted = self.noted.get_mut();
        for (token, at) in some {
            // It may have been used again meanwhile.
            if noted.get(token) == Some(at) {
                noted.remove(token);
            }
        }
    }
}

/// Stores some of what was noted.
pub(super) fn store(tick: &mut Tick<'_, Hall>) {
    let some = tick.state.uses.some();
    if some.is_empty() || tick.state.uses.storing {
        return;
    }
    tick.state.uses.storing = true;
    let these = some.clone();
    let job = Wait::stored(&tick.state.database, move |tables| {
        people::note_uses(tables, &these)
    });
    tick.house.wait(job, move |tick, done| {
        tick.state.uses.storing = false;
        match done {
            Ok(Ok(())) => tick.state.uses.stored(&some),
            Ok(Err(error)) => log::warn!("when tokens were used is not stored yet: {error}"),
            Err(busy) => log::debug!("when tokens were used is not stored yet: {busy}"),
        }
    });
}
