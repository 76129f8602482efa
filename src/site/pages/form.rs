//! # Form: what somebody typed, and what is wrong with it
//!
//! What was sent is read like the members of an API's object, so that the same rules refuse it. It
//! goes back into the page as it is, with the reason beside its field, so that nobody types anything
//! twice; passwords do not go back.

use std::collections::BTreeMap;

use minijinja::Value;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Paged, settings};
use crate::chat::{Code, Refusal};
use crate::http::Response;
use crate::site::auth;
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::rest;
use crate::web::{Cx, Reply, Serde, context};

/// Fields whose values stay here.
const SECRET: [&str; 3] = ["password", "old", "new"];

/// What was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    sent: Map<String, Json>,
    wrong: BTreeMap<String, String>,
    /// What is wrong with no field in particular.
    failure: Option<String>,
}

/// How a template sees it.
#[derive(Serialize)]
struct Shown<'a> {
    values: BTreeMap<&'a str, &'a str>,
    wrong: &'a BTreeMap<String, String>,
    failure: Option<&'a str>,
}

impl Form {
    /// A form of a page of this site; a page of another one may send nothing.
    pub(super) fn sent(cx: &Cx<'_, Hall>) -> Result<Self, Refusal> {
        if cx.request.is_from_elsewhere() {
            return Err(auth::elsewhere());
        }
        let pairs = cx
            .request
            .form()
            .map_err(|error| Refusal::new(Code::BadField, error.message()))?;
        let mut sent = Map::new();
        for (name, value) in pairs {
            // A field that was left empty says nothing, and browsers end lines in their own way.
            let value = match SECRET.contains(&&*name) {
                true => value.into_owned(),
                false => value.replace("\r\n", "\n").trim_end().to_owned(),
            };
            if !value.is_empty() {
                sent.insert(name.into_owned(), value.into());
            }
        }
        Ok(Self {
            sent,
            ..Self::default()
        })
    }

    /// A form with a value in it.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.sent.insert(name.to_owned(), value.into());
        self
    }

    /// The same without a value that is not to count.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.sent.remove(name);
        self
    }

    pub(super) const fn fields(&self) -> Fields<'_> {
        Fields(&self.sent)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.sent.get(name).and_then(Json::as_str)
    }

    fn note(&mut self, refusal: &Refusal) {
        match refusal.field {
            Some(field) => {
                let plain = plainly(&refusal.message, field);
                self.wrong.insert(field.to_owned(), plain);
            }
            None => self.failure = Some(refusal.message.clone()),
        }
    }

    fn shown(&self) -> Shown<'_> {
        let texts = self.sent.iter().filter_map(|(name, value)| {
            let text = value.as_str().filter(|_| !SECRET.contains(&&**name))?;
            Some((name.as_str(), text))
        });
        Shown {
            values: texts.collect(),
            wrong: &self.wrong,
            failure: self.failure.as_deref(),
        }
    }

    /// The page with the form.
    pub(super) fn page(&self, cx: &mut Cx<'_, Hall>, template: &str, more: Value) -> Paged {
        let server = settings(cx)?.name;
        let page = context! { server, form => Serde(&self.shown()), ..more };
        Ok(super::render(cx, template, page))
    }

    /// The page once more, with what was refused.
    pub(super) fn again(
        mut self,
        cx: &mut Cx<'_, Hall>,
        template: &str,
        more: Value,
        refusal: &Refusal,
    ) -> Reply<Hall> {
        self.note(refusal);
        let page = self.page(cx, template, more);
        let status = rest::status(refusal.code);
        match super::settled(cx, page) {
            Reply::Respond(page) => Reply::Respond(again_later(page.with_status(status), refusal)),
            other => other,
        }
    }
}

fn again_later(page: Response, refusal: &Refusal) -> Response {
    match refusal.retry_after_ms {
        Some(ms) => page.field("Retry-After", ms.div_ceil(1000).to_string()),
        None => page,
    }
}

/// What is said about a field, beside the field.
fn plainly(message: &str, field: &str) -> String {
    let said = message.replace(&format!("`{field}`"), "This");
    match said.as_str() {
        "This is missing." | "This is empty." => "Write something here.".to_owned(),
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_beside_its_field() {
        let mut form = Form::default().with("name", "a b").with("password", "x");
        form.note(&Refusal::field("name", "`name` cannot be \"a b\"."));
        form.note(&Refusal::field("password", "`password` is missing."));
        form.note(&Refusal::forbidden("No."));
        let shown = form.shown();
        assert_eq!(shown.values["name"], "a b");
        assert_eq!(shown.values.get("password"), None);
        assert_eq!(shown.wrong["name"], "This cannot be \"a b\".");
        assert_eq!(shown.wrong["password"], "Write something here.");
        assert_eq!(shown.failure, Some("No."));
    }
}
