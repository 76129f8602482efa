//! # Properties that hold for all forms
//!
//! A form played to its end, as text, and what must be true of it however the bytes were cut.

use super::{Boundary, Multipart, MultipartLimits, Step};
use crate::http::properties::{cut_into, flush};

/// Boundaries of which the beginnings meet themselves again, and a usual one.
const BOUNDARIES: [&[u8]; 3] = [
    b"multipart/form-data; boundary=b",
    b"multipart/form-data; boundary=----a--",
    b"multipart/form-data; boundary=\"- -\"",
];

/// Any bytes are parts or one fault, the same ones however they were cut. The first four bytes
/// choose the limits (0: the usual ones), two sizes of pieces, and the boundary.
pub(in crate::http) fn forms(input: &[u8]) {
    let Some((&[tight, a, b, boundary], input)) = input.split_first_chunk() else {
        return;
    };
    let limits = match usize::from(tight) {
        0 => MultipartLimits::default(),
        tight => MultipartLimits {
            parts_max: u32::from(tight as u8 % 4),
            head_bytes_max: tight,
            fields_max: tight % 3,
        },
    };
    let content_type = BOUNDARIES[usize::from(boundary) % BOUNDARIES.len()];
    let boundary = Boundary::of(content_type).expect("these follow the rules");
    let sizes = [a, b].map(usize::from);
    let whole = steps(&boundary, limits, &[input]);
    let pieces = cut_into(input, |n| sizes[n % 2]);
    assert_eq!(steps(&boundary, limits, &pieces), whole, "in pieces");
    let singles = cut_into(input, |_| 1);
    assert_eq!(steps(&boundary, limits, &singles), whole, "byte by byte");
}

