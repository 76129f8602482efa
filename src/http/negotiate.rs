//! # Negotiation: which of the forms that we have suits the client
//!
//! `Accept-Encoding` and `Accept` (RFC 9110 12.5). A weight is read strictly, and a member of a
//! list that is malformed is passed over, as if it were not there.

use super::{Fields, letters};

/// A content coding that an answer may have (RFC 9110 8.4.1). `deflate` is none of them: half of
/// the world sends it with a wrapper and half without, and who takes it takes `gzip` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brotli, RFC 7932.
    Brotli,
    /// gzip, RFC 1952.
    Gzip,
    /// The bytes as they are.
    Identity,
}

impl Coding {
    /// Its name in `Content-Encoding`; nothing stands there for bytes as they are.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    fn is_named(self, name: &[u8]) -> bool {
        let names: &[&str] = match self {
            Self::Brotli => &["br"],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Identity => &["identity"],
        };
        names
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    }
}

/// The coding that the client likes best of those that we have; between equals, the one that stands
/// first. Bytes as they are need not be listed: they are had last. Nothing if the client rules out
/// all of them: then bytes as they are do less harm than a refusal.
///
/// ```
/// # use parlour::http::{Coding, Fields, Limits, Receiver, Step, preferred_coding};
/// # let mut input = b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n".to_vec();
/// # let Step::Head { head, .. } = Receiver::new().decode(&mut input, &Limits::default()) else { panic!() };
/// // Accept-Encoding: gzip, deflate, br
/// let have = [Coding::Brotli, Coding::Gzip];
/// assert_eq!(preferred_coding(head.all_fields(), &have), Some(Coding::Brotli));
/// ```
pub fn preferred_coding(fields: Fields<'_>, have: &[Coding]) -> Option<Coding> {
    let mut best = None;
    for &coding in have.iter().chain(&[Coding::Identity]) {
        let weight = coding_weight(fields, coding);
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, coding));
        }
    }
    best.map(|(_, coding)| coding)
}

/// How welcome a coding is, in half thousandths: so that bytes as they are, which nobody has to
/// list, are welcome and yet come behind whatever is listed.
fn coding_weight(fields: Fields<'_>, coding: Coding) -> u32 {
    let mut of_rest = None;
    for member in members(fields, "accept-encoding") {
        let mut parts = split_unquoted(member, b';');
        let name = parts.next().unwrap_or_default();
        let Some(weight) = weight(parts) else {
            continue;
        };
        if coding.is_named(name) {
            return weight * 2;
        }
        if name == b"*" {
            of_rest = of_rest.or(Some(weight * 2));
        }
    }
    let unlisted = u32::from(coding == Coding::Identity);
    of_rest.unwrap_or(unlisted)
}

