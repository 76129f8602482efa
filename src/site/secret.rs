//! # Secrets: what is handed out once, and stored as a hash
//!
//! Random bytes from the system, so that nobody guesses one, as text that needs no escaping
//! anywhere. The server and the command line hand out the same.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::chat::{Code, Hash, Millis, Refusal};

/// How long a secret with which a password is replaced is good.
pub const RESET_MS: Millis = 24 * 60 * 60 * 1000;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// Signs somebody in.
    Token,
    /// Lets people sign up.
    Invite,
    /// Replaces a password, once.
    Reset,
    /// Is where a program says something.
    Hook,
    /// Signs what is sent to a program.
    Signature,
}

impl SecretKind {
    /// What it begins with, so that people and scanners recognise one.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Token => "pt_",
            Self::Invite => "pi_",
            Self::Reset => "pr_",
            Self::Hook => "ph_",
            Self::Signature => "ps_",
        }
    }
}

/// A new secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// For whoever it is handed out to.
    pub text: String,
    /// What is stored.
    pub hash: Hash,
}

impl Secret {
    /// A secret that nobody has seen.
    ///
    /// ```
    /// use parlour::site::{Secret, SecretKind, secret_hash};
    ///
    /// let secret = Secret::fresh(SecretKind::Token).unwrap();
    /// assert!(secret.text.starts_with("pt_"));
    /// assert_eq!(secret.hash, secret_hash(&secret.text));
    /// ```
    pub fn fresh(kind: SecretKind) -> Result<Self, Refusal> {
        // Codes are typed by people, and 128 bits are out of reach as well.
        let bytes = match kind {
            SecretKind::Token | SecretKind::Reset | SecretKind::Hook | SecretKind::Signature => {
                BASE64URL_NOPAD.encode(&random::<32>()?)
            }
            SecretKind::Invite => BASE64URL_NOPAD.encode(&random::<16>()?),
        };
        let text = format!("{}{bytes}", kind.prefix());
        let hash = hash(&text);
        Ok(Self { text, hash })
    }
}

/// The hash of a secret, as it is stored.
pub fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

/// Where a page takes a secret. It is good once, so that it is worth nothing where it is logged later.
pub fn reset_link(secret: &Secret) -> String {
    format!("/reset/{}", secret.text)
}

/// A new name for something that has an address.
pub(super) fn fresh_id() -> Result<String, Refusal> {
    Ok(BASE64URL_NOPAD.encode(&random::<16>()?))
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        log::error!("the system gives no random bytes: {error}");
        Refusal::new(Code::Internal, "The server has no random bytes just now.")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_need_no_escaping() {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        for (kind, length) in [
            (SecretKind::Token, 43),
            (SecretKind::Invite, 22),
            (SecretKind::Reset, 43),
            (SecretKind::Hook, 43),
            (SecretKind::Signature, 43),
        ] {
            let [one, other] = [(); 2].map(|()| Secret::fresh(kind).unwrap());
            assert!(one.text.starts_with(kind.prefix()), "{one:?}");
            assert!(one.text.chars().all(plain), "{one:?}");
            assert_eq!(one.text.len(), 3 + length);
            assert_ne!(one.text, other.text);
            assert_eq!(one.hash, hash(&one.text));
        }
    }
}
