//! # Sessions: finding a visitor's session, and storing what was changed
//!
//! Promises
//! 1. The cookie is signed, not for scripts, and does not come along when another site sends a form.
//! 2. An answer leaves when what was changed is committed; a request that changes nothing writes
//!    nothing, but once an hour that the session is in use.
//! 3. A page of another site cannot open a WebSocket with its visitor's session.

use std::time::Duration;

use super::Middleware;
use crate::http::cookie::SetCookie;
use crate::http::{Response, Status};
use crate::store::{Database, Migrations, StoreError};
use crate::web::cx::Cx;
use crate::web::error::Error;
use crate::web::flash::Flash;
use crate::web::guard::User;
use crate::web::helper::Wait;
use crate::web::middleware::csrf::{Anchor, CsrfToken};
use crate::web::origin;
use crate::web::reply::Reply;
use crate::web::secret::Secret;
use crate::web::session::{CookieNews, Keeper, Session, Settled};

const PURPOSE: &str = "session";

/// Sessions for all visitors of an app. The database has to know [`Sessions::MIGRATIONS`].
///
/// ```no_run
/// use parlour::store::Database;
/// use parlour::web::middleware::{Csrf, Sessions};
/// use parlour::web::{App, Cx, Secret, login};
///
/// fn sign_in(cx: &mut Cx<'_, ()>) -> &'static str {
///     // After looking at a password.
///     login(cx, "ann");
///     "welcome"
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let database = Database::open("data/app.db", &[Sessions::MIGRATIONS])?;
///     let secret = Secret::in_folder("data")?;
///     App::new(())
///         .wrap(Sessions::new(&database, &secret)?)
///         .wrap(Csrf::new(&secret))
///         .post("/login", sign_in)
///         .serve("127.0.0.1:3000")?;
///     Ok(())
/// }
/// ```
///
/// A session ends 14 days after it was used last, and 90 days after it began, that is after the
/// sign-in. Wrap it before [`Csrf`](super::Csrf).
///
/// The cookie is signed, out of reach for scripts, and does not come along when another site sends a
/// form. A page of another site cannot open a WebSocket with its visitor's session, unless it is
/// [trusted](Self::trust). A request that changes nothing writes nothing, but once an hour that the
/// session is in use.
#[derive(Debug)]
pub struct Sessions {
    keeper: Keeper,
    secret: Secret,
    secure: bool,
    trusted: Vec<String>,
}

impl Sessions {
    /// The tables that sessions need in the app's database.
    pub const MIGRATIONS: Migrations = Keeper::MIGRATIONS;

    /// Sessions in this database, with cookies under this key.
    pub fn new(database: &Database, secret: &Secret) -> Result<Self, StoreError> {
        Ok(Self {
            keeper: Keeper::open(database)?,
            secret: secret.clone(),
            secure: false,
            trusted: Vec::new(),
        })
    }

    /// For an app that is reached over TLS only: then the cookie is, too, and belongs to this host
    /// alone.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Other lifetimes: without being used, and in all. That it is used is noted once an hour, or eight
    /// times in `idle` if that is more often, so a session may end so much sooner after its last use.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlour::store::Database;
    /// use parlour::web::{Secret, middleware::Sessions};
    ///
    /// const HOUR: Duration = Duration::from_secs(3600);
    ///
    /// // For an office: until the next morning, and a week at most.
    /// let database = Database::in_memory(&[Sessions::MIGRATIONS])?;
    /// let sessions = Sessions::new(&database, &Secret::random())?;
    /// let sessions = sessions.lifetimes(18 * HOUR, 7 * 24 * HOUR);
    /// # drop(sessions);
    /// # Ok::<(), parlour::store::StoreError>(())
    /// ```
    pub fn lifetimes(mut self, idle: Duration, whole: Duration) -> Self {
        self.keeper.set_lifetimes(idle.as_secs(), whole.as_secs());
        self
    }

    /// Pages of this origin, such as `https://app.example.org`, may open WebSockets with a session.
    pub fn trust(mut self, origin: &str) -> Self {
        self.trusted.push(origin.to_owned());
        self
    }

    const fn cookie(&self) -> &'static str {
        if self.secure { "__Host-sid" } else { "sid" }
    }

    fn set_cookie(&self, response: &mut Response, news: CookieNews) {
        let signed;
        let cookie = match news {
            CookieNews::Set { id, max_age_s } => {
                signed = self.secret.sign(PURPOSE, &id);
                SetCookie::new(self.cookie(), &signed).max_age_s(max_age_s)
            }
            CookieNews::Remove => SetCookie::removal(self.cookie()),
        };
        let cookie = if self.secure { cookie.secure() } else { cookie };
        let line = cookie
            .to_value()
            .expect("a name of ours and Base64 make a cookie");
        response.push_field("Set-Cookie", line.as_bytes());
    }
}

impl<S> Middleware<S> for Sessions {
    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        // An app is not served with the wrong order, but middleware may hold middleware.
        assert!(
            cx.request.carried::<CsrfToken>().is_none(),
            "Csrf needs to know the session: wrap Sessions before Csrf"
        );
        let now_s = cx.house.now().unix_ms / 1000;
        let cookie = cx.request.cookie(self.cookie());
        let foreign = || origin::is_foreign(cx.request, &self.trusted, self.secure);
        if cookie.is_some() && cx.request.is_upgrade() && foreign() {
            let reason = "pages of other sites may not open WebSockets here";
            return Some(Reply::of(Error::forbidden(reason)));
        }
        let id = cookie.and_then(|cookie| self.secret.unsign(PURPOSE, cookie));
        let session = match self.keeper.session(id, now_s) {
            Ok(session) => session,
            Err(error) => {
                log::error!("sessions cannot be read: {error}");
                let reason = "it cannot be told who you are at the moment, come again soon";
                let refusal = Error::new(Status::SERVICE_UNAVAILABLE, reason);
                return Some(Reply::of(refusal.field("Retry-After", "1")));
            }
        };
        if let Some(user) = session.user() {
            cx.request.carry(User(user.to_owned()));
        }
        if let Some(anchor) = session.anchor() {
            cx.request.carry(anchor);
        }
        cx.request.carry(session.flash());
        cx.request.carry(session);
        None
    }

    fn response(&self, cx: &mut Cx<'_, S>, mut response: Response) -> Response {
        let now_s = cx.house.now().unix_ms / 1000;
        let anchor = cx.request.carried::<Anchor>().copied();
        let flash = cx.request.carried::<Flash>().cloned().unwrap_or_default();
        let Some(session) = cx.request.carried_mut::<Session>() else {
            return response;
        };
        if !super::is_public(&response) {
            response.vary("Cookie");
        }
        if response.status().code() >= 500 {
            return response;
        }
        match session.settle(anchor, flash, now_s) {
            Ok(Settled { cookie, stored }) => {
                if let Some(news) = cookie {
                    self.set_cookie(&mut response, news);
                    super::keep_private(&mut response);
                }
                if let Some(stored) = stored {
                    cx.request.hold(stored);
                }
            }
            // Told by what the answer waits for, so that it gets the face of other errors.
            Err(why) => cx.request.hold(Wait::on(|back| {
                back.hand(Err(why));
                Ok(())
            })),
        }
        response
    }
}
