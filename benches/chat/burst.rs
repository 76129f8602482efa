//! # A thousand people sign in at once
//!
//! While others talk at a steady pace. Each sign-in is a `POST /api/v1/tokens` with a password, which
//! takes the hasher 13 ms; who is told to come again does.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{PATIENCE, scratch};
use crate::durable::place;
use crate::measure::millis;
use crate::pace::{Talk, town};
use crate::server::Server;

const SIGN_INS: u32 = 1000;
const PASSWORD: &str = "correct horse battery";

/// Somebody at the door.
struct Caller {
    stream: TcpStream,
    answer: Vec<u8>,
    user: u32,
    again: Option<Instant>,
}

impl Caller {
    fn new(address: &str, user: u32) -> Outcome<Self> {
        let mut caller = Self {
            stream: TcpStream::connect(address)?,
            answer: Vec::new(),
            user,
            again: None,
        };
        caller.ask()?;
        caller.stream.set_nonblocking(true)?;
        Ok(caller)
    }

    fn ask(&mut self) -> Outcome {
        let body = format!(r#"{{"name":"u{}","password":"{PASSWORD}"}}"#, self.user);
        let request = format!(
            "POST /api/v1/tokens HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Whether they are in.
    fn is_in(&mut self, scratch: &mut [u8]) -> Outcome<bool> {
        if let Some(again) = self.again {
            if again > Instant::now() {
                return Ok(false);
            }
            self.again = None;
            self.ask()?;
        }
        match self.stream.read(scratch) {
            Ok(0) => return Err("the server has hung up on a sign-in".into()),
            Ok(read) => self.answer.extend(&scratch[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let answer = String::from_utf8_lossy(&self.answer);
        let status = answer.get(9..12).unwrap_or_default().to_owned();
        // Bodies are shorter than a segment, so what begins is whole.
        self.answer.clear();
        match status.as_str() {
            "200" | "201" => Ok(true),
            "503" | "429" => {
                self.again = Some(Instant::now() + Duration::from_millis(500));
                Ok(false)
            }
            other => Err(format!("a sign-in is answered {other}").into()),
        }
    }
}

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    town(folder.path(), &parlour::web::password::hash_now(PASSWORD)?)?;
    let server = Server::chat(folder.path())?;
    let mut scratch = scratch();
    let mut talk = Talk::begin(&server, &mut scratch)?;
    talk.go_on(Duration::from_secs(2), &mut scratch, |_| Ok(true))?;
    let mut without = talk.go_on(Duration::from_secs(10), &mut scratch, |_| Ok(true))?;
    let mut callers = Vec::new();
    for user in 1..=SIGN_INS {
        callers.push(Caller::new(&server.address, user)?);
    }
    let begun = Instant::now();
    let mut with = talk.go_on(PATIENCE, &mut scratch, |scratch| {
        let mut error = None;
        callers.retain_mut(|caller| match caller.is_in(scratch) {
            Ok(is_in) => !is_in,
            Err(why) => {
                error = Some(why);
                true
            }
        });
        error.map_or(Ok(!callers.is_empty()), Err)
    })?;
    let (calm, rush) = (without.quantile(0.99), with.quantile(0.99));
    println!(
        "  {SIGN_INS} sign-ins in {:.1?}: p99 of deliveries {:.2} ms, {:.2} ms without: {:.2} (at \
         most 3)",
        begun.elapsed(),
        millis(rush),
        millis(calm),
        rush.as_secs_f64() / calm.as_secs_f64()
    );
    Ok(())
}
