//! # Tries: how often somebody may guess
//!
//! Of passwords there are three counts: of an address, of a name from one address, and of a name
//! from everywhere. The second is strict and cannot be used to keep somebody else out; the third is
//! wide, and is there for those who have many addresses. Only what was wrong counts, so that a crowd
//! that signs in at once is let in.

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
pub(in crate::site) fn note(cx: &mut Cx<'_, Hall>) -> Result<(), Refusal> {
    match address(cx) {
        Some(address) => count(cx, &format!("try {address}"), OF_ADDRESS),
        None => Ok(()),
    }
}

/// Notes one more account.
pub(super) fn note_sign_up(cx: &mut Cx<'_, Hall>) -> Result<(), Refusal> {
    match address(cx) {
        Some(address) => count(cx, &format!("sign-up {address}"), OF_SIGN_UPS),
        None => Ok(()),
    }
}

/// Whether somebody's password may be tried once more.
pub(super) fn may_try_password(cx: &Cx<'_, Hall>, who: &str) -> Result<(), Refusal> {
    let now = cx.house.now().instant;
    for (name, rate) in counts(cx, who) {
        cx.state.rates.may(&name, rate, now).map_err(too_often)?;
    }
    Ok(())
}

/// It was wrong.
pub(super) fn failed_password(cx: &mut Cx<'_, Hall>, who: &str) {
    let now = cx.house.now().instant;
    for (name, rate) in counts(cx, who) {
        cx.state.rates.count(&name, rate, now);
    }
}

fn counts(cx: &Cx<'_, Hall>, who: &str) -> Vec<(String, Rate)> {
    let [there, everywhere] = names(cx, who);
    let mut counts = vec![(there, OF_NAME_THERE), (everywhere, OF_NAME)];
    if let Some(address) = address(cx) {
        counts.push((format!("try {address}"), OF_ADDRESS));
    }
    counts
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
        format!(
            "password of {who} at {}",
            address(cx).as_deref().unwrap_or("home")
        ),
        format!("password of {who}"),
    ]
}

fn count(cx: &mut Cx<'_, Hall>, name: &str, rate: Rate) -> Result<(), Refusal> {
    let now = cx.house.now().instant;
    cx.state.rates.note(name, rate, now).map_err(too_often)
}

fn too_often(wait: Duration) -> Refusal {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let tell = format!(
        "That was tried too often. Try again in {} seconds.",
        ms.div_ceil(1000)
    );
    Refusal::later(Code::TooMany, tell, ms)
}

/// Whose address it is: of IPv6 the network, of which one customer has at least one to themselves.
/// Nothing for this machine: behind a proxy everybody comes from there.
fn address(cx: &Cx<'_, Hall>) -> Option<String> {
    match cx.request.peer().ip()? {
        ip if ip.is_loopback() => None,
        IpAddr::V6(v6) => {
            let network = v6.to_bits() >> 64;
            Some(format!("{network:x}::/64"))
        }
        IpAddr::V4(v4) => Some(v4.to_string()),
    }
}
