//! # The command line, listening and leaving

use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Dialogue, Server, eventually, holds_within, parlour, run};

const GET: &str = "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n";
/// What a person would call at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Asks for the state of health over a dialogue.
#[track_caller]
fn healthy(mut dialogue: Dialogue) {
    dialogue.send(GET);
    let answer = dialogue.response();
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
}

// ------------------------------------------------------------------------------ the command line

#[test]
fn help_names_every_command_and_option() {
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let said = run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        assert_eq!(
            said.stderr, "",
            "{arguments:?}: help that was asked for is no error"
        );
        for word in ["serve", "--listen", "--echo", "--help"] {
            assert!(
                said.stdout.contains(word),
                "{arguments:?} does not tell of {word}: {said:?}"
            );
        }
    }
}

#[test]
fn the_version_is_one_line() {
    let said = run(&["--version"]);
    let line = format!("parlour {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (said.code, said.stdout, said.stderr),
        (Some(0), line, String::new())
    );
}

#[test]
fn a_bad_argument_is_named_and_the_way_out_is_told() {
    // Each row: the arguments, and what the message must name.
    let rows: [(&[&str], &str); 9] = [
        (&["--lisen", "127.0.0.1:0"], "--lisen"),
        (&["srve"], "srve"),
        (&["serve", "--no-such-option"], "--no-such-option"),
        (&["serve", "more"], "more"),
        (&["serve", "--listen"], "--listen"),
        (&["serve", "--listen", "nonsense"], "nonsense"),
        (&["serve", "--listen", "127.0.0.1:99999"], "127.0.0.1:99999"),
        (&["serve", "--listen", "unix:"], "unix:"),
        (&["serve", "--echo=yes"], "--echo"),
    ];
    let ways_out = ["--help", "127.0.0.1", "ADDRESS", "HOST:PORT", "unix:PATH"];
    for (arguments, name) in rows {
        let said = run(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert_eq!(
            said.stdout, "",
            "{arguments:?}: errors go to standard error"
        );
        assert!(
            said.stderr.contains(name),
            "{arguments:?}: {name} is not named: {said:?}"
        );
        let rest = said.stderr.replace(name, "");
        let told = ways_out.iter().any(|way| rest.contains(way));
        assert!(
            told,
            "{arguments:?}: the message does not say what to do: {said:?}"
        );
        assert!(!said.stderr.contains("panicked"), "{arguments:?}: {said:?}");
    }
}

#[test]
fn serve_is_what_it_does_by_default() {
    let mut command = parlour();
    command
        .args(["--listen", "127.0.0.1:0"])
        .stdin(Stdio::null());
    let server = Server::start_as(command, 1);
    healthy(server.dialogue());
}

// ------------------------------------------------------------------------------------- listening

#[test]
fn it_says_where_it_listens_and_nothing_more() {
    let mut server = Server::echo();
    let port = server.address().port();
    assert_ne!(port, 0, "the ready line names the port that was given");
    healthy(server.dialogue());
    server.terminate();
    server.exit_within(AT_ONCE);
    assert_eq!(
        server.stdout(),
        format!("listening on http://127.0.0.1:{port}\n")
    );
}

#[test]
fn it_listens_on_every_address_it_is_given() {
    let second = match TcpListener::bind("[::1]:0") {
        Ok(_) => "[::1]:0",
        Err(_) => "127.0.0.1:0", // a machine without version 6
    };
    let server = Server::start(&["--listen", "127.0.0.1:0", "--listen", second]);
    let lines = server.listening_on();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("http://127.0.0.1:"),
        "in the order given: {lines:?}"
    );
    assert!(
        lines[1].starts_with(&format!("http://{}", second.trim_end_matches('0'))),
        "{lines:?}"
    );
    for line in lines {
        healthy(Dialogue::open(
            line.strip_prefix("http://").unwrap().parse().unwrap(),
        ));
    }
}

#[test]
fn a_unix_socket_is_an_address_too() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("parlour.sock");
    let address = format!("unix:{}", path.display());
    let mut server = Server::start(&["--echo", "--listen", &address]);
    assert_eq!(server.listening_on(), [address]);
    healthy(Dialogue::open_unix(&path));

    let mut dialogue = Dialogue::open_unix(&path);
    let body = "x".repeat(100_000);
    let head = "POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\n";
    dialogue.send(head.to_owned() + &body);
    assert_eq!(dialogue.response().text(), body);
    dialogue.finish();
    dialogue.closed();

    server.terminate();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

#[test]
fn an_address_in_use_is_an_error_with_its_name() {
    let server = Server::echo();
    let address = server.address().to_string();
    let said = run(&["serve", "--listen", &address]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.stdout, "", "it was never ready");
    assert!(
        said.stderr.contains(&address),
        "the address is not named: {said:?}"
    );
    assert!(
        said.stderr.to_lowercase().contains("in use"),
        "the reason is not told: {said:?}"
    );
    assert!(!said.stderr.contains("panicked"), "{said:?}");
    healthy(server.dialogue());
}

