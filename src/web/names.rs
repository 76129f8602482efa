//! # Names: the way back from a route to its path
//!
//! A route that has a name ([`Routes::named`](super::Routes::named)) is written into links by that
//! name, and its path is said in one place only.
//!
//! Promises
//! 1. What is built here is found by the router again, with the same parameters.
//! 2. What cannot be built so is an error that says why: an unknown name, a parameter that is
//!    missing, a value that no path of the route can have.

use std::collections::BTreeMap;
use std::fmt;

use crate::http::form::push_encoded;

/// The names of an app's routes.
#[derive(Debug, Default)]
pub(super) struct Names {
    paths: BTreeMap<String, Vec<Piece>>,
}

/// A piece of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `{name}`
    Segment(String),
    /// `{name..}`
    Rest(String),
}

/// Why there is no such path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPath {
    UnknownName(String),
    Missing {
        route: String,
        parameter: String,
    },
    Unfit {
        route: String,
        parameter: String,
        value: String,
    },
}

impl fmt::Display for NoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName(name) => write!(
                f,
                "no route is named '{name}': name one with `.named(\"{name}\")`"
            ),
            Self::Missing { route, parameter } => {
                write!(f, "the route '{route}' needs the parameter '{parameter}'")
            }
            Self::Unfit {
                route,
                parameter,
                value,
            } => write!(
                f,
                "'{value}' cannot be the parameter '{parameter}' of the route '{route}': no path \
                 with it is ever found"
            ),
        }
    }
}

impl Names {
    /// Names with the patterns of their routes, or why they are no names.
    pub(super) fn new<'a>(
        named: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, String> {
        let mut paths = BTreeMap::new();
        for (name, pattern) in named {
            let Some(pattern) = pattern else {
                return Err(format!(
                    "the name '{name}' stands before all routes: name a route behind it"
                ));
            };
            if paths.insert(name.to_owned(), pieces(pattern)).is_some() {
                return Err(format!("two routes are named '{name}'"));
            }
        }
        Ok(Self { paths })
    }

    /// The path of the route with this name. Values that are no parameters of it become its query.
    pub(super) fn path(&self, name: &str, values: &[(&str, &str)]) -> Result<String, NoPath> {
        let Some(pieces) = self.paths.get(name) else {
            return Err(NoPath::UnknownName(name.to_owned()));
        };
        let mut path = String::with_capacity(64);
        for piece in pieces {
            match piece {
                Piece::Text(text) => push_segments(&mut path, text),
                Piece::Segment(parameter) => {
                    let value = value_of(name, parameter, values)?;
                    check(is_segment(value), name, parameter, value)?;
                    push_encoded(&mut path, value);
                }
                Piece::Rest(parameter) => {
                    let value = value_of(name, parameter, values)?;
                    check(value.split('/').all(is_segment), name, parameter, value)?;
                    push_segments(&mut path, value);
                }
            }
        }
        let is_parameter = |name: &str| {
            pieces.iter().any(|piece| match piece {
                Piece::Text(_) => false,
                Piece::Segment(parameter) | Piece::Rest(parameter) => parameter == name,
            })
        };
        let mut before = '?';
        for (name, value) in values.iter().filter(|(name, _)| !is_parameter(name)) {
            path.push(before);
            push_encoded(&mut path, name);
            path.push('=');
            push_encoded(&mut path, value);
            before = '&';
        }
        Ok(path)
    }
}

fn value_of<'v>(
    route: &str,
    parameter: &str,
    values: &[(&str, &'v str)],
) -> Result<&'v str, NoPath> {
    let found = values.iter().find(|(name, _)| *name == parameter);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| NoPath::Missing {
            route: route.to_owned(),
            parameter: parameter.to_owned(),
        })
}

fn check(fits: bool, route: &str, parameter: &str, value: &str) -> Result<(), NoPath> {
    if fits {
        return Ok(());
    }
    Err(NoPath::Unfit {
        route: route.to_owned(),
        parameter: parameter.to_owned(),
        value: value.to_owned(),
    })
}

/// Whether the router takes this as one segment of a path: see
/// [`decoded_segments`](crate::http::form::decoded_segments).
fn is_segment(value: &str) -> bool {
    let climbs = matches!(value, "" | "." | "..");
    !climbs && !value.contains(|letter: char| matches!(letter, '/' | '\\') || letter.is_control())
}

