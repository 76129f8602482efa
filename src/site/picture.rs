//! # Picture: how large an image is, by its first bytes
//!
//! So that a page has the frame of a picture before the picture has come. Knows PNG, GIF, JPEG and
//! WebP, whatever a file is called; of anything else, and of what is cut off or makes no sense, it
//! knows nothing. Whatever is told is as somebody looks at it: a JPEG that lies on its side says so.
//!
//! Promises
//! 1. Any bytes give an answer, in a time that their number bounds.
//! 2. Both numbers are from 1 to [`SIDE_MAX`].

/// Bytes of a file within which all of these formats say how large they are; photographs have
/// previews and colour tables before it.
pub(super) const HEAD_BYTES: u64 = 512 << 10;

/// No picture that a browser shows has longer sides.
const SIDE_MAX: u32 = 65_535;

/// Width and height.
pub(super) type Size = (u32, u32);

/// The size of the picture that begins with these bytes.
pub(super) fn size(head: &[u8]) -> Option<Size> {
    let (width, height) = png(head)
        .or_else(|| gif(head))
        .or_else(|| webp(head))
        .or_else(|| jpeg(head))?;
    let fits = |side| (1..=SIDE_MAX).contains(&side);
    (fits(width) && fits(height)).then_some((width, height))
}

fn bytes<const N: usize>(head: &[u8], at: usize) -> Option<[u8; N]> {
    head.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn big_16(head: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_be_bytes(bytes(head, at)?).into())
}

fn little_16(head: &[u8], at: usize) -> Option<u32> {
    Some(u16::from_le_bytes(bytes(head, at)?).into())
}

