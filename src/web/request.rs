//! # Request: what somebody asks for
//!
//! Owns its bytes, so that it can wait for a helper and be looked at again. What it is asked for is
//! found then and there: most requests are asked for little.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::error::Error;
use super::helper::Wait;
use super::intake::Form;
use super::upload::Upload;
use super::view::WebSocket;
use crate::http::{Head, HeadShape, Method, stays_here};
use crate::http::{cookie, form};
use crate::reactor::Peer;

/// Pairs of a query or a form beyond which nobody means well.
const PAIRS_MAX: usize = 1000;

/// Names and values, decoded, in the order in which they came.
///
/// ```
/// use parlour::web::{Cx, Error, Pairs};
///
/// /// A form in which several boxes with one name are ticked.
/// fn pizza(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
///     let form: Pairs<'_> = cx.request.form()?;
///     let toppings = form.iter().filter(|(name, _)| name == "topping");
///     let toppings: Vec<&str> = toppings.map(|(_, topping)| &**topping).collect();
///     Ok(format!("a pizza with {}", toppings.join(" and ")))
/// }
/// # let _ = pizza;
/// ```
pub type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// One request: what came, and what middleware and guards have left in it for those behind them
/// ([`carry`](Self::carry)). It stays whole while a handler waits for a helper.
///
/// ```
/// use parlour::web::{Cx, Error};
///
/// fn order(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
///     let table: u32 = cx.request.param("table")?;
///     let dish = cx.request.form_value("dish").ok_or_else(|| Error::bad_request("which dish?"))?;
///     let spicy = cx.request.query("spicy").is_some();
///     Ok(format!("{dish} for table {table}, spicy: {spicy}"))
/// }
/// # let _ = order;
/// ```
#[derive(Debug)]
pub struct Request {
    head: Vec<u8>,
    shape: HeadShape,
    body: Vec<u8>,
    /// What came with a form of several parts.
    parts: Form,
    peer: Peer,
    /// Names and decoded values of the path's parameters.
    pub(super) params: Vec<(String, String)>,
    websocket: Option<WebSocket>,
    /// What middleware, guards and handlers left for those who come after them.
    carried: Vec<Box<dyn Any>>,
    /// What the answer waits for.
    pub(super) held: Vec<Wait<Result<(), String>>>,
}

impl Request {
    pub(super) fn new(head: &Head<'_>, body: &[u8], peer: Peer) -> Self {
        Self {
            head: head.bytes().to_vec(),
            shape: head.shape(),
            body: body.to_vec(),
            parts: Form::default(),
            peer,
            params: Vec::new(),
            websocket: None,
            carried: Vec::new(),
            held: Vec::new(),
        }
    }

    /// The request, leaving an empty one behind: for a view that keeps it while it talks.
    pub(super) fn take(&mut self) -> Self {
        Self {
            head: self.head.clone(),
            shape: self.shape,
            body: std::mem::take(&mut self.body),
            parts: std::mem::take(&mut self.parts),
            peer: self.peer,
            params: self.params.clone(),
            websocket: None,
            carried: std::mem::take(&mut self.carried),
            held: Vec::new(),
        }
    }

    pub(super) fn set_parts(&mut self, parts: Form) {
        self.parts = parts;
    }

    pub(super) fn set_websocket(&mut self, socket: WebSocket) {
        self.websocket = Some(socket);
    }

    /// The WebSocket, where a view is called for one.
    pub fn websocket(&self) -> Option<WebSocket> {
        self.websocket.clone()
    }

    /// Leaves something for those who come after: one thing of each type.
    ///
    /// ```
    /// use parlour::web::{Cx, Error, Handler, guard};
    ///
    /// /// Which shop is meant, by the host that was asked.
    /// struct Shop(String);
    ///
    /// fn in_shop<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
    ///     let find = |cx: &mut Cx<'_, S>| {
    ///         let host = cx.request.field("Host").unwrap_or_default();
    ///         let (shop, _) = host.split_once('.').ok_or_else(Error::not_found)?;
    ///         let shop = Shop(shop.to_owned());
    ///         cx.request.carry(shop);
    ///         Ok::<_, Error>(())
    ///     };
    ///     guard(find, inner)
    /// }
    ///
    /// fn welcome(cx: &mut Cx<'_, ()>) -> String {
    ///     let shop = cx.request.carried::<Shop>().map_or("no shop", |shop| &shop.0);
    ///     format!("welcome to {shop}")
    /// }
    /// # let _ = in_shop(welcome);
    /// ```
    pub fn carry<T: Any>(&mut self, thing: T) {
        self.drop_carried::<T>();
        self.carried.push(Box::new(thing));
    }

    /// What was left of this type.
    pub fn carried<T: Any>(&self) -> Option<&T> {
        self.carried.iter().find_map(|known| known.downcast_ref())
    }

    /// What was left of this type, to be changed.
    pub fn carried_mut<T: Any>(&mut self) -> Option<&mut T> {
        self.carried
            .iter_mut()
            .find_map(|known| known.downcast_mut())
    }

    /// Takes away what was left of this type.
    pub(super) fn drop_carried<T: Any>(&mut self) {
        self.carried.retain(|known| !known.is::<T>());
    }

