//! # Masks: four bytes over a payload
//!
//! Masking and unmasking are the same (RFC 6455, 5.3). A plain loop over 64-bit words, which the
//! compiler turns into vector instructions: ten times a loop over bytes.
//!
//! Promises
//! 1. Applying in pieces, each with the count of bytes before it, equals applying at once.

/// Applies `mask` to `bytes`, of whose payload `before` bytes went by already.
#[inline]
pub(super) fn apply(mask: [u8; 4], before: u64, bytes: &mut [u8]) {
    // The low two bits say which of the mask's bytes comes next.
    let turn = (before & 3) as u32;
    let word = u32::from_le_bytes(mask).rotate_right(8 * turn);
    let wide = u64::from(word) | u64::from(word) << 32;
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for chunk in words {
        *chunk = (u64::from_le_bytes(*chunk) ^ wide).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(wide.to_le_bytes()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_pieces_equal_the_byte_by_byte_rule() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..100).collect();
        let expected: Vec<u8> = plain
            .iter()
            .zip(mask.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        for cut in 0..=plain.len() {
            let mut bytes = plain.clone();
            let (left, right) = bytes.split_at_mut(cut);
            apply(mask, 0, left);
            apply(mask, cut as u64, right);
            assert_eq!(bytes, expected, "cut at {cut}");
        }
    }
}
