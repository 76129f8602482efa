//! # Session: what is remembered of a visitor
//!
//! [`Sessions`](super::middleware::Sessions) finds a session when a request comes and stores what was
//! changed before the answer leaves; here is what handlers see, and what has become of a session in
//! the end.
//!
//! Promises
//! 1. Who has stored nothing has no session, and no cookie.
//! 2. Signing in and out changes the id, so that an id from before is worth nothing afterwards.
//! 3. What two requests of one visitor change at the same time is kept from both, key by key.
//! 4. A session that has ended while a request was under way does not come back by it.

mod ledger;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::cx::Cx;
use super::flash::Flash;
use super::guard::User;
use super::helper::{Busy, Wait};
use super::middleware::csrf::Anchor;
use super::request::Request;
use super::secret::random_bytes;
use crate::store::{Database, Migrations, StoreError};
use ledger::{Change, Key, Ledger, Lives, Record};

/// How much a session may have, as JSON. It is read with every request.
const DATA_BYTES_MAX: usize = 64 << 10;

/// Random bytes of an id: 192 bits.
const ID_BYTES: usize = 24;

/// The key below which messages for the next page wait.
const FLASH: &str = "_flash";

/// The session of a request: see [`Cx::session`].
///
/// It is a few values on the server, below a random id that the visitor's browser has in a signed
/// cookie. Who has nothing stored has no session, and no cookie. What was changed is stored before the
/// answer leaves; what two requests of one visitor change at the same time is kept from both, key by
/// key. [`login`] and [`logout`] change the id, so that one from before is worth nothing afterwards.
///
/// A WebSocket can read the session that it came with. What a consumer or a talking view changes in
/// it is not kept, because no answer leaves that could wait for it.
///
/// ```
/// use parlour::web::Cx;
///
/// fn count(cx: &mut Cx<'_, ()>) -> String {
///     let session = cx.session();
///     let visits = session.get::<u32>("visits").unwrap_or_default() + 1;
///     session.insert("visits", visits);
///     format!("you were here {visits} times")
/// }
/// # let _ = count;
/// ```
#[derive(Debug)]
pub struct Session {
    ledger: Rc<Ledger>,
    /// The id that the cookie has, if there is a session with it.
    id: Option<String>,
    /// As it was found.
    record: Option<Record>,
    /// Values that were set, and keys that were removed.
    changes: BTreeMap<String, Option<Value>>,
    cleared: bool,
    user: Option<String>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    /// Somebody signed in: another id, with this anchor.
    Renewed([u8; 16]),
    Ended,
}

/// What a browser is to do with its cookie.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CookieNews {
    Set { id: String, max_age_s: u64 },
    Remove,
}

/// What has become of a session.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) cookie: Option<CookieNews>,
    /// Ends when it is stored.
    pub(super) stored: Option<Wait<Result<(), String>>>,
}

/// Where all sessions of an app are.
#[derive(Debug)]
pub(super) struct Keeper(Rc<Ledger>);

impl Keeper {
    pub(super) const MIGRATIONS: Migrations = ledger::MIGRATIONS;

    pub(super) fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self(Rc::new(Ledger::open(database)?)))
    }

    /// Other lifetimes than the usual ones.
    pub(super) fn set_lifetimes(&mut self, idle_s: u64, whole_s: u64) {
        let ledger = Rc::get_mut(&mut self.0).expect("no session is out before the app is served");
        ledger.set_lives(Lives { idle_s, whole_s });
    }

    /// The session with this id; a new one if there is none.
    pub(super) fn session(&self, id: Option<&str>, now_s: u64) -> Result<Session, StoreError> {
        let found = match id {
            Some(id) => self.0.find(Key::of(id), now_s)?.map(|record| (id, record)),
            None => None,
        };
        let (id, record) = found.unzip();
        Ok(Session {
            ledger: Rc::clone(&self.0),
            id: id.map(str::to_owned),
            user: record.as_ref().and_then(|record| record.user.clone()),
            record,
            changes: BTreeMap::new(),
            cleared: false,
            fate: Fate::Stays,
        })
    }
}

