//! # Flash: what is to be told on the next page
//!
//! Messages are carried by the request, and kept in the session between two of them.

use super::cx::Cx;

/// Messages for the next page. Middleware that remembers them between requests carries this;
/// a template that goes through `messages` leaves it empty.
///
/// A handler that redirects cannot say anything itself. What it wants said with [`flash`] waits for the
/// next page that shows messages, and is gone then:
///
/// ```
/// use parlour::web::{App, Cx, Flash, Templates};
///
/// const PAGES: &[(&str, &str)] = &[(
///     "base.html",
///     "{% for message in messages %}<p class='note'>{{ message }}</p>{% endfor %}",
/// )];
///
/// /// How many wait, without taking them away.
/// fn waiting(cx: &mut Cx<'_, ()>) -> String {
///     cx.request.carried::<Flash>().map_or(0, |flash| flash.0.len()).to_string()
/// }
///
/// let app = App::new(()).get("/waiting", waiting).templates(Templates::embedded(PAGES));
/// # drop(app);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flash(pub Vec<String>);

/// Has a message told on the next page that shows messages, of this visitor alone.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, flash};
///
/// fn save(cx: &mut Cx<'_, ()>) -> Response {
///     flash(cx, "Your profile is saved.");
///     Response::redirect("/profile")
/// }
/// # let _ = save;
/// ```
///
/// # Panics
///
/// If the app is not wrapped in [`Sessions`](super::middleware::Sessions).
pub fn flash<S>(cx: &mut Cx<'_, S>, text: impl Into<String>) {
    waiting(cx).push(text.into());
}

/// The messages that are to be told, which are gone with that: for pages without a template.
///
/// ```
/// use parlour::web::{Cx, take_flashes};
///
/// fn page(cx: &mut Cx<'_, ()>) -> String {
///     take_flashes(cx).join("\n")
/// }
/// # let _ = page;
/// ```
///
/// # Panics
///
/// Like [`flash`].
pub fn take_flashes<S>(cx: &mut Cx<'_, S>) -> Vec<String> {
    std::mem::take(waiting(cx))
}

fn waiting<'a, S>(cx: &'a mut Cx<'_, S>) -> &'a mut Vec<String> {
    let Flash(texts) = cx
        .request
        .carried_mut()
        .expect("messages need a session: App::wrap(Sessions::new(…))");
    texts
}
