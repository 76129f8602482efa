//! # Bugs that were, each with the test that was seen failing

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use crate::support::{Server, run};

/// Readiness is edge-triggered, and each segment that arrived was an edge upon which a connection
/// was read that the engine had paused: it kept all that came.
#[test]
fn a_peer_that_does_not_read_cannot_say_without_end() {
    const FAR_TOO_MUCH: usize = 32 << 20; // the kernel holds less than 1 MiB
    // Over a Unix socket, where no window slows down who says a little at a time.
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("parlour.sock");
    let address = format!("unix:{}", path.display());
    let server = Server::start(&["--echo", "--listen", &address]);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    // An answer that the transport cannot take: nothing more is wanted until it is read.
    let head = "POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 16777216\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; 16 << 20]).unwrap();
    assert!(stream.read(&mut [0]).unwrap() > 0);
    let mut requests = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(50);
    let mut said = 0;
    while said < FAR_TOO_MUCH {
        match stream.write(&requests) {
            // What is left over begins the next write: the server sees one stream.
            Ok(count) => {
                said += count;
                requests.rotate_left(count);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!(
        "{said} bytes were taken, and the server holds {} KiB",
        server.rss_kib()
    );
}

/// Whatever could not be connected to counted as left behind by a crash, and was removed.
#[test]
fn a_socket_that_somebody_else_has_open_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");
    let _log = UnixDatagram::bind(&path).unwrap();
    let said = run(&["serve", "--listen", &format!("unix:{}", path.display())]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("in use"), "{said:?}");
    let client = UnixDatagram::unbound().unwrap();
    client.send_to(b"still there?", &path).unwrap();
}