/// Plays a form that comes in these pieces and then ends, and writes down what happened. Pieces of
/// content that follow each other are joined, for where they are cut is not promised.
pub(super) fn steps(boundary: &Boundary, limits: MultipartLimits, pieces: &[&[u8]]) -> Vec<String> {
    let mut form = Multipart::new(boundary, limits);
    let mut steps: Vec<String> = Vec::new();
    let mut content: Vec<u8> = Vec::new();
    let mut inside = false;
    for piece in pieces {
        let mut rest = *piece;
        // A step that takes nothing tells content that was held back, or the end of a part.
        let most = 3 * rest.len() + 3;
        for asked in 0.. {
            assert!(asked <= most, "steps are bounded by the input");
            let step = form.decode(rest);
            if !matches!(step, Step::Piece { .. } | Step::More) {
                flush(&mut content, &mut steps);
            }
            let used = match step {
                Step::Begin { used, part } => {
                    assert!(!inside, "parts do not nest");
                    inside = true;
                    let mut text = format!("Begin {}", part.name.escape_debug());
                    if let Some(file_name) = &part.file_name {
                        text += &format!(" file={}", file_name.escape_debug());
                    }
                    if let Some(content_type) = &part.content_type {
                        text += &format!(" type={}", content_type.escape_debug());
                    }
                    steps.push(text);
                    used
                }
                Step::Piece { used, bytes } => {
                    assert!(
                        inside && !bytes.is_empty(),
                        "content is something in a part"
                    );
                    content.extend_from_slice(bytes);
                    used
                }
                Step::End { used } => {
                    assert!(inside, "what ends has begun");
                    inside = false;
                    steps.push("End".to_owned());
                    used
                }
                Step::Finished { used } => {
                    assert!(!inside, "the last part has ended");
                    steps.push("Finished".to_owned());
                    used
                }
                Step::More => break,
                Step::Broken(fault) => {
                    assert_eq!(form.ended(), Err(fault), "a fault is remembered");
                    steps.push(format!("{fault:?}"));
                    return steps;
                }
            };
            rest = &rest[used..];
        }
        assert!(
            form.head.len() <= limits.head_bytes_max,
            "a head has its bound"
        );
    }
    flush(&mut content, &mut steps);
    steps.push(match form.ended() {
        Ok(()) => "Ok".to_owned(),
        Err(fault) => format!("{fault:?}"),
    });
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of which forms, good and bad, are made.
    const WORDS: &[&str] = &[
        "--b",
        "\r\n--b",
        "\r\n--b\r\n",
        "\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n",
        "Content-Disposition: form-data; name=a; filename=\"x\"\r\n",
        "Content-Type: text/plain\r\n",
        "\r\n",
        "\r",
        "\n",
        "-",
        "--",
        " ",
        "\r\n--",
        "\r\n-",
        "----a--",
        "\r\n------a--",
        "\r\n------a--\r\n",
        "\"",
        "hello",
    ];

    /// Beginnings behind which junk is looked at in another place each.
    const BEGUN: &[&str] = &["", "--b", "--b\r\n", "--b\r\nX:", WORDS[4]];

    fn form() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            12 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..4),
        ];
        prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
    }

    /// A form as browsers write it, by the HTML standard.
    fn written(boundary: &str, parts: &[(String, Option<String>, Vec<u8>)]) -> Vec<u8> {
        let escaped = |name: &str| {
            name.replace('\r', "%0D")
                .replace('\n', "%0A")
                .replace('"', "%22")
        };
        let mut out = Vec::new();
        for (name, file_name, content) in parts {
            let name = escaped(name);
            out.extend_from_slice(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"")
                    .as_bytes(),
            );
            if let Some(file_name) = file_name {
                let file_name = escaped(file_name);
                out.extend_from_slice(
                    format!("; filename=\"{file_name}\"\r\nContent-Type: image/png").as_bytes(),
                );
            }
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(content);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        out
    }

    fn expected(parts: &[(String, Option<String>, Vec<u8>)]) -> Vec<String> {
        let mut steps = Vec::new();
        for (name, file_name, content) in parts {
            let mut text = format!("Begin {}", name.escape_debug());
            if let Some(file_name) = file_name {
                text += &format!(" file={} type=image/png", file_name.escape_debug());
            }
            steps.push(text);
            if !content.is_empty() {
                steps.push(format!("\"{}\"", content.escape_ascii()));
            }
            steps.push("End".to_owned());
        }
        steps.extend(["Finished".to_owned(), "Ok".to_owned()]);
        steps
    }

    #[test]
    fn the_corpus_keeps_every_promise() {
        crate::ground::corpus::replay("multipart", forms);
    }

    proptest! {
        #[test]
        fn the_same_bytes_give_the_same_parts_however_they_were_cut(
            form in form(),
            tight in prop_oneof![Just(0_u8), 40_u8..200],
            sizes in (1_u8..20, 1_u8..20),
            boundary in 0_u8..3,
        ) {
            forms(&[&[tight, sizes.0, sizes.1, boundary][..], &form].concat());
        }

        #[test]
        fn any_bytes_end_in_steps(
            begun in prop::sample::select(BEGUN),
            input in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            forms(&[b"\0\x07\x1d\0", begun.as_bytes(), &input].concat());
        }

        #[test]
        fn what_a_browser_writes_is_read(
            boundary in prop::sample::select(&["b", "----a--", "-----WebKitFormBoundaryx"][..]),
            parts in prop::collection::vec(
                (
                    "[a-c é;=\"\\\\\r\n]{0,8}",
                    prop::option::of("[a-c./ é;=\"\\\\\r\n]{0,8}"),
                    form(),
                ),
                0..4,
            ),
            sizes in prop::collection::vec(1_usize..40, 1..8),
        ) {
            let delimiter = format!("--{boundary}");
            let inner = format!("\r\n{delimiter}");
            let holds = |content: &[u8]| {
                content.starts_with(delimiter.as_bytes())
                    || memchr::memmem::find(content, inner.as_bytes()).is_some()
            };
            let parts: Vec<_> = parts
                .into_iter()
                .filter(|(_, _, content)| !holds(content))
                .collect();
            let form = written(boundary, &parts);
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let boundary = Boundary::of(content_type.as_bytes()).unwrap();
            let pieces = cut_into(&form, |n| sizes[n % sizes.len()]);
            let found = steps(&boundary, MultipartLimits::default(), &pieces);
            prop_assert_eq!(found, expected(&parts));
        }
    }
}
