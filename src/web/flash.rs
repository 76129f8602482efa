//! # Flash: what is to be told on the next page
//!
//! A handler that redirects cannot say anything itself. What it wants said waits for the next page
//! that shows messages, and is gone then.

/// Messages for the next page. Middleware that remembers them between requests carries this;
/// a template that goes through `messages` leaves it empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flash(pub Vec<String>);