/// The type that the client likes best of those that we offer; between equals, the one that stands
/// first, also if the client says nothing. Nothing if it wants none of them. Parameters of an offer
/// count only for ranges that name them.
pub fn preferred_type<'o>(fields: Fields<'_>, offered: &[&'o str]) -> Option<&'o str> {
    if members(fields, "accept").next().is_none() {
        return offered.first().copied();
    }
    let mut best = None;
    for &offer in offered {
        let weight = type_weight(fields, offer.as_bytes());
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

/// Whether a page is the answer rather than JSON: browsers ask for one by name when somebody goes
/// there; scripts and tools say that they take anything, or nothing at all.
pub fn wants_html(fields: Fields<'_>) -> bool {
    preferred_type(fields, &["application/json", "text/html"]) == Some("text/html")
}

/// The weight of the most specific range that an offer is in (RFC 9110 12.5.1).
fn type_weight(fields: Fields<'_>, offer: &[u8]) -> u32 {
    let mut closest = (0, 0);
    for range in members(fields, "accept") {
        let (Some(specific), Some(weight)) = (
            specificity(range, offer),
            weight(split_unquoted(range, b';').skip(1)),
        ) else {
            continue;
        };
        if specific > closest.0 {
            closest = (specific, weight);
        }
    }
    closest.1
}

/// How closely a range describes an offer: 1 for anything, more for each thing that is said.
/// Nothing if the offer is not in it.
fn specificity(range: &[u8], offer: &[u8]) -> Option<usize> {
    let mut of_range = split_unquoted(range, b';');
    let (kind, subtype) = halves(of_range.next()?)?;
    let (own_kind, own_subtype) = halves(split_unquoted(offer, b';').next()?)?;
    let mut specific = match (kind, subtype) {
        (b"*", b"*") => 1,
        (_, b"*") if kind.eq_ignore_ascii_case(own_kind) => 2,
        _ if kind.eq_ignore_ascii_case(own_kind) && subtype.eq_ignore_ascii_case(own_subtype) => 3,
        _ => return None,
    };
    for parameter in of_range.take_while(|parameter| !is_weight(parameter)) {
        let mut own = split_unquoted(offer, b';').skip(1);
        if !own.any(|own| own.eq_ignore_ascii_case(parameter)) {
            return None;
        }
        specific += 1;
    }
    Some(specific)
}

fn halves(essence: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = memchr::memchr(b'/', essence)?;
    let (kind, subtype) = (&essence[..slash], &essence[slash + 1..]);
    (letters::token(kind) && letters::token(subtype)).then_some((kind, subtype))
}

/// The weight among these parameters in thousandths, 1000 if there is none; nothing if it is
/// malformed (RFC 9110 12.4.2). What follows it does not count.
fn weight<'i>(mut parameters: impl Iterator<Item = &'i [u8]>) -> Option<u32> {
    let Some(found) = parameters.find(|parameter| is_weight(parameter)) else {
        return Some(1000);
    };
    let (whole, rest) = found.get(2..)?.split_first()?;
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut thousandths = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    let mut worth = 100;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += u32::from(digit - b'0') * worth;
        worth /= 10;
    }
    (thousandths <= 1000).then_some(thousandths)
}

fn is_weight(parameter: &[u8]) -> bool {
    matches!(parameter, [b'q' | b'Q', b'=', ..])
}

/// The members of all lists of this name, without the empty ones.
fn members<'i>(fields: Fields<'i>, name: &str) -> impl Iterator<Item = &'i [u8]> {
    fields
        .named(name)
        .flat_map(|line| split_unquoted(line, b','))
        .filter(|member| !member.is_empty())
}

