//! # Form: what somebody typed, and what is wrong with it
//!
//! It goes back into the page as it is, so that nobody types anything twice. A page finds each field
//! under `form.values`, and under `form.errors` why it is refused, or an empty text.

use std::collections::BTreeMap;

use parlour::web::{Error, Request};
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Form {
    values: BTreeMap<&'static str, String>,
    errors: BTreeMap<&'static str, String>,
}

impl Form {
    /// A form to be filled in.
    pub(crate) fn new(fields: &[(&'static str, &str)]) -> Self {
        let values = fields.iter().map(|(name, value)| (*name, (*value).into()));
        let errors = fields.iter().map(|(name, _)| (*name, String::new()));
        Self {
            values: values.collect(),
            errors: errors.collect(),
        }
    }

    /// A form with nothing in it.
    pub(crate) fn empty(names: &[&'static str]) -> Self {
        let fields: Vec<_> = names.iter().map(|name| (*name, "")).collect();
        Self::new(&fields)
    }

    /// What was sent for these fields; others are not looked at.
    pub(crate) fn sent(request: &Request, names: &[&'static str]) -> Result<Self, Error> {
        let mut form = Self::empty(names);
        for (name, value) in request.form()? {
            if let Some(known) = form.values.get_mut(&*name) {
                *known = value.into_owned();
            }
        }
        Ok(form)
    }

    /// A field as it was typed: for passwords.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// A field as a text that may be kept: without blanks around it, and with plain line ends.
    pub(crate) fn text(&self, name: &str) -> String {
        self.value(name).replace("\r\n", "\n").trim().to_owned()
    }

    /// A text of at most so many letters, and not an empty one.
    pub(crate) fn required(&mut self, name: &'static str, letters_max: usize) -> String {
        let text = self.optional(name, letters_max);
        self.check(name, !text.is_empty(), "Write something here.");
        text
    }

    /// A text of at most so many letters.
    pub(crate) fn optional(&mut self, name: &'static str, letters_max: usize) -> String {
        let text = self.text(name);
        let within = text.chars().count() <= letters_max;
        self.check(name, within, &format!("At most {letters_max} letters."));
        let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
        self.check(name, !text.contains(is_odd), "There are odd letters in it.");
        text
    }

    /// Refuses a field if something is not so. The first reason stays.
    pub(crate) fn check(&mut self, name: &'static str, is_so: bool, otherwise: &str) {
        let error = self.errors.entry(name).or_default();
        if !is_so && error.is_empty() {
            otherwise.clone_into(error);
        }
    }

    /// Nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.errors.values().all(String::is_empty)
    }
}
