//! # Receiver: somebody's server to which webhooks are sent
//!
//! It does with each request what its script says next, and in the end the last thing again; what it was
//! sent it hands to the test.

#![expect(
    clippy::disallowed_methods,
    reason = "a server that a test plays beside the real one has its own threads"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Letters, Sender, channel};
use std::thread;

use serde_json::Value;

use crate::strict::PATIENCE;

/// What it does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Answers with a status and a body.
    Answers(u16, &'static str),
    /// Sends whoever asks elsewhere.
    Redirects(String),
    /// Says something that is no HTTP.
    Babbles,
    /// Closes before it says anything.
    HangsUp,
    /// Closes in the middle of its answer.
    BreaksOff,
    /// Says nothing, as long as the test runs.
    Waits,
    /// Answers with more than anybody wants.
    Floods,
}

/// Something that it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    head: String,
    pub(crate) body: String,
}

impl Letter {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {}", self.head))
            .1
    }
}

/// The server.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    letters: Letters<Letter>,
}

impl Receiver {
    /// Begins to listen, and does what `script` says, request by request.
    pub(crate) fn start(script: &[Does]) -> Self {
        Self::start_with(script, None)
    }

    /// The same over TLS, with the certificate and the key of these tests.
    pub(crate) fn start_tls(script: &[Does]) -> Self {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/certificate.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key)
            .unwrap();
        Self::start_with(script, Some(Arc::new(config)))
    }

    fn start_with(script: &[Does], tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, letters) = channel();
        let mut script = script.to_vec();
        script.reverse();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let does = match script.len() {
                    1 => script[0].clone(),
                    _ => script.pop().unwrap(),
                };
                let (sender, tls) = (sender.clone(), tls.clone());
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    match tls {
                        None => serve(stream, &does, &sender),
                        Some(config) => {
                            let connection = rustls::ServerConnection::new(config).unwrap();
                            serve(rustls::StreamOwned::new(connection, stream), &does, &sender);
                        }
                    }
                });
            }
        });
        Self { address, letters }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    /// The next that it is sent.
    #[track_caller]
    pub(crate) fn letter(&self) -> Letter {
        self.letters.recv_timeout(PATIENCE).expect("a letter comes")
    }

    /// Whether it has been sent nothing more so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.letters.try_recv().is_err()
    }
}

fn serve(mut stream: impl Read + Write, does: &Does, sender: &Sender<Letter>) {
    let Some(letter) = read(&mut stream) else {
        return;
    };
    let _ = sender.send(letter);
    let answer = match does {
        Does::Answers(status, body) => {
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
        }
        Does::Redirects(to) => {
            format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
        }
        Does::Babbles => "220 mail.example.org ESMTP\r\n".to_owned(),
        Does::HangsUp => String::new(),
        Does::BreaksOff => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"te".to_owned(),
        Does::Waits => {
            let _ = stream.read(&mut [0]);
            return;
        }
        Does::Floods => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"text\":\"");
            while stream.write_all(&[b'a'; 4096]).is_ok() {}
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
}

fn read(stream: &mut impl Read) -> Option<Letter> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let value = line.to_ascii_lowercase();
                value
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or_default() {
                let (head, body) = (head.to_owned(), body.to_owned());
                return Some(Letter { head, body });
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return None,
        }
    }
}
