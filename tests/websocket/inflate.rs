//! # Inflate: RFC 1951 in small, to look over the server's shoulder
//!
//! A library would hide the one thing that a test of window bits must know: how far back the
//! encoder reached. So this reads bit by bit and remembers the farthest distance.

/// What was inside, and the largest distance that a match used.
#[derive(Debug, PartialEq)]
pub(crate) struct Inflated {
    pub(crate) bytes: Vec<u8>,
    pub(crate) farthest: usize,
}

/// Inflates one message of permessage-deflate, which comes without its last four bytes
/// (RFC 7692, section 7.2.2).
pub(crate) fn inflate_message(body: &[u8]) -> Result<Inflated, &'static str> {
    let body = [body, &[0, 0, 0xff, 0xff]].concat();
    let mut bits = Bits {
        bytes: &body,
        at: 0,
    };
    let mut out = Inflated {
        bytes: Vec::new(),
        farthest: 0,
    };
    // Blocks end at the end of the body, or at a final block followed by nothing but padding.
    while bits.at < body.len() * 8 {
        let is_final = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut out)?,
            1 => {
                let (literals, distances) = fixed();
                coded(&mut bits, &mut out, &literals, &distances)?;
            }
            2 => {
                let (literals, distances) = dynamic(&mut bits)?;
                coded(&mut bits, &mut out, &literals, &distances)?;
            }
            _ => return Err("a block of type 3"),
        }
        if is_final {
            break;
        }
    }
    Ok(out)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<usize, &'static str> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or("the bits end early")?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }
}

/// A canonical Huffman code: how many codes of each length, and the symbols in order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|length| counts[*length] += 1);
        counts[0] = 0;
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|at| lengths[*at] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        Self { counts, symbols }
    }

    fn next(&self, bits: &mut Bits<'_>) -> Result<usize, &'static str> {
        let (mut code, mut start, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < start + count {
                return Ok(self.symbols[index + code - start]);
            }
            index += count;
            start = (start + count) << 1;
            code <<= 1;
        }
        Err("no such code")
    }
}

fn stored(bits: &mut Bits<'_>, out: &mut Inflated) -> Result<(), &'static str> {
    bits.at = bits.at.next_multiple_of(8);
    let length = bits.take(16)?;
    if bits.take(16)? != !length & 0xffff {
        return Err("the two lengths differ");
    }
    for _ in 0..length {
        out.bytes.push(bits.take(8)? as u8);
    }
    Ok(())
}

fn fixed() -> (Code, Code) {
    let lengths: Vec<usize> = (0..288)
        .map(|symbol| match symbol {
            0..=143 => 8,
            144..=255 => 9,
            256..=279 => 7,
            _ => 8,
        })
        .collect();
    (Code::new(&lengths), Code::new(&[5; 30]))
}

fn dynamic(bits: &mut Bits<'_>) -> Result<(Code, Code), &'static str> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let mut lengths = [0; 19];
    for place in &ORDER[..bits.take(4)? + 4] {
        lengths[*place] = bits.take(3)?;
    }
    let code = Code::new(&lengths);
    let mut lengths: Vec<usize> = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match code.next(bits)? {
            16 => (
                *lengths.last().ok_or("nothing to repeat")?,
                bits.take(2)? + 3,
            ),
            17 => (0, bits.take(3)? + 3),
            18 => (0, bits.take(7)? + 11),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    if lengths.len() > literals + distances {
        return Err("too many lengths");
    }
    Ok((
        Code::new(&lengths[..literals]),
        Code::new(&lengths[literals..]),
    ))
}

fn coded(
    bits: &mut Bits<'_>,
    out: &mut Inflated,
    literals: &Code,
    distances: &Code,
) -> Result<(), &'static str> {
    loop {
        match literals.next(bits)? {
            literal @ 0..=255 => out.bytes.push(literal as u8),
            256 => return Ok(()),
            symbol => {
                let length = match symbol - 257 {
                    short @ 0..=7 => short + 3,
                    28 => 258,
                    long => {
                        let extra = long / 4 - 1;
                        ((4 + long % 4) << extra) + 3 + bits.take(extra)?
                    }
                };
                let distance = match distances.next(bits)? {
                    near @ 0..=3 => near + 1,
                    far => {
                        let extra = far / 2 - 1;
                        ((2 + far % 2) << extra) + 1 + bits.take(extra)?
                    }
                };
                out.farthest = out.farthest.max(distance);
                let from = out
                    .bytes
                    .len()
                    .checked_sub(distance)
                    .ok_or("before the start")?;
                (from..from + length).for_each(|at| out.bytes.push(out.bytes[at]));
            }
        }
    }
}

#[test]
fn the_examples_of_rfc_7692_inflate() {
    let check = |body: &[u8], words: &str| {
        assert_eq!(inflate_message(body).unwrap().bytes, words.as_bytes());
    };
    check(b"\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello");
    check(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "Hello");
    check(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello");
    check(
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        "Hello",
    );
    check(b"\x00", "");
    assert_eq!(inflate_message(b"\x03\x02\x00"), Err("before the start"));
}

#[test]
fn it_agrees_with_the_library() {
    for level in [0, 1, 6, 9] {
        for bits in [9, 12, 15] {
            let body = crate::deflate::repetitive(100_000);
            let inflated = inflate_message(&crate::deflate::squeeze(&body, level, bits)).unwrap();
            assert_eq!(inflated.bytes, body);
            assert!(inflated.farthest <= 1 << bits);
            // A test of windows needs words that a larger window would reach.
            assert!(level == 0 || inflated.farthest > 1 << (bits - 2));
        }
    }
}
