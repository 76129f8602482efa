//! # Secrets: what is handed out once, and stored as a hash
//!
//! 32 bytes from the system, so that nobody guesses one, as text that needs no escaping anywhere.

use data_encoding::BASE64URL_NOPAD;

use crate::chat::{Code, Refusal};

/// A new secret that begins with `prefix`.
pub(in crate::site) fn fresh(prefix: &str) -> Result<String, Refusal> {
    Ok(format!(
        "{prefix}{}",
        BASE64URL_NOPAD.encode(&random::<32>()?)
    ))
}

/// A new name for something that has an address.
pub(in crate::site) fn fresh_id() -> Result<String, Refusal> {
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
        let one = fresh("pt_").unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        assert!(one.starts_with("pt_") && one.chars().all(plain), "{one}");
        assert_eq!(one.len(), 3 + 43);
        assert_ne!(one, fresh("pt_").unwrap());
    }
}
