//! # Security headers: what browsers are told to refuse

use super::Middleware;
use crate::http::Response;
use crate::web::cx::Cx;

/// Tells browsers to refuse what pages of this app do not need: other people's frames, guessed
/// types, leaking addresses, scripts in the page's text.
///
/// ```
/// use parlour::web::App;
/// use parlour::web::middleware::SecurityHeaders;
///
/// let app = App::new(()).wrap(SecurityHeaders::policy("default-src 'self'"));
/// # drop(app);
/// ```
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    policy: String,
    others: Vec<(&'static str, &'static str)>,
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        let policy = "default-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self'";
        Self::policy(policy)
    }
}

impl SecurityHeaders {
    /// The strictest that suits most apps. Scripts and styles in a page's own text do not run under
    /// it: serve them as files ([`App::embedded`](crate::web::App::embedded)), or say another
    /// [`policy`](Self::policy).
    pub fn new() -> Self {
        Self::default()
    }

    /// These headers with another Content-Security-Policy.
    pub fn policy(policy: &str) -> Self {
        Self {
            policy: policy.to_owned(),
            others: Vec::new(),
        }
    }

    /// Another of the kind beside them.
    ///
    /// ```
    /// use parlour::web::middleware::SecurityHeaders;
    ///
    /// SecurityHeaders::new().and("Permissions-Policy", "camera=(), microphone=()");
    /// ```
    #[must_use]
    pub fn and(mut self, name: &'static str, value: &'static str) -> Self {
        self.others.push((name, value));
        self
    }
}

impl<S> Middleware<S> for SecurityHeaders {
    fn response(&self, _: &mut Cx<'_, S>, mut response: Response) -> Response {
        let fields = [
            ("Content-Security-Policy", self.policy.as_str()),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ];
        let others = self.others.iter().copied();
        for (name, value) in fields.into_iter().chain(others) {
            // A handler that knows better has said so.
            if response.fields().first(name).is_none() {
                response.push_field(name, value.as_bytes());
            }
        }
        response
    }
}