/// Appends segments and the slashes between them.
pub(super) fn push_segments(path: &mut String, text: &str) {
    for (at, segment) in text.split('/').enumerate() {
        if at > 0 {
            path.push('/');
        }
        push_encoded(path, segment);
    }
}

/// The pieces of a pattern. `{{` and `}}` are braces that mean themselves.
fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            text.push(letter);
            rest = after;
        } else if let Some((inside, after)) = rest
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'))
        {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(match inside.strip_suffix("..") {
                Some(name) => Piece::Rest(name.to_owned()),
                None => Piece::Segment(inside.to_owned()),
            });
            rest = after;
        } else {
            text.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Method;
    use crate::web::router::{Found, Router};
    use crate::web::{Cx, Routes};

    fn names() -> Names {
        let named = [
            ("home", Some("/")),
            ("show", Some("/todo/{id}")),
            ("move", Some("/todo/{id}/to/{place}")),
            ("file", Some("/files/{path..}")),
            ("odd", Some("/a b/{{x}}/{id}")),
        ];
        Names::new(named).unwrap()
    }

    fn check(name: &str, values: &[(&str, &str)], expected: &str) {
        let found = names().path(name, values);
        let found = found.unwrap_or_else(|error| error.to_string());
        assert_eq!(found, expected, "{name} {values:?}");
    }

    #[test]
    fn names_and_parameters_make_paths() {
        check("home", &[], "/");
        check("show", &[("id", "7")], "/todo/7");
        check(
            "show",
            &[("id", "a b/c?é")],
            "'a b/c?é' cannot be the parameter 'id' of the \
              route 'show': no path with it is ever found",
        );
        check("show", &[("id", "a b?é#%")], "/todo/a%20b%3F%C3%A9%23%25");
        check("move", &[("place", "x"), ("id", "1")], "/todo/1/to/x");
        check("file", &[("path", "a/b c.css")], "/files/a/b%20c.css");
        check("odd", &[("id", "1")], "/a%20b/%7Bx%7D/1");
        check(
            "home",
            &[("q", "a&b=c"), ("page", "2")],
            "/?q=a%26b%3Dc&page=2",
        );
    }

    #[test]
    fn what_has_no_path_is_told_by_name() {
        check(
            "shwo",
            &[],
            "no route is named 'shwo': name one with `.named(\"shwo\")`",
        );
        check("show", &[], "the route 'show' needs the parameter 'id'");
        for unfit in ["", ".", "..", "a/b", "a\\b", "a\nb", "\0"] {
            let error = names().path("show", &[("id", unfit)]).unwrap_err();
            assert!(matches!(error, NoPath::Unfit { .. }), "{unfit:?}: {error}");
        }
        for unfit in ["", "/a", "a/", "a//b", "a/../b", "a/\0"] {
            let error = names().path("file", &[("path", unfit)]).unwrap_err();
            assert!(matches!(error, NoPath::Unfit { .. }), "{unfit:?}: {error}");
        }
    }

    #[test]
    fn a_name_belongs_to_one_route() {
        let twice = Names::new([("a", Some("/a")), ("a", Some("/b"))]).unwrap_err();
        assert_eq!(twice, "two routes are named 'a'");
        let stray = Names::new([("a", None)]).unwrap_err();
        assert!(stray.contains("'a' stands before all routes"), "{stray}");
    }

    fn router() -> Router<()> {
        let never = |_: &mut Cx<'_, ()>| -> &'static str { unreachable!("nobody calls it here") };
        let routes = Routes::new()
            .get("/todo/{id}/to/{place}", never)
            .get("/files/{path..}", never);
        Router::new(routes).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_is_built_is_found_again(id in any::<String>(), place in "[a-z.%/\\\\?# é]{0,6}") {
            let values = [("id", id.as_str()), ("place", place.as_str())];
            if let Ok(path) = names().path("move", &values) {
                let Found::Handler { params, .. } = router().find(Method::Get, &path) else {
                    panic!("{path} is not found");
                };
                prop_assert_eq!(params, [("id".into(), id), ("place".into(), place.clone())]);
            }
            if let Ok(path) = names().path("file", &[("path", place.as_str())]) {
                let Found::Handler { params, .. } = router().find(Method::Get, &path) else {
                    panic!("{path} is not found");
                };
                prop_assert_eq!(params, [("path".into(), place)]);
            }
        }
    }
}
