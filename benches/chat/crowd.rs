//! # Crowd: many clients that are signed in

use std::collections::VecDeque;

use crate::Outcome;
use crate::client::{Client, Step, until};
use crate::town::token;

/// Handshakes under way at once: fewer than wait for a server to accept them.
const UNDER_WAY_MAX: usize = 128;

/// Connects the people with these numbers, and waits until each has heard `hello`.
pub(crate) fn connect(
    address: &str,
    path: &str,
    people: impl Iterator<Item = u32>,
    scratch: &mut [u8],
) -> Outcome<Vec<Client>> {
    let mut people = people.peekable();
    let mut clients = Vec::new();
    let mut greeted = Vec::new();
    let mut under_way = VecDeque::new();
    until("connecting", || {
        let mut step = Step::Idle;
        while under_way.len() < UNDER_WAY_MAX
            && let Some(user) = people.next()
        {
            under_way.push_back(clients.len());
            greeted.push(false);
            clients.push(Client::ask(address, path, Some(&token(user)))?);
            step = Step::Moved;
        }
        // The first who asked is the first who is answered.
        while let Some(&first) = under_way.front() {
            clients[first].take(scratch, |text| {
                greeted[first] |= text.starts_with(b"{\"event\":\"hello\"");
                Ok(())
            })?;
            if !greeted[first] {
                break;
            }
            under_way.pop_front();
            step = Step::Moved;
        }
        let is_done = under_way.is_empty() && people.peek().is_none();
        Ok(if is_done { Step::Done } else { step })
    })?;
    Ok(clients)
}

/// Reads whatever is there for anybody and throws it away.
pub(crate) fn drain(clients: &mut [Client], scratch: &mut [u8]) -> Outcome<bool> {
    let mut any = false;
    for client in clients {
        any |= client.take(scratch, |_| Ok(()))?;
    }
    Ok(any)
}
