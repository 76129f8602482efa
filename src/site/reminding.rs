//! # Reminding: telling what is due
//!
//! Looks for it once a second, also for what became due while the server was not running, and has
//! one after the other told.

use super::hall::{Hall, want};
use crate::chat::{Operation, reminder};
use crate::web::Tick;

/// Tells what is due, if there is anything and none is being told.
pub(super) fn go_on(tick: &mut Tick<'_, Hall>) {
    if tick.state.reminding {
        return;
    }
    let now = tick.house.now().unix_ms;
    let found = tick
        .state
        .reader
        .query(|tables| reminder::due_by(tables, now));
    let (id, by) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(error) => return log::error!("nobody is reminded for now: {error}"),
    };
    tick.state.reminding = true;
    let operation = Operation::FireReminder { id };
    let (hall, house) = (&mut *tick.state, &mut tick.house);
    want(hall, house, Some(by), None, operation, |tick, verdict| {
        tick.state.reminding = false;
        match verdict {
            Ok(_) => go_on(tick),
            Err(refusal) => log::warn!("nobody is reminded for now: {refusal}"),
        }
    });
}
