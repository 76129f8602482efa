//! # Secrets that commands hand out
//!
//! They are shown once; only their hashes are stored.

use data_encoding::BASE64URL_NOPAD;

use crate::chat::Hash;
use crate::site::{TOKEN_PREFIX, secret_hash};

/// Bytes that nobody can guess.
///
/// # Panics
///
/// If the system has none, with which no server can be run.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

/// A new token and its hash.
pub(super) fn token() -> (String, Hash) {
    secret(TOKEN_PREFIX, &random::<32>())
}

/// A new invite code and its hash: shorter, because people type it, and it is no account yet.
pub(super) fn invite() -> (String, Hash) {
    secret("", &random::<16>())
}

fn secret(prefix: &str, bytes: &[u8]) -> (String, Hash) {
    let secret = format!("{prefix}{}", BASE64URL_NOPAD.encode(bytes));
    let hash = secret_hash(&secret);
    (secret, hash)
}
