//! Autobahn 9: large messages, and those that are too large.

use crate::support::*;

const MESSAGE_BYTES_MAX: usize = 16 << 20;

#[test]
fn a_message_of_sixteen_mebibytes_comes_back() {
    let server = Server::echo();
    let body = pattern(MESSAGE_BYTES_MAX);
    check_in_pieces(
        &server,
        "one frame",
        &binary(&body),
        1 << 16,
        &[bytes(&body)],
    );
    let half = MESSAGE_BYTES_MAX / 2;
    let sent = [first(BINARY, &body[..half]), last(&body[half..])].concat();
    check_in_pieces(&server, "two frames", &sent, 1 << 16, &[bytes(&body)]);
}

#[test]
fn a_frame_that_is_too_large_is_refused_by_its_header() {
    let server = Server::echo();
    let over = MESSAGE_BYTES_MAX as u64 + 1;
    for length in [
        over,
        1 << 31,
        1 << 32,
        (1 << 32) + 5,
        1 << 62,
        (1 << 63) - 1,
    ] {
        for opcode in [TEXT, BINARY] {
            let sent = header(true, 0, opcode, MASK, Size::SixtyFour, length);
            check(&server, &format!("{length} bytes"), &sent, &[TOO_BIG]);
            let sent = [text("good"), sent].concat();
            check(
                &server,
                &format!("{length} bytes, later"),
                &sent,
                &[say("good"), TOO_BIG],
            );
        }
    }
}

#[test]
fn fragments_that_are_too_large_together_are_refused() {
    let server = Server::echo();
    let over = MESSAGE_BYTES_MAX as u64 - 2;
    let sent = [
        first(BINARY, b"abc"),
        header(true, 0, CONTINUATION, MASK, Size::SixtyFour, over),
    ];
    check(
        &server,
        "a small one and a large one",
        &sent.concat(),
        &[TOO_BIG],
    );
    let quarter = pattern(MESSAGE_BYTES_MAX / 4);
    let mut sent = first(TEXT, &vec![b'a'; quarter.len()]);
    for _ in 0..3 {
        sent.extend(middle(&vec![b'a'; quarter.len()]));
    }
    sent.extend(frame(false, 0, CONTINUATION, MASK, b"a"));
    check_in_pieces(
        &server,
        "four quarters and a byte",
        &sent,
        1 << 16,
        &[TOO_BIG],
    );
}

#[test]
fn a_continuation_that_overflows_the_count_is_refused() {
    let server = Server::echo();
    for length in [(1 << 63) - 1, (1 << 63) - 2] {
        let over = header(true, 0, CONTINUATION, MASK, Size::SixtyFour, length);
        let sent = [first(BINARY, b"abc"), over].concat();
        check(&server, &format!("3 + {length}"), &sent, &[TOO_BIG]);
    }
}

#[test]
fn a_reader_that_pauses_gets_everything() {
    let server = Server::echo();
    let mut peer = Peer::open(&server);
    let body = pattern(1 << 20);
    // Sixteen answers of a mebibyte do not fit into socket buffers: the server has to keep them, or
    // to stop reading; another thread writes so that neither side waits for the other.
    let mut writer = peer.stream().try_clone().unwrap();
    let sent = binary(&body);
    let writing = std::thread::spawn(move || {
        for _ in 0..16 {
            std::io::Write::write_all(&mut writer, &sent).unwrap();
        }
    });
    std::thread::park_timeout(std::time::Duration::from_millis(100));
    for _ in 0..16 {
        peer.expect(&bytes(&body));
    }
    writing.join().unwrap();
    peer.hear("sixteen mebibytes", &[]);
}
