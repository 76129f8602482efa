//! # Data: what messages say, and how it is written
//!
//! A handler says by the type of its argument how data is read. JSON, bytes and, with the feature
//! `protobuf`, Protocol Buffers are here; an app's own form is an implementation of two functions.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::nano::text::{escape, mended};

/// What can be read from a message's data.
///
/// ```
/// use parlour::web::nano::{Decode, Json};
///
/// #[derive(serde::Deserialize)]
/// struct Move {
///     x: i32,
/// }
///
/// let Json(step) = Json::<Move>::decode(br#"{"x":3}"#)?;
/// assert_eq!(step.x, 3);
/// assert!(Json::<Move>::decode(b"left").is_err());
/// # Ok::<(), String>(())
/// ```
pub trait Decode: Sized {
    /// Reads it; what is wrong is told to whoever sent it.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

/// What can be written as a message's data.
///
/// ```
/// use parlour::web::nano::Encode;
///
/// /// Two bytes instead of an object.
/// struct Place(u8, u8);
///
/// impl Encode for Place {
///     fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
///         out.extend_from_slice(&[self.0, self.1]);
///         Ok(())
///     }
/// }
/// ```
pub trait Encode {
    /// Appends it.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String>;
}

/// A value of an app's own as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Decode for Json<T> {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let read = serde_json::from_slice(&mended(bytes));
        read.map(Self).map_err(|error| error.to_string())
    }
}

impl<T: Serialize> Encode for Json<T> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        write_json(&self.0, out)
    }
}

impl Decode for Value {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(&mended(bytes)).map_err(|error| error.to_string())
    }
}

impl Encode for Value {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        write_json(self, out)
    }
}

/// Whatever came, as it came.
impl Decode for Vec<u8> {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        Ok(bytes.to_vec())
    }
}

impl Encode for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(self);
        Ok(())
    }
}

impl Encode for [u8] {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(self);
        Ok(())
    }
}

/// What is JSON already.
impl Encode for str {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        let start = out.len();
        out.extend_from_slice(self.as_bytes());
        escape(out, start);
        Ok(())
    }
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    serde_json::to_writer(&mut *out, value).map_err(|error| error.to_string())?;
    escape(out, start);
    Ok(())
}

/// A message of Protocol Buffers.
#[cfg(feature = "protobuf")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protobuf<T>(pub T);

#[cfg(feature = "protobuf")]
impl<T: prost::Message + Default> Decode for Protobuf<T> {
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        T::decode(bytes)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

#[cfg(feature = "protobuf")]
impl<T: prost::Message> Encode for Protobuf<T> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        prost::Message::encode(&self.0, out).map_err(|error| error.to_string())
    }
}

#[cfg(all(test, feature = "protobuf"))]
mod tests {
    use super::*;

    #[test]
    fn messages_of_protocol_buffers_come_and_go() {
        let mut out = Vec::new();
        Protobuf("hello".to_owned()).encode(&mut out).unwrap();
        assert_eq!(out, b"\x0a\x05hello");
        assert_eq!(Protobuf::<String>::decode(&out).unwrap().0, "hello");
        assert!(Protobuf::<String>::decode(b"\x0a\x09hello").is_err());
    }
}
