//! # UTF-8 that arrives in pieces
//!
//! A message's text grows here, each byte looked at once. Whole frames do not come here: the
//! session checks them where they lie.
//!
//! Promises
//! 1. `push` refuses at the first byte after which no continuation could be UTF-8.
//! 2. `finish` refuses text that ends within a character.
//! 3. What was checked stays a `String`: it is never checked again.

use crate::ws::Fault;

/// Text so far, and the bytes of a character that has not wholly arrived.
#[derive(Debug, Default)]
pub(super) struct Collector {
    text: String,
    begun: [u8; 3],
    begun_len: u8,
}

impl Collector {
    /// The bytes taken so far.
    pub(super) fn len(&self) -> usize {
        self.text.len() + usize::from(self.begun_len)
    }

    /// How much memory they take.
    #[cfg(any(test, fuzzing))]
    pub(super) const fn held_bytes(&self) -> usize {
        self.text.capacity()
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while self.begun_len > 0 {
            let [next, rest @ ..] = bytes else {
                return Ok(());
            };
            bytes = rest;
            self.complete(*next)?;
        }
        let (whole, begun) = bytes.split_at(bytes.len() - begun_len(bytes));
        self.text
            .push_str(simdutf8::basic::from_utf8(whole).map_err(|_| Fault::InvalidUtf8)?);
        for &byte in begun {
            self.complete(byte)?;
        }
        Ok(())
    }

    /// The text, if it does not end inside a character.
    pub(super) fn finish(self) -> Result<String, Fault> {
        if self.begun_len == 0 {
            Ok(self.text)
        } else {
            Err(Fault::InvalidUtf8)
        }
    }

    /// One more byte of a begun character, or of one that begins.
    fn complete(&mut self, next: u8) -> Result<(), Fault> {
        let begun = usize::from(self.begun_len);
        let mut character = [0; 4];
        character[..begun].copy_from_slice(&self.begun[..begun]);
        character[begun] = next;
        match str::from_utf8(&character[..=begun]) {
            Ok(text) => {
                self.text.push_str(text);
                self.begun_len = 0;
            }
            Err(error) if error.error_len().is_some() => return Err(Fault::InvalidUtf8),
            // Three bytes at most begin a character and do not end it, so there is room.
            Err(_) => {
                self.begun[begun] = next;
                self.begun_len += 1;
            }
        }
        Ok(())
    }
}

/// How many bytes at the end look like a character that has not wholly arrived. Whether they are
/// one, `complete` finds out.
fn begun_len(bytes: &[u8]) -> usize {
    for (len, &byte) in (1..=3).zip(bytes.iter().rev()) {
        match byte {
            0x80..=0xbf => {}
            0xc0..=0xdf => return if len < 2 { len } else { 0 },
            0xe0..=0xef => return if len < 3 { len } else { 0 },
            0xf0..=0xff => return len,
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes byte by byte; says how many were taken, and whether the text may end there.
    fn check(bytes: &[u8], taken: usize, complete: bool) {
        let mut collector = Collector::default();
        let got = bytes
            .iter()
            .take_while(|byte| collector.push(&[**byte]).is_ok())
            .count();
        assert_eq!(got, taken, "{bytes:x?}");
        if taken == bytes.len() {
            assert_eq!(collector.len(), taken);
            assert_eq!(collector.finish().is_ok(), complete, "{bytes:x?}");
        }
        for cut in 0..=bytes.len() {
            let mut collector = Collector::default();
            let fine = collector
                .push(&bytes[..cut])
                .and_then(|()| collector.push(&bytes[cut..]))
                .is_ok();
            assert_eq!(fine, taken == bytes.len(), "{bytes:x?} cut at {cut}");
        }
    }

    #[test]
    fn text_is_refused_at_the_very_byte() {
        check(b"plain", 5, true);
        check("κόσμε".as_bytes(), 10, true);
        check("𝄞".as_bytes(), 4, true);
        check(&[0xce, 0xba, 0xe1, 0xbd], 4, false);
        check(&[0xf4, 0x90, 0x80, 0x80], 1, false); // beyond U+10FFFF: the second byte tells
        check(&[0xed, 0xa0, 0x80], 1, false); // a surrogate
        check(&[0xe0, 0x80, 0x80], 1, false); // overlong
        check(&[0xc0, 0x80], 0, false);
        check(&[0xf8, 0x88], 0, false);
        check(&[b'a', 0x80], 1, false);
        check(&[0xf0, 0x9f, 0x98, b'x'], 3, false);
    }
}