    /// Holds the answer back until this is done: what the answer says is true when it leaves. If it
    /// fails, the answer is an error instead. For middleware and guards; a handler says more simply what
    /// comes [`then`](Wait::then).
    ///
    /// ```
    /// use parlour::http::Response;
    /// use parlour::store::Database;
    /// use parlour::web::{Cx, Middleware, Wait};
    ///
    /// /// No answer leaves before it is written down that it was given.
    /// struct Audit(Database);
    ///
    /// impl<S> Middleware<S> for Audit {
    ///     fn response(&self, cx: &mut Cx<'_, S>, response: Response) -> Response {
    ///         let (path, status) = (cx.request.path().to_owned(), response.status().code());
    ///         cx.request.hold(Wait::stored(&self.0, move |connection| {
    ///             connection.execute("INSERT INTO audit VALUES (?, ?)", (path, status))?;
    ///             Ok(())
    ///         }));
    ///         response
    ///     }
    /// }
    /// # let _ = Audit;
    /// ```
    pub fn hold<E: Display + 'static>(&mut self, wait: Wait<Result<(), E>>) {
        self.held
            .push(wait.map(|done| done.map_err(|error| error.to_string())));
    }

    /// The head as it came.
    pub fn head(&self) -> Head<'_> {
        Head::rebind(&self.head, self.shape)
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.head().method()
    }

    /// The path as it came, still percent-encoded.
    pub fn path(&self) -> &str {
        self.head().path()
    }

    /// The body as it came; empty for a form in parts.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Where the request comes from.
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// The first value of a field, if it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head().field(name)
    }

    /// A parameter of the path, as the type that is wanted. A value of another type is no such
    /// path: 404.
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        let found = self.params.iter().find(|(known, _)| known == name);
        let (_, value) =
            found.ok_or_else(|| Error::internal(format!("the route has no parameter '{name}'")))?;
        value.parse().map_err(|_| Error::not_found())
    }

    /// A value of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.head().query()?;
        form::pairs(query.as_bytes(), PAIRS_MAX)
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A cookie's value. The first of a name counts, as browsers send the closest path first.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie::find(self.head().all_fields(), name)
    }

    /// The media type of the body, without its parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.field("Content-Type")?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// The fields of a form as pairs, urlencoded or in parts. Files are [`uploads`](Self::uploads).
    pub fn form(&self) -> Result<Pairs<'_>, Error> {
        match self.media_type().as_deref() {
            Some("application/x-www-form-urlencoded") => {
                Ok(form::pairs(&self.body, PAIRS_MAX).collect())
            }
            Some("multipart/form-data") => {
                let fields = self.parts.fields.iter();
                Ok(fields
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect())
            }
            _ if self.body.is_empty() => Ok(Vec::new()),
            other => Err(Error::new(
                crate::http::Status::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "a form is wanted here, not {}",
                    other.unwrap_or("a body without a type")
                ),
            )),
        }
    }

    /// A value of the form, decoded; nothing if it is missing or the body is no form.
    pub fn form_value(&self, name: &str) -> Option<String> {
        let pairs = self.form().ok()?;
        pairs
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The files that came with a form.
    pub fn uploads(&self) -> &[Upload] {
        &self.parts.uploads
    }

    /// Takes the file that came in this field of a form.
    pub fn take_upload(&mut self, field: &str) -> Option<Upload> {
        let found = self
            .parts
            .uploads
            .iter()
            .position(|upload| upload.field == field)?;
        Some(self.parts.uploads.remove(found))
    }

    /// Where to go after a sign-in or another detour: what the form or the query says under `next`, if
    /// that is a path of this site, else `otherwise`.
    pub fn next_page(&self, otherwise: &str) -> String {
        let asked = self.form_value("next").or_else(|| self.query("next"));
        let safe = asked.filter(|path| stays_here(path));
        safe.unwrap_or_else(|| otherwise.to_owned())
    }

    /// The body as JSON of the type that is wanted; what is none says where it is not (400).
    ///
    /// ```
    /// use parlour::web::{Cx, Error};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Order {
    ///     dish: String,
    ///     #[serde(default)]
    ///     spicy: bool,
    /// }
    ///
    /// fn order(cx: &mut Cx<'_, Vec<Order>>) -> Result<String, Error> {
    ///     let order: Order = cx.request.json()?;
    ///     let told = format!("{}, spicy: {}", order.dish, order.spicy);
    ///     cx.state.push(order);
    ///     Ok(told)
    /// }
    /// # let _ = order;
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// Whether the request offers to speak this subprotocol over its WebSocket.
    pub fn offers_protocol(&self, name: &str) -> bool {
        let mut offered = self.head().tokens("Sec-WebSocket-Protocol");
        offered.any(|token| token == name)
    }

    /// Whether a page of another site asks, by what browsers say about that: it must not use a cookie
    /// that the browser sends along, neither to change something nor to open a WebSocket.
    ///
    /// ```
    /// use parlour::web::{Cx, Error};
    ///
    /// fn delete(cx: &mut Cx<'_, ()>) -> Result<&'static str, Error> {
    ///     if cx.request.is_from_elsewhere() {
    ///         return Err(Error::forbidden("only pages of this site delete things"));
    ///     }
    ///     Ok("deleted")
    /// }
    /// # let _ = delete;
    /// ```
    pub fn is_from_elsewhere(&self) -> bool {
        super::origin::is_from_elsewhere(self, &[], false)
    }

    /// Whether the request asks to become a WebSocket.
    pub fn is_upgrade(&self) -> bool {
        self.head().wants_upgrade_to("websocket")
    }
}