/// The pieces between separators, but for separators in quoted strings (RFC 9110 5.6.4), without
/// the white space around them.
pub(super) fn split_unquoted(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let pieces = bytes.split(move |&byte| {
        let is_literal = std::mem::take(&mut escaped);
        match byte {
            _ if is_literal => {}
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            byte => return byte == separator && !quoted,
        }
        false
    });
    pieces.map(letters::trimmed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coding(value: Option<&str>) -> Option<Coding> {
        let line = value.map_or_else(String::new, |value| format!("Accept-Encoding: {value}\r\n"));
        preferred_coding(
            Fields::new(line.as_bytes()),
            &[Coding::Brotli, Coding::Gzip],
        )
    }

    #[test]
    fn the_coding_with_the_greatest_weight_is_chosen() {
        use Coding::{Brotli, Gzip, Identity};
        let check = |value, expected| assert_eq!(coding(Some(value)), expected, "{value}");
        assert_eq!(coding(None), Some(Identity));
        check("", Some(Identity));
        check("gzip", Some(Gzip));
        check("GZIP", Some(Gzip));
        check("x-gzip", Some(Gzip));
        check("gzip, deflate, br, zstd", Some(Brotli));
        check("br;q=0.5, gzip", Some(Gzip));
        check("br ; q=0.5,gzip ; Q=0.501", Some(Gzip));
        check("gzip;q=0.001", Some(Gzip));
        check("gzip;q=0", Some(Identity));
        check("gzip;q=0.5, identity", Some(Identity));
        check("gzip;q=0.5, identity;q=0.5", Some(Gzip));
        check("*", Some(Brotli));
        check("br;q=0, *", Some(Gzip));
        check("*;q=0, gzip", Some(Gzip));
        check("*;q=0.1, identity;q=0.2", Some(Identity));
        check("deflate", Some(Identity));
        check("identity;q=0", None);
        check("*;q=0", None);
        check("*;q=0, identity;q=0.1", Some(Identity));
        check("gzip;q=0, identity;q=0", None);
    }

    #[test]
    fn a_malformed_weight_takes_its_member_along() {
        for junk in [
            "q=", "q=2", "q=1.001", "q=0.1234", "q=.5", "q=-1", "q=0,5", "q=0.a", "q=x", "q=00",
            "q=\"1\"",
        ] {
            let value = format!("br;{junk}, gzip;q=0.1");
            assert_eq!(coding(Some(&value)), Some(Coding::Gzip), "{junk}");
        }
        for good in ["q=1", "q=1.", "q=1.000", "q=0.9", "x=y;q=0.9", "x"] {
            let value = format!("br;{good}, gzip;q=0.1");
            assert_eq!(coding(Some(&value)), Some(Coding::Brotli), "{good}");
        }
    }

    fn chosen<'o>(accept: &str, offered: &[&'o str]) -> Option<&'o str> {
        let line = format!("Accept: {accept}\r\n");
        preferred_type(Fields::new(line.as_bytes()), offered)
    }

    #[test]
    fn the_most_specific_range_weighs() {
        let both = ["text/html; charset=utf-8", "application/json"];
        let [html, json] = both;
        let check = |accept, expected| assert_eq!(chosen(accept, &both), expected, "{accept}");
        check("", Some(html));
        check("*/*", Some(html));
        check("application/json", Some(json));
        check("APPLICATION/JSON", Some(json));
        check("text/html;q=0.5, */*;q=0.6", Some(json));
        check("*/*;q=0.6, text/*;q=0.9", Some(html));
        check("text/*;q=0.9, text/html;q=0.1, */*;q=0.2", Some(json));
        check("text/html;q=0, */*", Some(json));
        check("text/html;level=1, application/json;q=0.1", Some(json));
        check("text/html;charset=UTF-8, application/json", Some(html));
        check(
            "text/html;q=0.1, text/html;charset=utf-8;q=1, */*;q=0.5",
            Some(html),
        );
        check("image/png", None);
        check("text/html;q=0", None);
        check("text", None);
        check("*", None);
        check("text/html;q=7, application/json;q=0.1", Some(json));
        check(
            "x/y;z=\", text/html;q=1, \", application/json;q=0.1",
            Some(json),
        );
        check("*/html", None);
        check(
            "text/html;q=0.1, text/html;q=0.9, application/json;q=0.5",
            Some(json),
        );
        check(
            "x/y;z=\"\\\", text/html;q=1, \\\"\", application/json;q=0.1",
            Some(json),
        );
        assert_eq!(chosen("*/*", &[]), None);
    }

    #[test]
    fn pages_are_for_browsers_and_json_for_the_rest() {
        let check = |lines: &str, expected| {
            assert_eq!(
                wants_html(Fields::new(lines.as_bytes())),
                expected,
                "{lines}"
            );
        };
        let firefox = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";
        check(firefox, true);
        check("Accept: text/html\r\n", true);
        check("Accept: */*\r\nAccept: text/html;q=0.5\r\n", false);
        check(
            "Accept: application/json\r\nAccept: text/html;q=0.5\r\n",
            false,
        );
        check("Accept: application/json, text/plain, */*\r\n", false);
        check("Accept: */*\r\n", false);
        check("", false);
        check("Accept: image/png\r\n", false);
        check("Accept: \"\r\n", false);
    }

    proptest! {
        #[test]
        fn junk_chooses_only_what_there_is(value in "[a-z*/;=,.\"\\\\ 0-9q]{0,40}") {
            let found = coding(Some(&value));
            prop_assert!(found.is_some() || value.contains("q=0"), "only a zero rules all out");
            let offers = ["text/html", "application/json"];
            let found = chosen(&value, &offers);
            prop_assert!(found.is_none_or(|found| offers.contains(&found)));
            let pieces: Vec<_> = value.split(',').map(|piece| piece.trim_matches([' ', '\t'])).collect();
            if !value.contains(['"', '\\']) {
                let split: Vec<_> = split_unquoted(value.as_bytes(), b',').collect();
                prop_assert_eq!(split, pieces.iter().map(|p| p.as_bytes()).collect::<Vec<_>>());
            }
        }
    }
}
