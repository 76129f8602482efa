//! Autobahn 6: what is UTF-8 and what is not, and how soon the server says so.

use crate::support::*;

/// Every edge of Unicode 15, table 3-7, and a few languages between them.
const TEXTS: [&str; 22] = [
    "",
    "\0",
    "\u{7f}",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{fff}",
    "\u{1000}",
    "\u{cfff}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}\u{ffff}",
    "\u{10000}",
    "\u{3ffff}",
    "\u{40000}",
    "\u{fffff}",
    "\u{100000}",
    "\u{10ffff}",
    "\u{feff}with a mark",
    "κόσμε, Grüße, 日本語, שלום",
    "👩‍👩‍👧‍👦 and 🏳️‍🌈",
];

/// Bytes that are no text: good ones, and up to the first that cannot be right; then whatever.
const NO_TEXTS: [(&str, &[u8], &[u8]); 38] = [
    ("a lone continuation, first", b"\x80", b""),
    ("a lone continuation, last", b"\xbf", b""),
    ("two continuations", b"\x80", b"\xbf"),
    ("a continuation after text", b"abc\x80", b"def"),
    ("a continuation too many", b"\xce\xba\xba", b"a"),
    ("c0", b"\xc0", b"\xaf"),
    ("c1", b"\xc1", b"\xbf"),
    ("f5", b"\xf5", b"\x80\x80\x80"),
    ("f7", b"\xf7", b"\xbf\xbf\xbf"),
    ("five bytes long", b"\xf8", b"\x88\x80\x80\x80"),
    ("six bytes long", b"\xfc", b"\x84\x80\x80\x80\x80"),
    ("fe", b"\xfe", b""),
    ("ff", b"\xff", b""),
    ("overlong slash in two", b"/\xc0", b"\xaf/"),
    ("overlong slash in three", b"\xe0\x80", b"\xaf"),
    ("overlong slash in four", b"\xf0\x80", b"\x80\xaf"),
    ("overlong nul in three", b"\xe0\x80", b"\x80"),
    ("highest overlong of three", b"\xe0\x9f", b"\xbf"),
    ("highest overlong of four", b"\xf0\x8f", b"\xbf\xbf"),
    ("first surrogate", b"\xed\xa0", b"\x80"),
    ("last high surrogate", b"\xed\xaf", b"\xbf"),
    ("first low surrogate", b"\xed\xb0", b"\x80"),
    ("last surrogate", b"\xed\xbf", b"\xbf"),
    ("a pair of surrogates", b"\xed\xa0", b"\x80\xed\xb0\x80"),
    ("beyond the last character", b"\xf4\x90", b"\x80\x80"),
    ("far beyond the last character", b"\xf4\xbf", b"\xbf\xbf"),
    ("two bytes, broken by text", b"\xc3a", b"b"),
    ("three bytes, broken after one", b"\xe3a", b"b"),
    ("three bytes, broken after two", b"\xe3\x81a", b"b"),
    ("four bytes, broken after one", b"\xf0a", b"b"),
    ("four bytes, broken after two", b"\xf0\x9fa", b"b"),
    ("four bytes, broken after three", b"\xf0\x9f\x98a", b"b"),
    ("two starts", b"\xc3\xc3", b"\xa9"),
    (
        "three-byte start, then a start",
        b"\xe2\x82\xe2",
        b"\x82\xac",
    ),
    (
        "Autobahn's long example",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90",
        b"ed",
    ),
    (
        "after a long good part",
        b"0123456789abcdef0123456789abcdef0123456789abcdef\xff",
        b"x",
    ),
    (
        "after wide characters",
        "日本語日本語日本語日本語日本語\u{10ffff}".as_bytes(),
        b"\xed\xa0",
    ),
    ("latin-1", b"caf\xe9 ", b"au lait"),
];

/// Good as far as they go, but not to be left like that.
const CUT_SHORT: [&[u8]; 11] = [
    b"\xc2",
    b"\xdf",
    b"\xe0\xa0",
    b"\xe2\x82",
    b"\xed\x9f",
    b"\xef\xbf",
    b"\xf0\x90\x80",
    b"\xf0\x9f",
    b"\xf4",
    b"\xf4\x8f\xbf",
    b"good \xf0\x9f\x98",
];

/// The place of the first byte that cannot be right, found by the definition alone.
fn offending(bytes: &[u8]) -> usize {
    (0..bytes.len())
        .find(|at| std::str::from_utf8(&bytes[..=*at]).is_err_and(|e| e.error_len().is_some()))
        .expect("something is wrong with it")
}

