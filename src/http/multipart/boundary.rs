//! # Boundary: what separates the parts of a form
//!
//! It comes from the `Content-Type` of the request, and only from there.

use super::MultipartFault;
use crate::http::negotiate::split_unquoted;

/// RFC 2046 5.1.1.
const BYTES_MAX: usize = 70;

/// A boundary that follows the rules: 1 to 70 of the characters that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary(Vec<u8>);

impl Boundary {
    /// Reads it from the value of `Content-Type`.
    ///
    /// ```
    /// # use parlour::http::multipart::{Boundary, MultipartFault};
    /// assert!(Boundary::of(b"multipart/form-data; boundary=----WebKitFormBoundaryAb1").is_ok());
    /// assert_eq!(Boundary::of(b"text/plain"), Err(MultipartFault::OtherType));
    /// ```
    pub fn of(content_type: &[u8]) -> Result<Self, MultipartFault> {
        let mut parameters = split_unquoted(content_type, b';');
        let essence = parameters.next().unwrap_or_default();
        if !essence.eq_ignore_ascii_case(b"multipart/form-data") {
            return Err(MultipartFault::OtherType);
        }
        let mut boundaries = parameters.filter_map(|parameter| {
            let (name, value) = parameter.split_at_checked(b"boundary=".len())?;
            name.eq_ignore_ascii_case(b"boundary=").then_some(value)
        });
        match (boundaries.next(), boundaries.next()) {
            (None, _) => Err(MultipartFault::NoBoundary),
            (Some(_), Some(_)) => Err(MultipartFault::Repeated),
            (Some(value), None) => Self::read(value).ok_or(MultipartFault::BadBoundary),
        }
    }

    fn read(value: &[u8]) -> Option<Self> {
        let quoted = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""));
        let bytes = quoted.unwrap_or(value);
        let is_clean = |&byte: &u8| {
            byte.is_ascii_alphanumeric()
                || b"'()+_,-./:=?".contains(&byte)
                || byte == b' ' && quoted.is_some()
        };
        let follows_rules = matches!(bytes.len(), 1..=BYTES_MAX)
            && bytes.iter().all(is_clean)
            && !bytes.ends_with(b" ");
        follows_rules.then(|| Self(bytes.to_vec()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_one_run_of_its_characters() {
        use MultipartFault::{BadBoundary, NoBoundary, OtherType, Repeated};
        let check = |content_type: &str, expected: Result<&str, MultipartFault>| {
            let found = Boundary::of(content_type.as_bytes());
            let expected = expected.map(|boundary| Boundary(boundary.as_bytes().to_vec()));
            assert_eq!(found, expected, "{content_type}");
        };
        check("multipart/form-data; boundary=a", Ok("a"));
        check("Multipart/Form-Data;Boundary=aB", Ok("aB"));
        check("multipart/form-data; charset=utf-8; boundary=a", Ok("a"));
        check("multipart/form-data; boundary=\"a b\"; x=y", Ok("a b"));
        check("multipart/form-data; boundary=\"a:b;c\"", Err(BadBoundary));
        check(
            "multipart/form-data; x=\"; boundary=b\"; boundary=a",
            Ok("a"),
        );
        check(
            "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
            Ok("----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        );
        check(
            "multipart/form-data; boundary='()+_,-./:=?",
            Ok("'()+_,-./:=?"),
        );
        check("", Err(OtherType));
        check("multipart/mixed; boundary=a", Err(OtherType));
        check("application/x-www-form-urlencoded", Err(OtherType));
        check("multipart/form-data", Err(NoBoundary));
        check("multipart/form-data; boundaries=a", Err(NoBoundary));
        check("multipart/form-data; boundary=a; boundary=b", Err(Repeated));
        check("multipart/form-data; boundary=", Err(BadBoundary));
        check("multipart/form-data; boundary=\"\"", Err(BadBoundary));
        check("multipart/form-data; boundary=\"", Err(BadBoundary));
        check("multipart/form-data; boundary=a b", Err(BadBoundary));
        check("multipart/form-data; boundary=\"a \"", Err(BadBoundary));
        check("multipart/form-data; boundary=\"a\\-b\"", Err(BadBoundary));
        check("multipart/form-data; boundary=a\rb", Err(BadBoundary));
        check("multipart/form-data; boundary=é", Err(BadBoundary));
        let longest = "x".repeat(BYTES_MAX);
        check(
            &format!("multipart/form-data; boundary={longest}"),
            Ok(&longest),
        );
        check(
            &format!("multipart/form-data; boundary=x{longest}"),
            Err(BadBoundary),
        );
    }
}
