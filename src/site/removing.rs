//! # Removing: what is to go and was too much for one go
//!
//! Looks for it once a second, also for what a command or an earlier run of the server has left, and
//! has it go, one go after the other: others who write have their turn in between.

use super::hall::{Hall, want};
use crate::chat::{Operation, removal};
use crate::web::Tick;

/// Goes on with what is to go, if there is anything and it is not going.
pub(super) fn go_on(tick: &mut Tick<'_, Hall>) {
    if tick.state.removing {
        return;
    }
    let found = tick.state.reader.query(removal::pending);
    let (removal, by) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(error) => return log::error!("what is to go stays for now: {error}"),
    };
    tick.state.removing = true;
    let operation = Operation::GoOn { removal };
    let (hall, house) = (&mut *tick.state, &mut tick.house);
    want(hall, house, by, None, operation, |tick, verdict| {
        tick.state.removing = false;
        match verdict {
            Ok(_) => go_on(tick),
            Err(refusal) => log::warn!("what is to go stays for now: {refusal}"),
        }
    });
}
