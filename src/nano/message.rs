//! # Messages: what is in a data packet
//!
//! A byte of flags, then by the type an id, a route, or both, and the data as it is.

use super::{Dictionary, Fault};

/// The longest route that is written out: its length has one byte.
const ROUTE_BYTES_MAX: usize = 255;
/// The longest id: 64 bits in groups of seven.
const ID_BYTES_MAX: usize = 10;
/// The flag of a route that is a code.
const COMPRESSED: u8 = 1;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A client asks, and wants an answer.
    Request = 0,
    /// A client tells.
    Notify = 1,
    /// A server answers.
    Response = 2,
    /// A server tells.
    Push = 3,
}

impl Kind {
    const fn has_id(self) -> bool {
        matches!(self, Self::Request | Self::Response)
    }

    const fn has_route(self) -> bool {
        !matches!(self, Self::Response)
    }
}

/// One message. What its kind does not have is 0 or empty.
///
/// ```
/// use parlour::nano::{Dictionary, Kind, Message};
///
/// let dictionary = Dictionary::of([("room.join", 1)])?;
/// let join = Message { kind: Kind::Request, id: 7, route: "room.join", data: b"{}" };
/// let mut bytes = Vec::new();
/// join.write(&dictionary, &mut bytes);
/// assert_eq!(bytes, b"\x01\x07\0\x01{}");
/// assert_eq!(Message::read(&bytes, &dictionary)?, join);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Which request it is, or answers.
    pub id: u64,
    /// What it is about.
    pub route: &'a str,
    /// What it says.
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// What a data packet says. Flags that nobody knows mean nothing here.
    pub fn read(bytes: &'a [u8], dictionary: &'a Dictionary) -> Result<Self, Fault> {
        let (&flags, mut rest) = bytes.split_first().ok_or(Fault::EmptyMessage)?;
        let kind = match flags >> 1 & 7 {
            0 => Kind::Request,
            1 => Kind::Notify,
            2 => Kind::Response,
            3 => Kind::Push,
            _ => return Err(Fault::UnknownMessage),
        };
        let id = if kind.has_id() {
            read_id(&mut rest)?
        } else {
            0
        };
        if kind == Kind::Request && id == 0 {
            return Err(Fault::RequestWithoutId);
        }
        let route = match kind.has_route() {
            false => "",
            true if flags & COMPRESSED != 0 => {
                let (code, after) = rest.split_first_chunk().ok_or(Fault::TruncatedRoute)?;
                rest = after;
                let found = dictionary.route(u16::from_be_bytes(*code));
                found.ok_or(Fault::UnknownRouteCode)?
            }
            true => {
                let (&len, after) = rest.split_first().ok_or(Fault::TruncatedRoute)?;
                let (route, after) = after
                    .split_at_checked(usize::from(len))
                    .ok_or(Fault::TruncatedRoute)?;
                rest = after;
                std::str::from_utf8(route).map_err(|_| Fault::RouteNotText)?
            }
        };
        Ok(Self {
            kind,
            id,
            route,
            data: rest,
        })
    }

    /// Appends the message, without the packet around it.
    ///
    /// # Panics
    ///
    /// If the route is longer than 255 bytes and not in the dictionary.
    pub fn write(&self, dictionary: &Dictionary, out: &mut Vec<u8>) {
        let code = Some(self.route)
            .filter(|_| self.kind.has_route())
            .and_then(|route| dictionary.code(route));
        out.push((self.kind as u8) << 1 | if code.is_some() { COMPRESSED } else { 0 });
        if self.kind.has_id() {
            write_id(self.id, out);
        }
        match code {
            Some(code) => out.extend_from_slice(&code.to_be_bytes()),
            None if self.kind.has_route() => {
                assert!(
                    self.route.len() <= ROUTE_BYTES_MAX,
                    "a route's length has one byte"
                );
                out.push(self.route.len() as u8);
                out.extend_from_slice(self.route.as_bytes());
            }
            None => {}
        }
        out.extend_from_slice(self.data);
    }

    /// Whether a route can be written.
    pub fn fits(route: &str, dictionary: &Dictionary) -> bool {
        route.len() <= ROUTE_BYTES_MAX || dictionary.code(route).is_some()
    }
}

fn read_id(rest: &mut &[u8]) -> Result<u64, Fault> {
    let mut id = 0_u64;
    for place in 0..ID_BYTES_MAX {
        let (&byte, after) = rest.split_first().ok_or(Fault::BadMessageId)?;
        *rest = after;
        let group = u64::from(byte & 0x7f);
        // Of the tenth group there is room for one bit.
        if place == ID_BYTES_MAX - 1 && byte > 1 {
            return Err(Fault::BadMessageId);
        }
        id |= group << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(id);
        }
    }
    Err(Fault::BadMessageId)
}

fn write_id(mut id: u64, out: &mut Vec<u8>) {
    while id >= 0x80 {
        out.push(id as u8 | 0x80);
        id >>= 7;
    }
    out.push(id as u8);
}
