//! # Listeners: where peers come from
//!
//! TCP over IPv4 and IPv6, Unix sockets, and sockets that systemd opened for us. Accepting is
//! bounded per turn, and survives whatever `accept` can say: out of descriptors, one is kept in
//! reserve to take a peer in, tell it to come again, and let it go.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::leaving::{self, Leaving};
use super::sockets::{Sockets, Transport};
use crate::ground::time::Instant;
use crate::reactor::app::App;
use crate::reactor::connection::Peer;
use crate::reactor::engine::Engine;
use crate::reactor::net::nearest;
use crate::reactor::token::ConnId;

/// Peers taken in per listener and turn: the others who are there wait no longer than that.
pub const ACCEPTS_MAX: usize = 64;
/// Peers that the kernel may hold for us. Its own bound, `somaxconn`, is 4096 too.
const BACKLOG: i32 = 4096;
/// After an error that lasts, such as no memory for a socket.
const RETRY: Duration = Duration::from_millis(100);

/// Where to listen: `HOST:PORT`, `unix:PATH` or `systemd`; `tcp:HOST:PORT` for bytes without HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP. Port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// TCP without HTTP: what comes and goes are bytes as they are.
    Plain(SocketAddr),
    /// Every socket that systemd (or another that speaks `LISTEN_FDS`) handed over.
    Systemd,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Plain(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

impl Address {
    /// Where it is, if it is reached over TCP.
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Plain(address) => Some(*address),
            Self::Unix(_) | Self::Systemd => None,
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("unix: wants a path behind it, as in unix:/run/parlour.sock".into());
            }
            return Ok(Self::Unix(path.into()));
        }
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        let (kind, place): (fn(SocketAddr) -> Self, _) = match text.strip_prefix("tcp:") {
            Some(place) => (Self::Plain, place),
            None => (Self::Tcp, text),
        };
        let advice = "write HOST:PORT (127.0.0.1:8080, [::1]:8080), unix:PATH or systemd";
        place
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .map(kind)
            .ok_or_else(|| format!("'{text}' is no address to listen on: {advice}"))
    }
}

/// Why a server cannot listen.
#[derive(Debug)]
pub enum ListenError {
    /// The kernel gives us no poll.
    Loop(io::Error),
    /// An address cannot be had.
    Address(Address, io::Error),
    /// `systemd` was asked for, and nothing was handed over.
    NoSystemd,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop(error) => write!(f, "cannot start the event loop: {error}"),
            Self::Address(address, error) => {
                let advice = match error.kind() {
                    ErrorKind::AddrInUse => {
                        ": another program listens there; stop it or choose another address \
                         with --listen"
                    }
                    ErrorKind::PermissionDenied => {
                        ": ports below 1024 and other people's folders need permission; choose \
                         another address with --listen"
                    }
                    ErrorKind::AddrNotAvailable => ": no network of this machine has that address",
                    _ => "",
                };
                write!(f, "cannot listen on {address}: {error}{advice}")
            }
            Self::NoSystemd => f.write_str(
                "--listen systemd, but no socket was handed over: start it from a .socket unit",
            ),
        }
    }
}

impl std::error::Error for ListenError {}

#[derive(Debug)]
enum Socketed {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Debug)]
struct Listener {
    socket: Socketed,
    /// Its peers speak bytes as they are, without HTTP.
    is_plain: bool,
    /// What to remove in the end: a Unix socket that we made.
    path: Option<PathBuf>,
    /// Peers may be waiting.
    ready: bool,
    /// Tries in a row that failed for a reason that lasts.
    failures: u32,
}

/// All listeners.
#[derive(Debug)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    /// When to try again after an error that no event will announce the end of.
    retry_at: Option<Instant>,
    /// A descriptor in reserve, for the moment in which there is no other.
    spare: Option<File>,
    /// Peers that there is no place for.
    leaving: Leaving,
}

