//! # Tries: how often somebody may guess
//!
//! Of passwords there are three counts: of an address, of a name from one address, and of a name
//! from everywhere. The second is strict and cannot be used to keep somebody else out; the third is
//! wide, and is there for those who have many addresses.

use std::net::IpAddr;
use std::time::Duration;

use crate::chat::{Code, Refusal};
use crate::site::hall::Hall;
use crate::site::rate::Rate;
use crate::web::Cx;

/// Whatever guesses, from one address: a company behind one address signs in in the morning.
const OF_ADDRESS: Rate = Rate {
    burst: 100,
    every: Duration::from_secs(1),
};

/// Passwords of one person, from one address.
const OF_NAME_THERE: Rate = Rate {
    burst: 10,
    every: Duration::from_secs(20),
};

/// Passwords of one person, from everywhere: some 17,000 a day.
const OF_NAME: Rate = Rate {
    burst: 200,
    every: Duration::from_secs(5),
};

/// New accounts from one address.
const OF_SIGN_UPS: Rate = Rate {
    burst: 200,
    every: Duration::from_secs(2),
};

/// Notes one more try of a secret that only its owner knows, such as a code or a link.
pub(super) fn note(cx: &mut Cx<'_, Hall>) -> Result<(), Refusal> {
    count(cx, &format!("try {}", address(cx)), OF_ADDRESS)
}

/// Notes one more account.
pub(super) fn note_sign_up(cx: &mut Cx<'_, Hall>) -> Result<(), Refusal> {
    count(cx, &format!("sign-up {}", address(cx)), OF_SIGN_UPS)
}

/// Notes one more try of somebody's password.
pub(super) fn note_password(cx: &mut Cx<'_, Hall>, who: &str) -> Result<(), Refusal> {
    note(cx)?;
    let [there, everywhere] = names(cx, who);
    count(cx, &there, OF_NAME_THERE)?;
    count(cx, &everywhere, OF_NAME)
}

/// The password was right: somebody who knows it does not guess.
pub(super) fn forgive_password(cx: &mut Cx<'_, Hall>, who: &str) {
    for name in names(cx, who) {
        cx.state.rates.forgive(&name);
    }
}

fn names(cx: &Cx<'_, Hall>, who: &str) -> [String; 2] {
    let who = who.trim().trim_start_matches('@').to_lowercase();
    // Nobody has a longer one, and what is remembered is to be small.
    let who: String = who.chars().take(254).collect();
    [
        format!("password of {who} at {}", address(cx)),
        format!("password of {who}"),
    ]
}

fn count(cx: &mut Cx<'_, Hall>, name: &str, rate: Rate) -> Result<(), Refusal> {
    let now = cx.house.now().instant;
    cx.state.rates.note(name, rate, now).map_err(|wait| {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let tell = format!(
            "That was tried too often. Try again in {} seconds.",
            ms.div_ceil(1000)
        );
        Refusal::later(Code::TooMany, tell, ms)
    })
}

/// Whose address it is: of IPv6 the network, of which one customer has at least one to themselves.
fn address(cx: &Cx<'_, Hall>) -> String {
    match cx.request.peer().ip() {
        Some(IpAddr::V6(v6)) => {
            let network = v6.to_bits() >> 64;
            format!("{network:x}::/64")
        }
        Some(IpAddr::V4(v4)) => v4.to_string(),
        None => "here".to_owned(),
    }
}