impl Session {
    /// The value below a key, if it is there and of this type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = match self.changes.get(key) {
            Some(changed) => changed.as_ref(),
            None if self.cleared => None,
            None => self.record.as_ref()?.data.get(key),
        };
        T::deserialize(value?).ok()
    }

    /// Stores a value: text, a number, a list of these, or whatever
    /// [`json!`](https://docs.rs/serde_json/latest/serde_json/macro.json.html) makes. All values
    /// together may have 64 KiB as JSON. Keys that begin with `_` are the framework's.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) {
        self.changes.insert(key.to_owned(), Some(value.into()));
    }

    /// Removes the value below a key.
    pub fn remove(&mut self, key: &str) {
        self.changes.insert(key.to_owned(), None);
    }

    /// Removes all values. Who is signed in stays so.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.cleared = true;
    }

    /// Who is signed in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What the tokens of its pages are made of, if it is kept already.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        let record = self.record.as_ref()?;
        Some(Anchor::of_session(record.anchor))
    }

    /// The messages that wait for a page.
    pub(super) fn flash(&self) -> Flash {
        Flash(self.get(FLASH).unwrap_or_default())
    }

    fn login(&mut self, user: &str) -> Anchor {
        if self.user.as_deref().is_some_and(|other| other != user) {
            self.clear();
        }
        self.user = Some(user.to_owned());
        let anchor = random_bytes();
        self.fate = Fate::Renewed(anchor);
        Anchor::of_session(anchor)
    }

    fn logout(&mut self) {
        self.clear();
        self.user = None;
        self.fate = Fate::Ended;
    }

    /// Decides what has become of it, and begins to store that. `anchor` is what the visitor's pages
    /// have had until now, `flash` what waits for the next page.
    pub(super) fn settle(
        &mut self,
        anchor: Option<Anchor>,
        flash: Flash,
        now_s: u64,
    ) -> Result<Settled, String> {
        if flash != self.flash() {
            match flash.0.is_empty() {
                true => self.remove(FLASH),
                false => self.insert(FLASH, flash.0),
            }
        }
        let (changes, cookie) = self.outcome(anchor, now_s).map_err(|it| it.to_string())?;
        let too_large = |record: &Record| ledger::text(&record.data).len() > DATA_BYTES_MAX;
        let mut stored = None;
        if !changes.is_empty() {
            for change in &changes {
                if let Change::Begin(_, record) | Change::Update(_, record) = change
                    && too_large(record)
                {
                    return Err(format!("a session has more than {DATA_BYTES_MAX} bytes"));
                }
            }
            stored = Some(match self.ledger.write(changes, now_s) {
                Ok(wait) => wait.map(|stored| stored.map_err(|error| error.to_string())),
                Err(error) if error.is_busy() => Wait::on(|_| Err(Busy)),
                Err(error) => return Err(error.to_string()),
            });
        }
        Ok(Settled { cookie, stored })
    }

    fn outcome(
        &self,
        anchor: Option<Anchor>,
        now_s: u64,
    ) -> Result<(Vec<Change>, Option<CookieNews>), StoreError> {
        let untouched = self.changes.is_empty() && !self.cleared && self.fate == Fate::Stays;
        let noted_s = self.ledger.lives().noted_s();
        let fresh = |record: &Record| now_s.saturating_sub(record.seen_s) < noted_s;
        if untouched && self.record.as_ref().is_none_or(fresh) {
            return Ok((Vec::new(), None));
        }
        // Others may have changed it since it was found.
        let id = self.id.as_deref();
        let current = match id {
            Some(id) => self.ledger.find(Key::of(id), now_s)?,
            None => None,
        };
        let mut data = match &current {
            Some(record) if !self.cleared => record.data.clone(),
            _ => Map::new(),
        };
        for (key, value) in &self.changes {
            match value {
                Some(value) => data.insert(key.clone(), value.clone()),
                None => data.remove(key),
            };
        }
        let mut changes = Vec::new();
        let new_anchor = match (self.fate, id, current) {
            (Fate::Stays, Some(id), Some(record)) => {
                return Ok(self.go_on(id, record, data, now_s));
            }
            (Fate::Stays, Some(_), None) => return Ok((changes, None)),
            (Fate::Stays, None, _) => anchor.map(|anchor| anchor.bytes),
            (Fate::Renewed(anchor), id, _) => {
                changes.extend(id.map(|id| Change::End(Key::of(id))));
                Some(anchor)
            }
            (Fate::Ended, id, _) => {
                changes.extend(id.map(|id| Change::End(Key::of(id))));
                anchor.map(|anchor| anchor.bytes)
            }
        };
        if data.is_empty() && self.user.is_none() {
            let cookie = id.map(|_| CookieNews::Remove);
            return Ok((changes, cookie));
        }
        let record = Record {
            user: self.user.clone(),
            anchor: new_anchor.unwrap_or_else(random_bytes),
            data,
            began_s: now_s,
            seen_s: now_s,
        };
        let id = BASE64URL_NOPAD.encode(&random_bytes::<ID_BYTES>());
        let max_age_s = self.ledger.lives().left_s(&record, now_s);
        changes.push(Change::Begin(Key::of(&id), record));
        Ok((changes, Some(CookieNews::Set { id, max_age_s })))
    }

    /// The session as it is, with these values.
    fn go_on(
        &self,
        id: &str,
        mut record: Record,
        data: Map<String, Value>,
        now_s: u64,
    ) -> (Vec<Change>, Option<CookieNews>) {
        let is_seen = now_s.saturating_sub(record.seen_s) >= self.ledger.lives().noted_s();
        if !is_seen && data == record.data {
            return (Vec::new(), None);
        }
        record.data = data;
        let mut cookie = None;
        if is_seen {
            record.seen_s = now_s;
            cookie = Some(CookieNews::Set {
                id: id.to_owned(),
                max_age_s: self.ledger.lives().left_s(&record, now_s),
            });
        }
        (vec![Change::Update(Key::of(id), record)], cookie)
    }
}