impl Listeners {
    pub(super) fn open(
        addresses: &[Address],
        registry: &Registry,
        first_token: usize,
    ) -> Result<Self, ListenError> {
        let mut all = Vec::new();
        for address in addresses {
            let failed = |error| ListenError::Address(address.clone(), error);
            match address {
                Address::Tcp(to) => {
                    let socket = Socketed::Tcp(listen_tcp(*to).map_err(failed)?);
                    all.push(Listener::new(socket, None));
                }
                Address::Plain(to) => {
                    let socket = Socketed::Tcp(listen_tcp(*to).map_err(failed)?);
                    let mut listener = Listener::new(socket, None);
                    listener.is_plain = true;
                    all.push(listener);
                }
                Address::Unix(path) => {
                    let socket = Socketed::Unix(listen_unix(path).map_err(failed)?);
                    all.push(Listener::new(socket, Some(path.clone())));
                }
                Address::Systemd => {
                    let handed_over = from_systemd().map_err(failed)?;
                    if handed_over.is_empty() {
                        return Err(ListenError::NoSystemd);
                    }
                    all.extend(handed_over);
                }
            }
        }
        for (index, listener) in all.iter_mut().enumerate() {
            let token = Token(first_token + index);
            match &mut listener.socket {
                Socketed::Tcp(socket) => registry.register(socket, token, Interest::READABLE),
                Socketed::Unix(socket) => registry.register(socket, token, Interest::READABLE),
            }
            .map_err(ListenError::Loop)?;
        }
        Ok(Self {
            all,
            retry_at: None,
            spare: File::open("/dev/null").ok(),
            leaving: Leaving::default(),
        })
    }

    pub(super) fn addresses(&self) -> Vec<Address> {
        let address = |listener: &Listener| match &listener.socket {
            Socketed::Tcp(socket) => {
                let address = socket.local_addr().ok()?;
                Some(match listener.is_plain {
                    true => Address::Plain(address),
                    false => Address::Tcp(address),
                })
            }
            Socketed::Unix(socket) => {
                let address = socket.local_addr().ok()?;
                Some(Address::Unix(address.as_pathname()?.to_owned()))
            }
        };
        self.all.iter().filter_map(address).collect()
    }

    pub(super) fn ready(&mut self, index: usize) {
        if let Some(listener) = self.all.get_mut(index) {
            listener.ready = true;
        }
    }

    /// When to be called again though nothing has happened.
    pub(super) fn next(&self) -> Option<Instant> {
        nearest(self.retry_at, self.leaving.next())
    }

    pub(super) fn left_over(&self) -> bool {
        self.all.iter().any(|listener| listener.ready)
    }

    /// Takes in whoever waits, up to the bound.
    pub(super) fn accept<A: App>(
        &mut self,
        engine: &mut Engine<A>,
        sockets: &mut Sockets,
        registry: &Registry,
    ) {
        let now = engine.net().now().instant;
        let Self {
            all,
            retry_at,
            spare,
            leaving,
        } = self;
        leaving.elapse(now);
        if retry_at.is_some_and(|at| at <= now) {
            *retry_at = None;
            all.iter_mut().for_each(|listener| listener.ready = true);
        }
        for listener in all.iter_mut().filter(|listener| listener.ready) {
            for _ in 0..ACCEPTS_MAX {
                match listener.socket.accept() {
                    Ok((transport, peer)) => {
                        listener.recovered();
                        let place = match listener.is_plain {
                            true => engine.accepted_plain(peer),
                            false => engine.accepted(peer),
                        };
                        match place {
                            Some(id) => take_in(transport, id, engine, sockets, registry),
                            // It would not understand why, and comes again by itself.
                            None if listener.is_plain => drop(transport),
                            None => leaving.turn_away(transport, now),
                        }
                    }
                    Err(error) => match error.kind() {
                        ErrorKind::WouldBlock => {
                            listener.recovered();
                            listener.ready = false;
                            break;
                        }
                        // The peer is gone already, or a signal came: on to the next.
                        ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                        _ if out_of_descriptors(&error) && shed(&listener.socket, spare) => {}
                        // Nothing that another try in this turn could mend, and no edge will come.
                        _ => {
                            listener.failed(&error);
                            listener.ready = false;
                            *retry_at = Some(now + RETRY);
                            break;
                        }
                    },
                }
            }
        }
    }

