//! # Tokens: signing in and out
//!
//! Whoever signs in gets a token, and a browser the same in a cookie that scripts cannot read.
//!
//! Promises
//! 1. Whether somebody exists is not told, by the answer or by the time that it takes.
//! 2. A token is said once, to whoever asked for it.

use super::asking::{
    Answered, Done, answer, at, body, done, ok, query, segment, settled, want, wanted,
};
use super::people::self_of;
use super::tries;
use crate::chat::people::{self, Password};
use crate::chat::{
    Answer, Code, Identity, Millis, Operation, Refusal, Scopes, Title, TokenId, Tokens, UserId,
    UserName,
};
use crate::http::cookie::SetCookie;
use crate::http::{Response, Status};
use crate::site::auth::{self, COOKIE};
use crate::site::fields::{Fields, wrong};
use crate::site::hall::Hall;
use crate::site::secret::{Secret, SecretKind};
use crate::site::wire::Object;
use crate::web::{Cx, Reply, password};

/// How long a browser stays signed in.
const BROWSER_MS: Millis = 90 * 24 * 60 * 60 * 1000;

/// What a token is called if nothing is said.
const USUAL_NAME: &str = "sign-in";

/// How somebody wants to be signed in.
#[derive(Clone, Debug)]
pub(in crate::site) struct Wish {
    name: Title,
    cookie: bool,
    expires_at: Option<Millis>,
    scopes: Option<Scopes>,
}

impl Wish {
    /// A browser that stays signed in.
    pub(in crate::site) fn browser() -> Self {
        Self {
            name: Title::trusted("browser"),
            cookie: true,
            expires_at: None,
            scopes: None,
        }
    }

    /// For somebody else, whose browser this is not.
    pub(super) fn without_cookie(self) -> Self {
        Self {
            cookie: false,
            ..self
        }
    }
}

/// Reads how somebody wants to be signed in.
pub(super) fn wish(cx: &Cx<'_, Hall>, fields: Fields<'_>) -> Result<Wish, Refusal> {
    let cookie = fields.maybe_flag("cookie")?.unwrap_or(false);
    if cookie && cx.request.is_from_elsewhere() {
        // Or a page elsewhere signs its visitors in here, as somebody else.
        return Err(auth::elsewhere());
    }
    let expires_at = fields.maybe_time("expires_at")?;
    if expires_at.is_some_and(|end| end <= cx.house.now().unix_ms) {
        // An account would be made, and its token refused.
        let tell = "`expires_at` has passed already. Choose a time that is still to come.";
        return Err(Refusal::field("expires_at", tell));
    }
    Ok(Wish {
        name: fields
            .maybe_title("label")?
            .unwrap_or_else(|| Title::trusted(USUAL_NAME)),
        cookie,
        expires_at,
        scopes: Scopes::parse("scopes", fields.maybe_texts("scopes")?.unwrap_or_default())?,
    })
}

/// `POST /tokens`: signs in.
pub(super) fn sign_in(cx: &mut Cx<'_, Hall>) -> Answered {
    let map = body(cx)?;
    let fields = Fields(&map);
    let who = match (fields.maybe_text("name")?, fields.maybe_text("email")?) {
        (Some(name), _) => name,
        (None, Some(email)) => email,
        (None, None) => fields.text("name")?,
    };
    let who = who.to_owned();
    let text = fields.text("password")?.to_owned();
    let wish = wish(cx, fields)?;
    Ok(prove(cx, &who, &text, |cx, proved| {
        settled(proved.map(|found| {
            let password = Some(found.password.into());
            hand_out(cx, None, found.name, password, wish)
        }))
    }))
}

