//! Tokens: random ones that are kept as hashes, and JWTs that nobody has to keep.
//!
//! A JWT is taken only if it is HS256 as we write it. Which algorithm to check is never left to the
//! token: that is how forged ones got in elsewhere.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use parlour::web::Secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::User;

/// How long a JWT is good for. That page asks for a new one every four minutes.
const LASTS_S: u64 = 5 * 60;

/// How long after signing in a JWT may still be exchanged for a new one.
const REFRESHES_S: u64 = 7 * 24 * 60 * 60;

/// More than any JWT that we write: a longer one is not looked at.
const JWT_BYTES_MAX: usize = 4096;

/// So many letters from 0-9a-f that nobody can guess, two for a byte.
pub(crate) fn random_hex<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    HEXLOWER.encode(&bytes)
}

/// What is kept of a token: who reads the database cannot sign in with it.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// What JWTs are signed with.
pub(crate) struct Key(Vec<u8>);

/// What a JWT says.
pub(crate) struct Claims {
    pub(crate) user: i64,
    issued_s: u64,
}

/// Why a JWT is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none of ours.
    Forged,
    /// It was ours.
    Expired,
    /// Signing in was too long ago for another one.
    TooOld,
}

impl Refused {
    pub(crate) const fn tell(&self) -> &'static str {
        match self {
            Self::Forged => "Error decoding signature.",
            Self::Expired => "Signature has expired.",
            Self::TooOld => "Refresh has expired.",
        }
    }
}

impl Key {
    /// A key of its own, made from the server's: other things that are signed are worth nothing here.
    pub(crate) fn of(secret: &Secret) -> Self {
        Self(secret.sign("jwt", "HS256").into_bytes())
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(signed.as_bytes());
        mac
    }

    /// A JWT for somebody who has just signed in.
    pub(crate) fn issue(&self, user: &User, now_s: u64) -> String {
        self.write(user, now_s, now_s)
    }

    /// A JWT for somebody who has one that is still good.
    pub(crate) fn renew(&self, user: &User, old: &Claims, now_s: u64) -> Result<String, Refused> {
        if now_s > old.issued_s.saturating_add(REFRESHES_S) {
            return Err(Refused::TooOld);
        }
        Ok(self.write(user, old.issued_s, now_s))
    }

    fn write(&self, user: &User, issued_s: u64, now_s: u64) -> String {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let head = part(json!({ "typ": "JWT", "alg": "HS256" }));
        let claims = part(json!({
            "user_id": user.id,
            "username": user.username,
            "email": user.email,
            "exp": now_s + LASTS_S,
            "orig_iat": issued_s,
        }));
        let signed = format!("{head}.{claims}");
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// What a JWT says, if we wrote it and it is still good. The signature comes first: nothing
    /// else of what strangers send is read.
    pub(crate) fn read(&self, jwt: &str, now_s: u64) -> Result<Claims, Refused> {
        let (signed, signature) = jwt
            .rsplit_once('.')
            .filter(|_| jwt.len() <= JWT_BYTES_MAX)
            .ok_or(Refused::Forged)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes());
        let signature = signature.map_err(|_| Refused::Forged)?;
        // In constant time.
        let verified = self.mac(signed).verify_slice(&signature);
        verified.map_err(|_| Refused::Forged)?;
        let (head, claims) = signed.split_once('.').ok_or(Refused::Forged)?;
        let part = |text: &str| -> Option<Value> {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
        };
        let alg = part(head).and_then(|head| head["alg"].as_str().map(|alg| alg == "HS256"));
        let claims = part(claims).filter(|_| alg == Some(true));
        let claims = claims.ok_or(Refused::Forged)?;
        let number = |name: &str| claims[name].as_u64().ok_or(Refused::Forged);
        if number("exp")? <= now_s {
            return Err(Refused::Expired);
        }
        Ok(Claims {
            user: claims["user_id"].as_i64().ok_or(Refused::Forged)?,
            issued_s: number("orig_iat")?,
        })
    }
}