    /// Takes in nobody any more.
    pub(super) fn close(&mut self, registry: &Registry) {
        for mut listener in self.all.drain(..) {
            // It is about to be dropped: a registration that fails to go ends with it.
            let _ = match &mut listener.socket {
                Socketed::Tcp(socket) => registry.deregister(socket),
                Socketed::Unix(socket) => registry.deregister(socket),
            };
            if let Some(path) = listener.path {
                // Somebody may have removed it before us.
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Listener {
    fn new(socket: Socketed, path: Option<PathBuf>) -> Self {
        Self {
            socket,
            is_plain: false,
            path,
            ready: true,
            failures: 0,
        }
    }

    /// An error that lasts is told when it begins and when it is over, not at each try.
    fn failed(&mut self, error: &io::Error) {
        if self.failures == 0 {
            log::warn!("accepting a connection failed: {error}; it is tried again until it works");
        }
        self.failures = self.failures.saturating_add(1);
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            log::warn!(
                "accepting connections works again, after {} failures",
                self.failures
            );
            self.failures = 0;
        }
    }
}

impl Socketed {
    fn accept(&self) -> io::Result<(Transport, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                Ok((Transport::Tcp(stream), peer.into()))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok((Transport::Unix(stream), Peer::Local))
            }
        }
    }
}

fn take_in<A: App>(
    transport: Transport,
    id: ConnId,
    engine: &mut Engine<A>,
    sockets: &mut Sockets,
    registry: &Registry,
) {
    if let Transport::Tcp(stream) = &transport {
        // Without it small answers wait for the peer's acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
    }
    if let Err(error) = sockets.insert(id, transport, registry) {
        log::warn!("a connection cannot be watched: {error}");
        engine.failed(id);
    }
}

/// Out of descriptors: uses the one in reserve to tell a peer. Whether that went well.
fn shed(listener: &Socketed, spare: &mut Option<File>) -> bool {
    *spare = None;
    let accepted = listener.accept();
    let told = accepted.is_ok();
    if let Ok((transport, _)) = accepted {
        leaving::turn_away_at_once(transport);
    }
    *spare = File::open("/dev/null").ok();
    told && spare.is_some()
}

fn out_of_descriptors(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart need not wait for the last connections of the run before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A socket file that nobody listens at any more is what a crash left behind: it is replaced.
fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    // Any other error, such as that of a socket which is not ours to open, tells of somebody there.
    let nobody_listens = || {
        let connected = std::os::unix::net::UnixStream::connect(path);
        connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    if is_socket && nobody_listens() {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(UnixListener::from_std(socket.into()))
}

fn from_systemd() -> io::Result<Vec<Listener>> {
    let mut handed_over = listenfd::ListenFd::from_env();
    let mut all = Vec::new();
    for index in 0..handed_over.len() {
        let socket = if let Ok(Some(listener)) = handed_over.take_tcp_listener(index) {
            listener.set_nonblocking(true)?;
            Socketed::Tcp(TcpListener::from_std(listener))
        } else if let Ok(Some(listener)) = handed_over.take_unix_listener(index) {
            listener.set_nonblocking(true)?;
            Socketed::Unix(UnixListener::from_std(listener))
        } else {
            log::warn!("socket {index} that was handed over is no stream listener: left alone");
            continue;
        };
        all.push(Listener::new(socket, None));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let tcp = |text: &str| Ok(Address::Tcp(text.parse().unwrap()));
        assert_eq!("127.0.0.1:80".parse(), tcp("127.0.0.1:80"));
        assert_eq!("[::1]:0".parse(), tcp("[::1]:0"));
        let plain = Address::Plain("127.0.0.1:80".parse().unwrap());
        assert_eq!("tcp:127.0.0.1:80".parse(), Ok(plain));
        assert_eq!("unix:/a/b".parse(), Ok(Address::Unix("/a/b".into())));
        assert_eq!("systemd".parse(), Ok(Address::Systemd));
        for wrong in ["", "80", "unix:", "tcp:", "127.0.0.1", "127.0.0.1:x"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