impl<S> Cx<'_, S> {
    /// The session of whoever asks. Values are stored before the answer leaves, unless the answer is
    /// an error of ours (5xx).
    ///
    /// # Panics
    ///
    /// If the app is not wrapped in [`Sessions`](super::middleware::Sessions).
    pub fn session(&mut self) -> &mut Session {
        let session = self.request.carried_mut();
        session.expect("sessions need their middleware: App::wrap(Sessions::new(…))")
    }
}

/// Signs somebody in: whoever knew the session's id before knows nothing now. What a visitor had in
/// the session stays there, unless it was somebody else who was signed in.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, Error, Reply, login, password};
///
/// /// Names and hashed passwords.
/// type People = std::collections::HashMap<String, String>;
///
/// fn sign_in(cx: &mut Cx<'_, People>) -> Reply<People> {
///     let name = cx.request.form_value("name").unwrap_or_default();
///     let text = cx.request.form_value("password").unwrap_or_default();
///     let known = match cx.state.get(&name) {
///         Some(stored) => password::verify(&text, stored),
///         None => password::verify_nobody(&text),
///     };
///     known.then(move |cx: &mut Cx<'_, People>, is_right| {
///         if !is_right {
///             return Err(Error::bad_request("that name and password are not known here"));
///         }
///         login(cx, &name);
///         Ok(Response::redirect(&cx.request.next_page("/")))
///     })
/// }
/// # let _ = sign_in;
/// ```
///
/// # Panics
///
/// Like [`Cx::session`].
pub fn login<S>(cx: &mut Cx<'_, S>, user: &str) {
    if cx.session().user().is_some_and(|other| other != user) {
        cx.request.carry(Flash::default());
    }
    let anchor = cx.session().login(user);
    cx.request.carry(User(user.to_owned()));
    anchor.replace(cx.request);
}

/// Signs whoever asks out. The session ends, with all that is in it.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, logout};
///
/// fn sign_out(cx: &mut Cx<'_, ()>) -> Response {
///     logout(cx);
///     Response::redirect("/")
/// }
/// # let _ = sign_out;
/// ```
///
/// # Panics
///
/// Like [`Cx::session`].
pub fn logout<S>(cx: &mut Cx<'_, S>) {
    cx.session().logout();
    forget(cx.request);
}

/// Ends all sessions of a user, in all browsers: after a new password, say. Whoever asks stays
/// signed in only by signing in again.
///
/// ```
/// use parlour::web::{Cx, Error, logout_everywhere};
///
/// fn lock_out(cx: &mut Cx<'_, ()>) -> Result<&'static str, Error> {
///     let user: String = cx.request.param("user")?;
///     logout_everywhere(cx, &user)?;
///     cx.house.user_close(&user, 4001, "signed out");
///     Ok("done")
/// }
/// # let _ = lock_out;
/// ```
///
/// # Panics
///
/// Like [`Cx::session`].
pub fn logout_everywhere<S>(cx: &mut Cx<'_, S>, user: &str) -> Result<(), super::Error> {
    let now_s = cx.house.now().unix_ms / 1000;
    let session = cx.session();
    let ended = vec![Change::EndAll(user.to_owned())];
    match session.ledger.write(ended, now_s) {
        Ok(stored) => {
            if session.user() == Some(user) {
                session.logout();
                forget(cx.request);
            }
            cx.request.hold(stored);
            Ok(())
        }
        Err(error) if error.is_busy() => Err(Busy.into()),
        Err(error) => Err(super::Error::internal(error)),
    }
}

/// Nobody is signed in any more, as far as this request goes.
fn forget(request: &mut Request) {
    request.drop_carried::<User>();
    request.carry(Flash::default());
    Anchor::random().replace(request);
}