fn little_24(head: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = bytes(head, at)?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

fn png(head: &[u8]) -> Option<Size> {
    let is_png = head.starts_with(b"\x89PNG\r\n\x1a\n") && head.get(12..16)? == b"IHDR";
    let side = |at| bytes(head, at).map(u32::from_be_bytes);
    is_png.then_some((side(16)?, side(20)?))
}

fn gif(head: &[u8]) -> Option<Size> {
    let is_gif = head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a");
    is_gif.then_some((little_16(head, 6)?, little_16(head, 8)?))
}

fn webp(head: &[u8]) -> Option<Size> {
    if !head.starts_with(b"RIFF") || head.get(8..12)? != b"WEBP" {
        return None;
    }
    match head.get(12..16)? {
        // With loss: a key frame begins with three bytes and a mark.
        b"VP8 " if head.get(23..26)? == [0x9d, 0x01, 0x2a] => {
            let side = |at| little_16(head, at).map(|side| side & 0x3fff);
            Some((side(26)?, side(28)?))
        }
        // Without: fourteen bits each, less one.
        b"VP8L" if *head.get(20)? == 0x2f => {
            let bits = u32::from_le_bytes(bytes(head, 21)?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((little_24(head, 24)? + 1, little_24(head, 27)? + 1)),
        _ => None,
    }
}

/// Segments, each with its length, up to the one that says how the picture is coded.
fn jpeg(head: &[u8]) -> Option<Size> {
    if !head.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    let mut is_on_side = false;
    loop {
        if *head.get(at)? != 0xff {
            return None;
        }
        let kind = *head.get(at + 1)?;
        match kind {
            // Filling.
            0xff => at += 1,
            // Marks without a segment.
            0x01 | 0xd0..=0xd7 => at += 2,
            // The end, or the picture itself: too late.
            0xd8..=0xda => return None,
            0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                let (height, width) = (big_16(head, at + 5)?, big_16(head, at + 7)?);
                return Some(if is_on_side {
                    (height, width)
                } else {
                    (width, height)
                });
            }
            _ => {
                let length = big_16(head, at + 2)? as usize;
                if length < 2 {
                    return None;
                }
                let next = at + 2 + length;
                if kind == 0xe1 {
                    is_on_side |= lies_on_side(head.get(at + 4..next)?);
                }
                at = next;
            }
        }
    }
}

/// The entry of a photograph's notes (EXIF) that says how the camera was held.
const ORIENTATION: u16 = 0x0112;

/// Whether a photograph's notes say that it is to be turned by a quarter.
fn lies_on_side(segment: &[u8]) -> bool {
    let orientation = || {
        let notes = segment.strip_prefix(b"Exif\0\0")?;
        let is_little = match notes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let short = |at| {
            let two = bytes(notes, at)?;
            Some(if is_little {
                u16::from_le_bytes(two)
            } else {
                u16::from_be_bytes(two)
            })
        };
        let four: [u8; 4] = bytes(notes, 4)?;
        let entries = if is_little {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        };
        let entries = usize::try_from(entries).ok()?;
        let count = usize::from(short(entries)?);
        let mut places = (0..count).map(|entry| entries + 2 + entry * 12);
        let place = places.find(|place| short(*place) == Some(ORIENTATION))?;
        short(place + 8)
    };
    orientation().is_some_and(|orientation| (5..=8).contains(&orientation))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [
            &b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..],
            &sides,
            &[8, 6, 0, 0, 0],
        ]
        .concat()
    }

    fn gif(width: u16, height: u16) -> Vec<u8> {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [&b"GIF89a"[..], &sides, &[0; 3]].concat()
    }

    fn webp(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&b"RIFF\0\0\0\0WEBP"[..], kind, &[0; 4], content].concat()
    }

    /// A photograph that was taken as `orientation` says, with notes in one of both orders of bytes.
    fn jpeg(width: u16, height: u16, orientation: u8, is_little: bool) -> Vec<u8> {
        let notes: &[u8] = match is_little {
            true => b"II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\0\0\0\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0O\0\0\0",
            false => b"MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\0\0\0\0\0\x01\x12\0\x03\0\0\0\x01\0O\0\0",
        };
        let turned = |byte: &u8| if *byte == b'O' { orientation } else { *byte };
        let notes: Vec<u8> = notes.iter().map(turned).collect();
        let length = (notes.len() + 8) as u16;
        let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
        [
            &b"\xff\xd8\xff\xe0\0\x04JF\xff\xff\xe1"[..],
            &length.to_be_bytes(),
            b"Exif\0\0",
            &notes,
            b"\xff\xc4\0\x02\xff\xc2\0\x11\x08",
            &sides,
            &[0; 12],
        ]
        .concat()
    }

    #[test]
    fn each_format_says_how_large_it_is() {
        assert_eq!(size(&png(3, 70_000)), None, "nothing shows that");
        assert_eq!(size(&png(0, 5)), None);
        assert_eq!(size(&png(300, 5)), Some((300, 5)));
        assert_eq!(size(&gif(300, 5)), Some((300, 5)));
        let with_loss = [0, 0, 0, 0x9d, 0x01, 0x2a, 44, 0x41, 5, 0];
        assert_eq!(size(&webp(b"VP8 ", &with_loss)), Some((300, 5)));
        let bits: u32 = 299 | 4 << 14;
        let without = [&[0x2f][..], &bits.to_le_bytes()].concat();
        assert_eq!(size(&webp(b"VP8L", &without)), Some((300, 5)));
        let extended = [0, 0, 0, 0, 43, 1, 0, 4, 0, 0];
        assert_eq!(size(&webp(b"VP8X", &extended)), Some((300, 5)));
        assert_eq!(size(b"<svg width=\"5\" height=\"5\"/>"), None);
    }

    #[test]
    fn a_photograph_is_as_it_is_looked_at() {
        for is_little in [true, false] {
            for orientation in 1..=4 {
                let photo = jpeg(300, 5, orientation, is_little);
                assert_eq!(size(&photo), Some((300, 5)), "{orientation}");
            }
            for orientation in 5..=8 {
                let photo = jpeg(300, 5, orientation, is_little);
                assert_eq!(size(&photo), Some((5, 300)), "{orientation}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(
            which in 0..6usize,
            mut tail in proptest::collection::vec(any::<u8>(), 0..300),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut head = match which {
                0 => png(7, 9),
                1 => gif(7, 9),
                2 => webp(b"VP8 ", &[0; 20]),
                3 => jpeg(7, 9, 6, true),
                4 => jpeg(7, 9, 6, false),
                _ => Vec::new(),
            };
            head.append(&mut tail);
            for (at, byte) in changes {
                if !head.is_empty() {
                    let at = at.index(head.len());
                    head[at] = byte;
                }
            }
            head.truncate(cut.index(head.len() + 1));
            if let Some((width, height)) = size(&head) {
                prop_assert!((1..=SIDE_MAX).contains(&width) && (1..=SIDE_MAX).contains(&height));
            }
        }
    }
}
