//! # Access log: one line for each answer

use super::Middleware;
use crate::http::Response;
use crate::reactor::Peer;
use crate::web::cx::Cx;

/// Writes a line for each answer: who, what, and how it went.
///
/// ```
/// use parlour::web::App;
/// use parlour::web::middleware::AccessLog;
///
/// let app = App::new(()).wrap(AccessLog);
/// # drop(app);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AccessLog;

impl<S> Middleware<S> for AccessLog {
    fn response(&self, cx: &mut Cx<'_, S>, response: Response) -> Response {
        let who = match cx.request.peer() {
            Peer::Local => "local".to_owned(),
            peer => peer.ip().map_or_else(String::new, |ip| ip.to_string()),
        };
        let (method, path) = (cx.request.method(), cx.request.path());
        log::info!("{who} {method} {path} {}", response.status().code());
        response
    }
}
