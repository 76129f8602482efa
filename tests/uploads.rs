//! # Uploads that are held, over real sockets
//!
//! Readiness is told once: a body that is left with the kernel has to be found again when the app
//! goes on with it, also if its peer has said all and has nothing more to announce it with.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "in a test a broken assumption ends the test, and its server and client have threads"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use parlour::ground::time::Instant;
use parlour::http::{Head, Response};
use parlour::reactor::driver::Driver;
use parlour::reactor::driver::listeners::Address;
use parlour::reactor::{Answer, App, Call, Net, Reception, Request, Settings};

/// More than all buffers of a connection hold.
const UPLOAD_BYTES: usize = 8 << 20;

/// Sums bodies up, and takes a rest after each piece.
#[derive(Debug, Default)]
struct Sums {
    sum: u64,
    held: Option<(Call, Instant)>,
}

impl App for Sums {
    fn reception(&mut self, call: Call, _: &Head<'_>, net: &mut Net) -> Reception {
        self.rest(call, net);
        Reception::Stream {
            bytes_max: UPLOAD_BYTES as u64,
        }
    }

    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        assert!(self.held.is_none(), "nothing comes while it rests");
        self.sum += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        self.rest(call, net);
    }

    fn request(&mut self, _: Call, request: &Request<'_>, _: &mut Net) -> Answer {
        assert!(self.held.is_none() && request.body.is_empty());
        Response::text(std::mem::take(&mut self.sum).to_string()).into()
    }

    fn deadline(&self) -> Option<Instant> {
        self.held.map(|(_, until)| until)
    }

    fn elapsed(&mut self, net: &mut Net) {
        if let Some((call, _)) = self.held.take() {
            net.resume(call);
        }
    }
}

impl Sums {
    fn rest(&mut self, call: Call, net: &mut Net) {
        net.pause(call);
        self.held = Some((call, Instant(net.now().instant.0 + 1)));
    }
}

/// Says all of it, ends its side if `ends`, and reads the answer.
fn upload(address: SocketAddr, head: &str, body: &[u8], ends: bool) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    if ends {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_upload_arrives_whole_however_often_it_is_held() {
    let driver = Driver::open(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let Address::Tcp(address) = driver.addresses()[0] else {
        panic!("it listens where it was told");
    };
    let bell = driver.bell();
    let server = thread::spawn(move || driver.run(Sums::default(), Settings::default(), 1));
    let body: Vec<u8> = (0..UPLOAD_BYTES).map(|at| (at / 7) as u8).collect();
    let sum = body.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    let start = "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n";
    let measured = format!("{start}Content-Length: {UPLOAD_BYTES}\r\n\r\n");
    let chunked = format!("{start}Transfer-Encoding: chunked\r\n\r\n{UPLOAD_BYTES:x}\r\n");
    let in_a_chunk = [&body[..], b"\r\n0\r\n\r\n"].concat();
    for ends in [false, true] {
        for (head, body) in [(&measured, &body), (&chunked, &in_a_chunk)] {
            let answer = upload(address, head, body, ends);
            assert!(answer.ends_with(&format!("\r\n\r\n{sum}")), "{answer}");
        }
    }
    bell.stop();
    server.join().unwrap().unwrap();
}
