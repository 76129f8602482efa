//! # Dictionary: short codes for long routes
//!
//! The server tells it in the handshake; whoever encodes uses a code wherever there is one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Routes and their codes.
///
/// ```
/// use parlour::nano::Dictionary;
///
/// let dictionary = Dictionary::of([("room.join", 1), ("onMessage", 2)])?;
/// assert_eq!(dictionary.code("onMessage"), Some(2));
/// assert_eq!(dictionary.route(1), Some("room.join"));
/// assert!(Dictionary::of([("a", 1), ("b", 1)]).is_err());
/// # Ok::<(), parlour::nano::DictionaryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    codes: BTreeMap<Box<str>, u16>,
    routes: HashMap<u16, Box<str>>,
}

/// Why a dictionary is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DictionaryError {
    /// Two routes have this code.
    CodeTwice(u16),
    /// This route is in it twice.
    RouteTwice(String),
}

impl fmt::Display for DictionaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CodeTwice(code) => {
                write!(f, "two routes have the code {code}: give each its own")
            }
            Self::RouteTwice(route) => write!(f, "the route '{route}' has two codes: name it once"),
        }
    }
}

impl std::error::Error for DictionaryError {}

impl Dictionary {
    /// A dictionary of these routes.
    pub fn of<'r>(
        entries: impl IntoIterator<Item = (&'r str, u16)>,
    ) -> Result<Self, DictionaryError> {
        let mut dictionary = Self::default();
        for (route, code) in entries {
            if dictionary.routes.insert(code, route.into()).is_some() {
                return Err(DictionaryError::CodeTwice(code));
            }
            if dictionary.codes.insert(route.into(), code).is_some() {
                return Err(DictionaryError::RouteTwice(route.to_owned()));
            }
        }
        Ok(dictionary)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The code of a route.
    pub fn code(&self, route: &str) -> Option<u16> {
        self.codes.get(route).copied()
    }

    /// The route of a code.
    pub fn route(&self, code: u16) -> Option<&str> {
        self.routes.get(&code).map(|route| &**route)
    }

    /// Routes with their codes, in the order of the routes.
    pub fn entries(&self) -> impl Iterator<Item = (&str, u16)> {
        self.codes.iter().map(|(route, code)| (&**route, *code))
    }
}