/// Finds out whether who has this name or address has this password, as often as that may be tried.
pub(in crate::site) fn prove(
    cx: &mut Cx<'_, Hall>,
    who: &str,
    text: &str,
    then: impl FnOnce(&mut Cx<'_, Hall>, Result<Password, Refusal>) -> Reply<Hall> + 'static,
) -> Reply<Hall> {
    let found = tries::may_try_password(cx, who).and_then(|()| {
        let reader = &cx.state.reader;
        Ok(reader.query(|tables| people::password_of(tables, who))?)
    });
    let found = match found {
        Ok(found) => found,
        Err(refusal) => return then(cx, Err(refusal)),
    };
    let compared = match &found {
        Some(found) => password::verify(text, &found.password),
        None => password::verify_nobody(text),
    };
    let who = who.to_owned();
    compared.then(move |cx, fits: bool| match found.filter(|_| fits) {
        None => {
            tries::failed_password(cx, &who);
            let tell = "This name and password do not belong together.";
            then(cx, Err(Refusal::new(Code::Unauthenticated, tell)))
        }
        Some(found) => {
            tries::forgive_password(cx, &who);
            then(cx, Ok(found))
        }
    })
}

/// A token that was made.
#[derive(Debug)]
pub(in crate::site) struct Made {
    token: String,
    id: TokenId,
    /// Whose it is.
    user: UserId,
    name: UserName,
    expires_at: Option<Millis>,
    cookie: bool,
}

impl Made {
    /// Whose it is.
    pub(in crate::site) const fn user(&self) -> UserId {
        self.user
    }

    /// Gives it to a browser, if that is wished for.
    pub(in crate::site) fn keep(&self, cx: &Cx<'_, Hall>, response: Response) -> Response {
        match (self.cookie, self.expires_at) {
            (true, Some(end)) => with_cookie(cx, response, &self.token, end),
            _ => response,
        }
    }
}

/// Makes a token for somebody. `by` is whoever asks; `password` what proved who they are.
pub(in crate::site) fn make(
    cx: &mut Cx<'_, Hall>,
    by: Option<UserId>,
    name: UserName,
    password: Option<String>,
    wish: Wish,
    then: impl FnOnce(&mut Cx<'_, Hall>, Result<Made, Refusal>) -> Reply<Hall> + 'static,
) -> Reply<Hall> {
    let token = match Secret::fresh(SecretKind::Token) {
        Ok(token) => token,
        Err(refusal) => return then(cx, Err(refusal)),
    };
    let browser_end = cx.house.now().unix_ms + BROWSER_MS;
    let expires_at = match wish.cookie {
        true => Some(wish.expires_at.unwrap_or(browser_end)),
        false => wish.expires_at,
    };
    let operation = Operation::CreateToken {
        user: name.clone(),
        hash: token.hash,
        name: wish.name,
        password,
        expires_at,
        scopes: wish.scopes,
    };
    wanted(cx, by, None, operation).then(move |cx: &mut Cx<'_, Hall>, made| {
        let made = made.map(|made: Done| {
            let Answer::Token(user, id) = made.answer else {
                unreachable!("a token was made");
            };
            Made {
                token: token.text,
                id,
                user,
                name,
                expires_at,
                cookie: wish.cookie,
            }
        });
        then(cx, made)
    })
}

/// Makes a token for somebody, and says it. `by` is whoever asks.
pub(super) fn hand_out(
    cx: &mut Cx<'_, Hall>,
    by: Option<UserId>,
    name: UserName,
    password: Option<String>,
    wish: Wish,
) -> Reply<Hall> {
    make(cx, by, name, password, wish, |cx, made| {
        settled(made.and_then(|made| say(cx, &made)))
    })
}

/// Says a token that was made.
pub(super) fn say(cx: &Cx<'_, Hall>, made: &Made) -> Answered {
    let about = self_of(cx.state, &made.name)?;
    let json = Object::new()
        .text("token", &made.token)
        .number("id", made.id.0)
        .json("user", &about);
    let json = at(json, "expires_at", made.expires_at).end();
    Ok(Reply::of(made.keep(cx, answer(Status::CREATED, json))))
}

fn with_cookie(cx: &Cx<'_, Hall>, response: Response, token: &str, end: Millis) -> Response {
    let left_s = end.saturating_sub(cx.house.now().unix_ms) / 1000;
    let cookie = SetCookie::new(COOKIE, token).max_age_s(left_s);
    set(response, &as_safe_as_asked(cx, cookie))
}

/// A cookie only over TLS, if that is how the browser came.
pub(in crate::site) fn as_safe_as_asked<'a>(
    cx: &Cx<'_, Hall>,
    cookie: SetCookie<'a>,
) -> SetCookie<'a> {
    match came_over_tls(cx) {
        true => cookie.secure(),
        false => cookie,
    }
}

