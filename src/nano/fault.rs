//! # Faults: every way in which a peer can break the protocol

use std::fmt;

/// The rule that a peer has broken. All of them end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A packet of type 0, or above 5.
    UnknownPacket,
    /// A packet whose body is longer than the limit.
    PacketTooLong,
    /// A data packet before the handshake was done.
    DataBeforeHandshake,
    /// A data packet without a flag byte.
    EmptyMessage,
    /// A message of a type above 3.
    UnknownMessage,
    /// A client that sends what only servers send: a response or a push.
    ServersMessage,
    /// A message id that ends with the packet, or goes on beyond ten bytes or 64 bits.
    BadMessageId,
    /// A request with the id 0, to which no answer could be.
    RequestWithoutId,
    /// A route that ends with the packet.
    TruncatedRoute,
    /// A route that is no UTF-8.
    RouteNotText,
    /// A code that the dictionary does not have.
    UnknownRouteCode,
}

impl Fault {
    /// All of them, for tables of counts.
    pub const ALL: [Self; 11] = [
        Self::UnknownPacket,
        Self::PacketTooLong,
        Self::DataBeforeHandshake,
        Self::EmptyMessage,
        Self::UnknownMessage,
        Self::ServersMessage,
        Self::BadMessageId,
        Self::RequestWithoutId,
        Self::TruncatedRoute,
        Self::RouteNotText,
        Self::UnknownRouteCode,
    ];

    /// Its name in tables of counts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPacket => "unknown_packet",
            Self::PacketTooLong => "packet_too_long",
            Self::DataBeforeHandshake => "data_before_handshake",
            Self::EmptyMessage => "empty_message",
            Self::UnknownMessage => "unknown_message",
            Self::ServersMessage => "servers_message",
            Self::BadMessageId => "bad_message_id",
            Self::RequestWithoutId => "request_without_id",
            Self::TruncatedRoute => "truncated_route",
            Self::RouteNotText => "route_not_text",
            Self::UnknownRouteCode => "unknown_route_code",
        }
    }

    /// What is wrong, in a sentence without an end.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownPacket => "a packet has a type that is none of 1 to 5",
            Self::PacketTooLong => "a packet is longer than the limit",
            Self::DataBeforeHandshake => "data came before the handshake was done",
            Self::EmptyMessage => "a data packet is empty",
            Self::UnknownMessage => "a message has a type above 3",
            Self::ServersMessage => "a client sends a response or a push",
            Self::BadMessageId => "a message id is truncated or too long",
            Self::RequestWithoutId => "a request has the id 0",
            Self::TruncatedRoute => "a route is truncated",
            Self::RouteNotText => "a route is no UTF-8",
            Self::UnknownRouteCode => "a route's code is not in the dictionary",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_tables_each_has_its_own_name() {
        for fault in Fault::ALL {
            let mut name = String::new();
            for letter in format!("{fault:?}").chars() {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            assert_eq!(fault.as_str(), name);
        }
    }
}
