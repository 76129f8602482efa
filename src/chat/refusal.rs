//! # Refusal: why an operation was not done
//!
//! A refused operation changed nothing. The code is for programs, the message for people: it says
//! what was wrong, with which value, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The codes of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The text is no JSON.
    BadJson,
    /// There is no such command.
    BadCommand,
    /// A field is missing, of the wrong type, or not allowed to be what it is.
    BadField,
    /// Nobody is signed in.
    Unauthenticated,
    /// Who is signed in may not do this.
    Forbidden,
    /// What was named does not exist, or may not be seen.
    NotFound,
    /// Only members may do this.
    NotAMember,
    /// What was to be made is there already.
    Exists,
    /// The key was used for something else.
    KeyReused,
    /// It was there once.
    Gone,
    /// This server does not do that.
    NotSupported,
    /// Longer than allowed.
    TooLong,
    /// More often than allowed.
    TooMany,
    /// Too much is waiting: try again.
    Busy,
    /// The disk is full or failing: nothing was stored.
    Storage,
    /// A fault of the server's own.
    Internal,
}

impl Code {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::BadCommand => "bad_command",
            Self::BadField => "bad_field",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::NotAMember => "not_a_member",
            Self::Exists => "exists",
            Self::KeyReused => "key_reused",
            Self::Gone => "gone",
            Self::NotSupported => "not_supported",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Busy => "busy",
            Self::Storage => "storage",
            Self::Internal => "internal",
        }
    }

    /// Whether the same again, later, may succeed.
    pub const fn may_retry(self) -> bool {
        matches!(
            self,
            Self::TooMany | Self::Busy | Self::Storage | Self::Internal
        )
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// The field that is wrong, where it is one.
    pub field: Option<&'static str>,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with a code and what to tell.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after_ms: None,
        }
    }

    /// A field that is not what it has to be.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            ..Self::new(Code::BadField, message)
        }
    }

    /// A field that is longer than allowed.
    pub fn too_long(field: &'static str, length: usize, max: usize) -> Self {
        let message = format!("`{field}` has {length} characters, and at most {max} are allowed.");
        Self {
            field: Some(field),
            ..Self::new(Code::TooLong, message)
        }
    }

    /// A field names what is there already.
    pub fn exists(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            ..Self::new(Code::Exists, message)
        }
    }

    /// What was named is not there, or not for whoever asks.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// Who asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    /// More often than allowed; or too much is waiting.
    pub fn later(code: Code, message: impl Into<String>, retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(code, message)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
