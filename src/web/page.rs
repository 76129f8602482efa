//! # Page: what a template has at hand
//!
//! First what the handler says, then what is always there. All of it is looked up only when the
//! template asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};

use super::assets::Assets;
use super::flash::Flash;
use super::guard::User;
use super::middleware::CsrfToken;
use super::names::Names;
use super::request::Request;

/// The context of one page.
#[derive(Debug)]
pub(super) struct Page {
    own: Value,
    path: Value,
    user: Value,
    csrf: Option<Arc<str>>,
    messages: Arc<Messages>,
}

impl Page {
    /// A page for a request, with what its handler says.
    pub(super) fn new(request: &Request, own: Value) -> Self {
        let user = request.carried::<User>();
        let csrf = request.carried::<CsrfToken>();
        let waiting = request.carried::<Flash>();
        Self {
            own,
            path: Value::from(request.path()),
            user: Value::from(user.map(|user| user.0.as_str())),
            csrf: csrf.map(|token| token.0.as_str().into()),
            messages: Arc::new(Messages {
                texts: waiting.map_or_else(Vec::new, |flash| flash.0.clone()),
                shown: AtomicBool::new(false),
            }),
        }
    }

    /// What tells afterwards whether the messages were shown.
    pub(super) fn messages(&self) -> Arc<Messages> {
        Arc::clone(&self.messages)
    }
}

impl Object for Page {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let own = self.own.get_attr(key).ok();
        own.filter(|own| !own.is_undefined()).or_else(|| match key {
            "path" => Some(self.path.clone()),
            "user" => Some(self.user.clone()),
            "messages" => Some(Value::from_dyn_object(Arc::clone(&self.messages))),
            "csrf_token" => Some(match &self.csrf {
                Some(token) => Value::from(Arc::clone(token)),
                None => Value::from(no_token()),
            }),
            "csrf_field" => Some(Value::from_object(CsrfField(self.csrf.clone()))),
            _ => None,
        })
    }
}

/// Messages that wait for a page that shows them.
#[derive(Debug)]
pub(super) struct Messages {
    texts: Vec<String>,
    shown: AtomicBool,
}

impl Messages {
    pub(super) fn were_shown(&self) -> bool {
        self.shown.load(Relaxed)
    }
}

impl Object for Messages {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let text = self.texts.get(key.as_usize()?)?;
        self.shown.store(true, Relaxed);
        Some(Value::from(text.as_str()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.texts.len())
    }
}

/// `csrf_field()`: the hidden input of a form.
#[derive(Debug)]
struct CsrfField(Option<Arc<str>>);

impl Object for CsrfField {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let token = self.0.as_deref().ok_or_else(no_token)?;
        let mut field = r#"<input type="hidden" name="csrf_token" value=""#.to_owned();
        push_escaped(&mut field, token);
        field.push_str("\">");
        Ok(Value::from_safe_string(field))
    }
}

fn no_token() -> Error {
    let told = "there is no CSRF token: wrap the CSRF middleware around the app";
    Error::new(ErrorKind::InvalidOperation, told)
}

/// Appends `text` so that it is nothing but text in a page and in a quoted attribute.
pub(super) fn push_escaped(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '&' => page.push_str("&amp;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#x27;"),
            _ => page.push(letter),
        }
    }
}

/// The functions that are the same for all pages.
pub(super) fn add_functions(
    environment: &mut Environment<'static>,
    names: Arc<Names>,
    assets: Arc<Assets>,
    look_again: bool,
) {
    environment.add_function(
        "url_for",
        move |state: &State<'_, '_>, name: &str, values: Kwargs| {
            let texts: Vec<(&str, String)> = values
                .args()
                .map(|key| Ok((key, values.get::<Value>(key)?.to_string())))
                .collect::<Result<_, Error>>()?;
            let values: Vec<_> = texts.iter().map(|(key, it)| (*key, it.as_str())).collect();
            let path = names.path(name, &values);
            path.map(|path| address(state, path))
                .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
        },
    );
    environment.add_function("static_url", move |state: &State<'_, '_>, name: &str| {
        let path = assets.url(name, look_again);
        path.map(|path| address(state, path))
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error))
    });
}

/// A path that was percent-encoded, as a value. In a page of HTML its slashes need no escape.
fn address(state: &State<'_, '_>, path: String) -> Value {
    if matches!(state.auto_escape(), AutoEscape::Html) && !path.contains('&') {
        return Value::from_safe_string(path);
    }
    Value::from(path)
}
