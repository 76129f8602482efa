//! # Method: what the client wants done
//!
//! Methods are case-sensitive (RFC 9110 9.1): `get` is another method, which nobody here knows.

use std::fmt;

/// The methods that this house knows. CONNECT is known and always refused by the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Send me this.
    Get,
    /// Send me the fields that GET would.
    Head,
    /// Do with this body what you do.
    Post,
    /// Store this body here.
    Put,
    /// Remove this.
    Delete,
    /// Say what you can do.
    Options,
    /// Change this so.
    Patch,
    /// Send back what I said.
    Trace,
    /// Be a tunnel.
    Connect,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Delete,
        Self::Options,
        Self::Patch,
        Self::Trace,
        Self::Connect,
    ];

    /// The method with this name, letter for letter.
    pub const fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => return None,
        })
    }

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
        }
    }

    /// Whether asking changes nothing (RFC 9110 9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_names_its_method_and_case_matters() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.name().as_bytes()), Some(method));
            assert_eq!(Method::named(method.name().to_lowercase().as_bytes()), None);
        }
    }
}
