//! # Error: what went wrong, and what the client is told of it
//!
//! What the client is told and what the log is told are two texts, so that neither is in the other.

use std::fmt;

use crate::http::form::PathFault;
use crate::http::{Response, Status};

/// Why a handler has no answer of its own.
///
/// A handler ends with `?`. A mistake of the client says what it was; a mistake of ours says only an id,
/// and the log has the rest under the same id. [`App::on_error`](super::App::on_error) gives errors a
/// face.
///
/// ```
/// use parlour::http::Status;
/// use parlour::web::{Cx, Error};
///
/// fn page(cx: &mut Cx<'_, Vec<String>>) -> Result<String, Error> {
///     let number: usize = cx.request.param("number")?;
///     if number == 0 {
///         return Err(Error::bad_request("pages begin with 1"));
///     }
///     cx.state.get(number - 1).cloned().ok_or_else(Error::not_found)
/// }
/// assert_eq!(Error::internal("the disk is full").status(), Status::INTERNAL_SERVER_ERROR);
/// # let _ = page;
/// ```
#[derive(Debug)]
pub struct Error {
    status: Status,
    /// For the client.
    message: String,
    /// For the log.
    cause: Option<String>,
    /// Fields that the answer carries.
    fields: Vec<(&'static str, String)>,
}

impl Error {
    /// The client is told `status` and `message`.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            cause: None,
            fields: Vec::new(),
        }
    }

    /// The client made a mistake, and is told which.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Status::BAD_REQUEST, message)
    }

    /// What was asked for is not there.
    pub fn not_found() -> Self {
        Self::new(Status::NOT_FOUND, "there is nothing at this path")
    }

    /// Whoever asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Status::FORBIDDEN, message)
    }

    /// Something of ours failed: the client is told that, the log is told `cause`.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let message = "something went wrong here; it is not your fault".to_owned();
        Self {
            status: Status::INTERNAL_SERVER_ERROR,
            message,
            cause: Some(cause.to_string()),
            fields: Vec::new(),
        }
    }

    /// The method is not one of those that this path takes.
    pub fn method_not_allowed(allow: impl Into<String>) -> Self {
        let reason = "this path does not take that method";
        Self::new(Status::METHOD_NOT_ALLOWED, reason).field("Allow", allow)
    }

    /// The same with a field that the answer is to carry.
    ///
    /// ```
    /// use parlour::http::Status;
    /// use parlour::web::Error;
    ///
    /// let cold = Error::new(Status::SERVICE_UNAVAILABLE, "the oven is cold");
    /// let error = cold.field("Retry-After", "600");
    /// assert_eq!(error.respond().fields().first("Retry-After"), Some(&b"600"[..]));
    /// ```
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The same under an id that is in the log too.
    pub(super) fn known_as(mut self, id: &str) -> Self {
        self.message = format!("{} ({id})", self.message);
        self
    }

    /// The status to answer with.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the log is told.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The plain answer. A page of its own is what [`App::on_error`](super::App::on_error) is for.
    pub fn respond(&self) -> Response {
        self.dress(Response::refusal(self.status, &self.message))
    }

    /// `response` with the fields that the answer to this error carries.
    pub(super) fn dress(&self, response: Response) -> Response {
        let fields = self.fields.iter();
        fields.fold(response, |response, (name, value)| {
            match response.fields().first(name) {
                None => response.field(name, value),
                Some(_) => response,
            }
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)?;
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<PathFault> for Error {
    fn from(fault: PathFault) -> Self {
        Self::bad_request(fault.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::bad_request(format!("the JSON is not what is wanted: {error}"))
    }
}