#[test]
fn nothing_listens_when_one_of_two_addresses_cannot() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&["serve", "--listen", "127.0.0.1:0", "--listen", &address]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.stdout, "", "it was never ready");
    assert!(
        said.stderr.contains(&address),
        "the address is not named: {said:?}"
    );
}

/// A server that is handed a socket by the service manager.
fn served_by(listener: TcpListener) -> Server {
    // As sd_listen_fds(3) has it: the sockets begin at descriptor 3, for this process alone.
    let script = "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" serve 3<&0 0</dev/null";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_parlour")]);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    Server::start_as(command, 1)
}

#[test]
fn a_socket_handed_over_by_the_service_manager_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = served_by(listener);
    assert_eq!(server.address(), address);
    healthy(server.dialogue());
    server.terminate();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

/// `accept` fails for as long as the socket does not listen: whoever handed it over can see to that.
#[test]
fn an_error_of_accept_that_lasts_is_told_when_it_begins_and_when_it_is_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = socket2::Socket::from(listener.try_clone().unwrap());
    let server = served_by(listener);
    healthy(server.dialogue());
    let began = "accepting a connection failed";
    let over = "accepting connections works again";
    ours.shutdown(Shutdown::Both).unwrap();
    eventually("the log tells of it", || server.stderr().contains(began));
    let is_told_again = || server.stderr().matches(began).count() > 1;
    let for_some_tries = Duration::from_millis(500);
    assert!(
        !holds_within(for_some_tries, is_told_again),
        "it is told once"
    );
    ours.listen(16).unwrap();
    eventually("it is over", || server.stderr().contains(over));
    // The system has chosen another port for it.
    let address = ours.local_addr().unwrap().as_socket().unwrap();
    healthy(Dialogue::open(address));
    let log = server.stderr();
    assert!(!is_told_again(), "{log}");
    assert_eq!(log.matches(over).count(), 1, "{log}");
}

// --------------------------------------------------------------------------------------- leaving

#[test]
fn idle_it_leaves_at_once() {
    let mut server = Server::echo();
    server.terminate();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

#[test]
fn idle_connections_do_not_hold_it_back() {
    let mut server = Server::echo();
    let mut silent = server.dialogue();
    let mut served = server.dialogue();
    served.send(GET);
    assert_eq!(served.response().status, 200);
    server.terminate();
    served.closed();
    silent.closed();
    // Who was just answered is waited for a little, so that the answer arrives; clients that see the
    // end go, too.
    drop(served);
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

/// A dialogue with an answer of 12 MiB, more than the sockets hold, of which only the head is read.
fn answer_on_its_way(server: &Server) -> (Dialogue, Vec<u8>) {
    let body: Vec<u8> = (0..12_u32 << 20)
        .map(|n| n.wrapping_mul(2_654_435_761) as u8)
        .collect();
    let mut dialogue = server.dialogue();
    dialogue.send(format!(
        "POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    dialogue.send(&body);
    assert_eq!(dialogue.head_alone().status, 200);
    (dialogue, body)
}

#[test]
fn an_answer_on_its_way_is_finished_first() {
    let mut server = Server::echo();
    let (mut dialogue, body) = answer_on_its_way(&server);
    server.terminate();
    eventually("nobody new is let in", || !server.accepts());
    assert!(server.is_running(), "it left with an answer on its way");
    assert!(dialogue.exactly(body.len()) == body, "the answer differs");
    dialogue.closed();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::echo();
    let (_dialogue, _) = answer_on_its_way(&server);
    server.terminate();
    eventually("nobody new is let in", || !server.accepts());
    assert!(server.is_running(), "it left with an answer on its way");
    server.terminate();
    server.exit_within(AT_ONCE);
}

#[test]
fn a_websocket_is_told_that_the_server_goes_away() {
    let mut server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send(
        "GET /echo HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    assert_eq!(dialogue.response().status, 101);
    dialogue.send(b"\x81\x82\0\0\0\0hi");
    assert_eq!(dialogue.exactly(4), b"\x81\x02hi");
    server.terminate();
    let head = dialogue.exactly(2);
    assert_eq!(head[0], 0x88, "a close frame, whole and alone");
    assert!(
        (2..126).contains(&head[1]),
        "unmasked, with a code: {head:?}"
    );
    let payload = dialogue.exactly(usize::from(head[1]));
    assert_eq!(payload[..2], [0x03, 0xe9], "1001, going away");
    assert!(
        std::str::from_utf8(&payload[2..]).is_ok(),
        "a reason is text: {payload:?}"
    );
    dialogue.send(b"\x88\x82\0\0\0\0\x03\xe9");
    dialogue.closed();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
}

#[test]
fn the_port_is_free_again_when_it_has_left() {
    let mut server = Server::echo();
    let address = server.address();
    healthy(server.dialogue());
    server.terminate();
    assert_eq!(
        server.exit_within(AT_ONCE).code(),
        Some(0),
        "{}",
        server.stderr()
    );
    let again = Server::start(&["--listen", &address.to_string()]);
    assert!(
        holds_within(AT_ONCE, || again.accepts()),
        "a restart does not get its port back"
    );
}
