//! # Text: what old clients make of characters beyond 16 bits
//!
//! Pomelo's client for browsers writes and reads UTF-8 of up to three bytes: half an emoji at a time.
//! What it writes is put together here, and JSON for it says such characters by their halves, as `\ud83d`,
//! which every reader of JSON understands.

use std::borrow::Cow;

/// Bytes of JSON as UTF-8: halves that belong together become one character, whatever is nothing at all
/// becomes U+FFFD.
///
/// ```
/// use parlour::nano::text::mended;
///
/// let halves = b"\"\xed\xa0\xbd\xed\xb1\x8d\"";
/// assert_eq!(&*mended(halves), "\"👍\"".as_bytes());
/// assert_eq!(&*mended(b"\"\xff\""), "\"\u{fffd}\"".as_bytes());
/// ```
pub fn mended(bytes: &[u8]) -> Cow<'_, [u8]> {
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        return Cow::Borrowed(bytes);
    }
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some((high, after)) = half(rest, 0xd800)
            && let Some((low, after)) = half(after, 0xdc00)
        {
            let code = 0x1_0000 + (high << 10 | low);
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = after;
            continue;
        }
        let mut chunks = rest.utf8_chunks();
        let Some(chunk) = chunks.next() else { break };
        out.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        if half(rest, 0xd800).is_some_and(|(_, after)| half(after, 0xdc00).is_some()) {
            continue;
        }
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
            rest = &rest[chunk.invalid().len()..];
        }
    }
    Cow::Owned(out.into_bytes())
}

/// The ten bits of a half of that kind, written in three bytes.
fn half(bytes: &[u8], kind: u32) -> Option<(u32, &[u8])> {
    let (&[first, second, third], after) = bytes.split_first_chunk()?;
    let is_three = first == 0xed && second & 0xc0 == 0x80 && third & 0xc0 == 0x80;
    let code = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
    (is_three && code & 0xfc00 == kind).then_some((code & 0x3ff, after))
}

/// Says characters beyond 16 bits by their halves, in the JSON that `out` has from `start` on.
pub fn escape(out: &mut Vec<u8>, start: usize) {
    if out[start..].iter().all(|byte| *byte < 0xf0) {
        return;
    }
    let text = out.split_off(start);
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut units = [0; 2];
            match character.encode_utf16(&mut units) {
                [high, low] => {
                    out.extend_from_slice(format!("\\u{high:04x}\\u{low:04x}").as_bytes());
                }
                _ => {
                    let mut bytes = [0; 4];
                    out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
                }
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As pomelo's client writes it.
    fn in_halves(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for unit in text.encode_utf16() {
            let unit = u32::from(unit);
            match unit {
                0..0x80 => out.push(unit as u8),
                0x80..0x800 => out.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 63) as u8]),
                _ => out.extend([
                    0xe0 | (unit >> 12) as u8,
                    0x80 | (unit >> 6 & 63) as u8,
                    0x80 | (unit & 63) as u8,
                ]),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn whatever_comes_in_halves_is_put_together(text in ".*") {
            let halves = in_halves(&text);
            let mended = mended(&halves);
            prop_assert_eq!(&*mended, text.as_bytes());
        }

        #[test]
        fn any_bytes_become_text(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mended = mended(&bytes).into_owned();
            prop_assert!(String::from_utf8(mended).is_ok());
        }

        #[test]
        fn json_says_the_same_in_three_bytes_at_most(text in ".*") {
            let mut out = b"..".to_vec();
            serde_json::to_writer(&mut out, &text).unwrap();
            escape(&mut out, 2);
            prop_assert!(out.iter().all(|byte| *byte < 0xf0));
            prop_assert_eq!(serde_json::from_slice::<String>(&out[2..]).unwrap(), text);
        }
    }

    #[test]
    fn half_a_character_is_none() {
        let lone = b"a\xed\xa0\xbdb";
        assert_eq!(mended(lone).first(), Some(&b'a'));
        assert!(
            String::from_utf8(mended(lone).into_owned())
                .unwrap()
                .contains('\u{fffd}')
        );
    }
}