#[test]
fn text_comes_back_whole_and_in_fragments() {
    let server = Server::echo();
    for words in TEXTS {
        check(&server, words, &text(words), &[say(words)]);
        let mut sent = first(TEXT, b"");
        words
            .as_bytes()
            .iter()
            .for_each(|byte| sent.extend(middle(&[*byte])));
        sent.extend(last(b""));
        check(
            &server,
            &format!("{words:?}, a frame a byte"),
            &sent,
            &[say(words)],
        );
    }
}

#[test]
fn every_cut_through_a_character_is_lawful() {
    let server = Server::echo();
    let words = "a\u{e9}\u{20ac}\u{1f600}\u{10ffff}z";
    for cut in 0..=words.len() {
        let (head, tail) = words.as_bytes().split_at(cut);
        let sent = [first(TEXT, head), ping(b"p"), last(tail)].concat();
        check(
            &server,
            &format!("cut at {cut}"),
            &sent,
            &[ponged(b"p"), say(words)],
        );
    }
}

#[test]
fn what_is_no_text_is_refused() {
    let server = Server::echo();
    for (name, bad, tail) in NO_TEXTS {
        let body = [bad, tail].concat();
        check(
            &server,
            name,
            &frame(true, 0, TEXT, MASK, &body),
            &[NOT_TEXT],
        );
        let sent = [text("good"), frame(true, 0, TEXT, MASK, &body)].concat();
        check(
            &server,
            &format!("{name}, later"),
            &sent,
            &[say("good"), NOT_TEXT],
        );
    }
}

#[test]
fn what_is_no_text_is_good_as_binary() {
    let server = Server::echo();
    for (name, bad, tail) in NO_TEXTS {
        let body = [bad, tail].concat();
        check(&server, name, &binary(&body), &[bytes(&body)]);
    }
}

#[test]
fn the_first_wrong_byte_ends_it_before_the_frame_is_complete() {
    let server = Server::echo();
    for (name, bad, tail) in NO_TEXTS {
        let body = [bad, tail].concat();
        let sent = text_cut_after_wrong_byte(&body);
        check(&server, name, &sent, &[NOT_TEXT]);
    }
}

/// A frame that promises 1000 bytes more than `body` and stops at its first wrong byte.
fn text_cut_after_wrong_byte(body: &[u8]) -> Vec<u8> {
    let whole = frame(true, 0, TEXT, MASK, &[body, &[b'x'; 1000]].concat());
    let until = whole.len() - 1000 - body.len() + offending(body) + 1;
    whole[..until].to_vec()
}

#[test]
fn the_first_wrong_byte_ends_it_before_the_message_is_complete() {
    let server = Server::echo();
    for (name, bad, tail) in NO_TEXTS {
        let body = [bad, tail].concat();
        let (good, rest) = body.split_at(offending(&body));
        let mut peer = Peer::open(&server);
        // The pong proves that everything before the wrong byte was still welcome.
        peer.send(&[first(TEXT, good), ping(b"still here")].concat());
        peer.expect(&ponged(b"still here"));
        peer.send(&middle(&rest[..1]));
        peer.hear(name, &[NOT_TEXT]);
    }
}

#[test]
fn a_message_may_not_end_inside_a_character() {
    let server = Server::echo();
    for body in CUT_SHORT {
        let name = body.escape_ascii().to_string();
        check(
            &server,
            &name,
            &frame(true, 0, TEXT, MASK, body),
            &[NOT_TEXT],
        );
        let sent = [first(TEXT, body), ping(b"p"), last(b"")].concat();
        check(
            &server,
            &format!("{name}, then nothing"),
            &sent,
            &[ponged(b"p"), NOT_TEXT],
        );
    }
}

#[test]
fn a_character_may_not_go_on_in_the_next_message() {
    let server = Server::echo();
    let sent = [
        frame(true, 0, TEXT, MASK, b"\xc3"),
        frame(true, 0, TEXT, MASK, b"\xa9"),
    ]
    .concat();
    check(&server, "a character in two messages", &sent, &[NOT_TEXT]);
}

#[test]
fn a_wrong_byte_deep_inside_a_large_text_is_found() {
    let server = Server::echo();
    for at in [0, 1, 63, 64, 4095, 65_535, 65_536, 99_999] {
        let mut body = prose(100_000).into_bytes();
        body[at] = 0xff;
        let sent = frame(true, 0, TEXT, MASK, &body);
        check_in_pieces(
            &server,
            &format!("wrong at {at}"),
            &sent,
            16_384,
            &[NOT_TEXT],
        );
    }
}