/// Whether the browser's way here is encrypted, as a proxy in front of this server says.
pub(in crate::site) fn came_over_tls(cx: &Cx<'_, Hall>) -> bool {
    cx.request
        .field("X-Forwarded-Proto")
        .is_some_and(|it| it.eq_ignore_ascii_case("https"))
}

pub(in crate::site) fn set(response: Response, cookie: &SetCookie<'_>) -> Response {
    response
        .cookie(cookie)
        .expect("a token's letters are those of cookies")
}

// ----------------------------------------------------------------------------------- signing out

/// `GET /tokens`: one's own.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let tokens = cx
        .state
        .reader
        .query(|tables| people::tokens_of(tables, identity.user))?;
    let now = cx.house.now().unix_ms;
    let seats = cx.state.crowd.seats(identity.user);
    let used_at = |token: &people::Token| {
        // A connection uses its token as long as it is there.
        let is_here = seats.iter().any(|seat| seat.token == token.id);
        let noted = cx.state.uses.noted(token.id);
        is_here.then_some(now).or(noted).or(token.used_at)
    };
    let each = tokens.iter().map(|token| {
        let json = Object::new()
            .number("id", token.id.0)
            .text("label", &token.name)
            .flag("current", token.id == identity.token);
        let json = scoped(json, token.scopes.as_ref());
        let json = at(json, "created_at", Some(token.created_at));
        let json = at(json, "expires_at", token.expires_at);
        at(json, "used_at", used_at(token)).end()
    });
    ok(Object::new().array("tokens", each).end())
}

/// What a token is good for, if that is not everything.
pub(super) fn scoped(json: Object, scopes: Option<&Scopes>) -> Object {
    match scopes {
        Some(scopes) => json.texts("scopes", scopes.words()),
        None => json,
    }
}

/// `DELETE /tokens/current`: signs out.
pub(super) fn sign_out(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let which = Tokens::One(identity.token);
    Ok(revoke(cx, identity, which))
}

/// `DELETE /tokens/{id}`: signs another device out.
pub(super) fn sign_one_out(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let text = segment(cx, "id")?;
    let id = text.parse().map(TokenId).map_err(|_| {
        Refusal::not_found(format!("You have no token \"{}\".", text.escape_debug()))
    })?;
    Ok(revoke(cx, identity, Tokens::One(id)))
}

/// `DELETE /tokens`: signs all devices out, with `?keep=current` all others.
pub(super) fn sign_all_out(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = query(cx, &["keep"], &[], &[]);
    let which = match Fields(&map).maybe_text("keep")? {
        None => Tokens::All,
        Some("current") => Tokens::AllBut(identity.token),
        Some(_) => return Err(wrong("keep", "`current`, or not there")),
    };
    Ok(revoke(cx, identity, which))
}

fn revoke(cx: &mut Cx<'_, Hall>, identity: Identity, which: Tokens) -> Reply<Hall> {
    let ends = match which {
        Tokens::All => true,
        Tokens::One(id) => id == identity.token,
        Tokens::AllBut(_) => false,
    };
    let operation = Operation::RevokeTokens {
        user: identity.name,
        which,
    };
    want(cx, Some(identity.user), None, operation, move |cx, _| {
        if !ends || cx.request.cookie(COOKIE).is_none() {
            return done();
        }
        let forget = SetCookie::removal(COOKIE);
        Ok(Reply::of(set(Response::new(Status::NO_CONTENT), &forget)))
    })
}
