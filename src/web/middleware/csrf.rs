//! # CSRF: the proof that a form came from one of our pages

/// What a page's forms send along, so that it is known that they are ours. Middleware carries it
/// with the request; `csrf_field()` and `csrf_token` of a template show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfToken(pub String);
