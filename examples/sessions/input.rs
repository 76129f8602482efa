//! What a client sends, as a form or as JSON, and what is said where it will not do.

use std::collections::BTreeMap;

use parlour::http::{Response, Status};
use parlour::web::{Error, Request};
use serde_json::{Value, json};

/// The fields of a body, whichever way they came.
pub(crate) struct Input(BTreeMap<String, String>);

impl Input {
    pub(crate) fn of(request: &Request) -> Result<Self, Error> {
        match request.media_type().as_deref() {
            Some("application/json") if !request.body().is_empty() => of_json(request),
            Some("application/json") => Ok(Self(BTreeMap::new())),
            Some("application/x-www-form-urlencoded" | "multipart/form-data") => of_form(request),
            None if request.body().is_empty() => Ok(Self(BTreeMap::new())),
            other => {
                let named = other.unwrap_or_default();
                let detail = format!("Unsupported media type \"{named}\" in request.");
                Err(Error::new(Status::UNSUPPORTED_MEDIA_TYPE, detail))
            }
        }
    }

    /// A field as it came; nothing if it is not there.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// A field that has to be there with something in it. If not, that is noted, and it is empty.
    pub(crate) fn wanted(&self, name: &'static str, wrong: &mut Wrong) -> String {
        match self.0.get(name) {
            None => wrong.note(name, "This field is required."),
            Some(text) if text.trim().is_empty() => {
                wrong.note(name, "This field may not be blank.");
            }
            Some(text) => return text.clone(),
        }
        String::new()
    }
}

fn of_form(request: &Request) -> Result<Input, Error> {
    let pairs = request.form()?.into_iter();
    // Of a name that came twice the last counts, as with that framework.
    Ok(Input(
        pairs
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
    ))
}

fn of_json(request: &Request) -> Result<Input, Error> {
    let value: Value = serde_json::from_slice(request.body())
        .map_err(|error| Error::bad_request(format!("JSON parse error - {error}")))?;
    let Value::Object(object) = value else {
        let detail = "Invalid data. Expected a dictionary.";
        return Err(Error::bad_request(detail));
    };
    let mut fields = BTreeMap::new();
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Null => continue,
            _ => return Err(Error::bad_request(format!("{name}: Not a valid string."))),
        };
        fields.insert(name, text);
    }
    Ok(Input(fields))
}

/// What is wrong with the fields: each with a list of sentences.
#[derive(Default)]
pub(crate) struct Wrong(BTreeMap<&'static str, Vec<String>>);

impl Wrong {
    pub(crate) fn with(field: &'static str, what: &str) -> Self {
        let mut wrong = Self::default();
        wrong.note(field, what);
        wrong
    }

    pub(crate) fn note(&mut self, field: &'static str, what: impl Into<String>) {
        self.0.entry(field).or_default().push(what.into());
    }

    /// Notes what is wrong unless something is already, so that nobody reads two complaints about
    /// a field that is empty.
    pub(crate) fn unless(&mut self, right: bool, field: &'static str, what: &str) {
        if !right && !self.0.contains_key(field) {
            self.note(field, what);
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// The answer that tells.
    pub(crate) fn response(&self) -> Response {
        Response::json(json!(self.0).to_string()).with_status(Status::BAD_REQUEST)
    }
}
