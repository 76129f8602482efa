//! # Coding: bytes as text

/// What bytes say: UTF-8, or UTF-16 with its mark at the beginning. What is wrong tells what to do.
///
/// ```
/// use parlour::knowledge::decode;
///
/// assert_eq!(decode("café".into()), Ok("café".to_owned()));
/// assert!(decode(b"caf\xe9".to_vec()).is_err_and(|why| why.contains("UTF-8")));
/// ```
pub fn decode(bytes: Vec<u8>) -> Result<String, &'static str> {
    let units =
        |of: fn([u8; 2]) -> u16| bytes[2..].chunks_exact(2).map(move |it| of([it[0], it[1]]));
    let wide = match bytes.as_slice() {
        [0xff, 0xfe, ..] => Some(units(u16::from_le_bytes).collect::<Vec<_>>()),
        [0xfe, 0xff, ..] => Some(units(u16::from_be_bytes).collect()),
        _ => None,
    };
    if let Some(units) = wide {
        return String::from_utf16(&units).map_err(|_| "it is no whole text in UTF-16");
    }
    if bytes.contains(&0) {
        return Err("it is binary");
    }
    String::from_utf8(bytes)
        .map_err(|_| "it is not in UTF-8: write it anew so, for example with 'iconv -t utf-8'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_two_codings() {
        assert_eq!(decode(b"caf\xc3\xa9".to_vec()).unwrap(), "café");
        assert_eq!(decode(b"\xff\xfea\0\x16\x4e".to_vec()).unwrap(), "a世");
        assert_eq!(decode(b"\xfe\xff\0a\x4e\x16".to_vec()).unwrap(), "a世");
        assert!(decode(b"a\0b".to_vec()).unwrap_err().contains("binary"));
        assert!(decode(b"caf\xe9".to_vec()).unwrap_err().contains("UTF-8"));
        assert!(decode(b"\xff\xfe\0\xd8".to_vec()).is_err());
    }
}
