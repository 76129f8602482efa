//! # Stem: English words without their endings
//!
//! `ropes` and `rope`, `storing`, `stored` and `store` are to be found by one another. This is the part
//! of what stemmers do that helps most and goes wrong least; words of other languages lose an `s` at
//! worst, in documents and questions alike.

use std::borrow::Cow;

/// A folded word, or what is left of it.
pub(super) fn stem(word: &str) -> Cow<'_, str> {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    let plain = singular(word);
    let plain: &str = &plain;
    let bare = ["ing", "ed"].iter().find_map(|end| {
        let bare = plain.strip_suffix(end)?;
        (bare.len() >= 3 && bare.bytes().any(is_vowel)).then(|| once(bare))
    });
    let bare = bare.unwrap_or(plain);
    let bare = match bare.strip_suffix("ly") {
        Some(bare) if bare.len() >= 4 => bare,
        _ => bare,
    };
    match bare.strip_suffix('e') {
        Some(bare) if bare.len() >= 3 => Cow::Owned(bare.to_owned()),
        _ => Cow::Owned(bare.to_owned()),
    }
}

fn singular(word: &str) -> Cow<'_, str> {
    if let Some(bare) = word.strip_suffix("ies")
        && bare.len() >= 2
    {
        return Cow::Owned(format!("{bare}y"));
    }
    if ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return Cow::Borrowed(word);
    }
    for end in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(end) {
            return Cow::Borrowed(&word[..word.len() - 2]);
        }
    }
    Cow::Borrowed(word.strip_suffix('s').unwrap_or(word))
}

/// `stopp` as in `stopping` is `stop`; `fill`, `pass` and `buzz` are as they are.
fn once(word: &str) -> &str {
    let bytes = word.as_bytes();
    match bytes {
        [.., a, b] if a == b && !is_vowel(*a) && !matches!(a, b'l' | b's' | b'z') => {
            &word[..word.len() - 1]
        }
        _ => word,
    }
}

const fn is_vowel(byte: u8) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_word_are_one() {
        for same in [
            &["rope", "ropes"][..],
            &["store", "stored", "storing", "stores"],
            &["stop", "stops", "stopped", "stopping"],
            &["berry", "berries"],
            &["box", "boxes"],
            &["watch", "watches", "watched"],
            &["quick", "quickly"],
            &["bread", "breads"],
        ] {
            let first = stem(same[0]);
            for word in same {
                assert_eq!(stem(word), first, "{word}");
            }
        }
    }

    #[test]
    fn short_and_foreign_words_stay() {
        for word in ["gas", "sing", "bed", "glass", "bus", "2024", "über", "船"] {
            assert_eq!(stem(word), word);
        }
    }

    proptest! {
        #[test]
        fn something_is_left(word in "[a-z]{1,12}") {
            prop_assert!(!stem(&word).is_empty());
        }
    }
}
