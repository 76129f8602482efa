//! Accounts: making one, signing in, and knowing who asks.

use parlour::http::{Response, Status};
use parlour::web::{Cx, Error, Reply, Wait, password};
use serde_json::json;

use crate::Chat;
use crate::input::{Input, Wrong};
use crate::store::{User, user_by_id, user_by_name, user_by_token};
use crate::tokens;

pub(crate) type Answer = Result<Reply<Chat>, Error>;

const NAME_CHARS_MAX: usize = 150;
const EMAIL_CHARS_MAX: usize = 254;
const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_CHARS_MAX: usize = 128;

/// Tokens that somebody may have at a time, one for each place where they signed in. The oldest goes.
const TOKENS_MAX: i64 = 20;

const TAKEN: &str = "A user with that username already exists.";
const NO_MATCH: &str = "Unable to log in with provided credentials.";

/// Who asks, by a token or a JWT. That framework's words for everybody else.
pub(crate) fn who(cx: &Cx<'_, Chat>) -> Result<User, Error> {
    let denied =
        |detail: &str| Error::new(Status::UNAUTHORIZED, detail).field("WWW-Authenticate", "Token");
    let field = cx.request.field("Authorization").unwrap_or_default();
    let (scheme, token) = field.trim().split_once(' ').unwrap_or((field, ""));
    let token = token.trim();
    let reader = &cx.state.reader;
    let user = if scheme.eq_ignore_ascii_case("token") && !token.is_empty() {
        reader.query(|connection| user_by_token(connection, &tokens::hash(token)))?
    } else if scheme.eq_ignore_ascii_case("jwt") && !token.is_empty() {
        let claims = cx.state.key.read(token, now_s(cx));
        let claims = claims.map_err(|why| denied(why.tell()))?;
        reader.query(|connection| user_by_id(connection, claims.user))?
    } else {
        return Err(denied("Authentication credentials were not provided."));
    };
    user.ok_or_else(|| denied("Invalid token."))
}

fn now_s(cx: &Cx<'_, Chat>) -> u64 {
    cx.house.now().unix_ms / 1000
}

/// `POST /auth/users/create/`
pub(crate) fn create(cx: &mut Cx<'_, Chat>) -> Answer {
    let input = Input::of(cx.request)?;
    let mut wrong = Wrong::default();
    let username = input.wanted("username", &mut wrong);
    let email = input.text("email").unwrap_or_default();
    let word = input.wanted("password", &mut wrong);
    wrong.unless(
        username.chars().count() <= NAME_CHARS_MAX,
        "username",
        "Ensure this field has no more than 150 characters.",
    );
    wrong.unless(
        username
            .chars()
            .all(|c| c.is_alphanumeric() || "_@.+-".contains(c)),
        "username",
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ \
         characters.",
    );
    let taken = user_by_name_on(cx, &username)?.is_some() || username.eq_ignore_ascii_case("hubot");
    wrong.unless(!taken, "username", TAKEN);
    wrong.unless(is_email(&email), "email", "Enter a valid email address.");
    judge_password(&word, &username, &mut wrong);
    if !wrong.is_nothing() {
        return Ok(Reply::of(wrong.response()));
    }
    Ok(password::hash(&word).then(|cx: &mut Cx<'_, Chat>, hashed| {
        let hashed = hashed?;
        let answer = json!({ "email": email, "username": username });
        let stored = Wait::stored(&cx.state.database, move |connection| {
            connection.execute(
                "INSERT INTO users (username, email, password) VALUES (?, ?, ?)",
                (username, email, hashed),
            )?;
            Ok(connection.last_insert_rowid())
        });
        Ok::<_, Error>(stored.then(move |_, stored| match stored {
            // Somebody else took the name meanwhile.
            Err(error) if error.is_unique() => Ok(Wrong::with("username", TAKEN).response()),
            stored => {
                let mut answer = answer;
                answer["id"] = stored?.into();
                Ok::<_, Error>(Response::json(answer.to_string()).with_status(Status::CREATED))
            }
        }))
    }))
}

fn user_by_name_on(cx: &Cx<'_, Chat>, name: &str) -> Result<Option<User>, Error> {
    let found = cx
        .state
        .reader
        .query(|connection| user_by_name(connection, name));
    Ok(found?)
}

/// Whether it looks like an address; none at all is one, too.
fn is_email(text: &str) -> bool {
    let plain = text
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;\"".contains(c));
    let shaped = text.rsplit_once('@').is_some_and(|(name, host)| {
        let inner_dot = host.trim_matches('.').contains('.') || host == "localhost";
        !name.is_empty() && !name.contains('@') && inner_dot && host == host.trim_matches('.')
    });
    text.is_empty() || (plain && shaped && text.chars().count() <= EMAIL_CHARS_MAX)
}

fn judge_password(word: &str, username: &str, wrong: &mut Wrong) {
    let chars = word.chars().count();
    wrong.unless(
        chars >= PASSWORD_CHARS_MIN,
        "password",
        "This password is too short. It must contain at least 8 characters.",
    );
    wrong.unless(
        chars <= PASSWORD_CHARS_MAX,
        "password",
        "Ensure this field has no more than 128 characters.",
    );
    wrong.unless(
        !word.chars().all(|c| c.is_ascii_digit()),
        "password",
        "This password is entirely numeric.",
    );
    wrong.unless(
        !word.eq_ignore_ascii_case(username),
        "password",
        "The password is too similar to the username.",
    );
}

/// `POST /auth/token/create/`
pub(crate) fn create_token(cx: &mut Cx<'_, Chat>) -> Answer {
    sign_in(cx, |cx, user| {
        let token = tokens::random_hex::<20>();
        let hash = tokens::hash(&token);
        let stored = Wait::stored(&cx.state.database, move |connection| {
            connection.execute(
                "INSERT INTO tokens (hash, user, number)
                 SELECT ?1, ?2, coalesce(max(number), 0) + 1 FROM tokens WHERE user = ?2",
                (hash, user.id),
            )?;
            connection.execute(
                "DELETE FROM tokens WHERE user = ?1
                 AND number <= (SELECT max(number) FROM tokens WHERE user = ?1) - ?2",
                (user.id, TOKENS_MAX),
            )?;
            Ok(())
        });
        stored.then(move |_, stored| stored.map(|()| json!({ "auth_token": token })))
    })
}

/// `POST /auth/jwt/create/`
pub(crate) fn create_jwt(cx: &mut Cx<'_, Chat>) -> Answer {
    sign_in(cx, |cx, user| {
        let jwt = cx.state.key.issue(&user, now_s(cx));
        Reply::of(json!({ "token": jwt }))
    })
}

/// Goes on with whoever has that name and that password.
fn sign_in(
    cx: &Cx<'_, Chat>,
    go_on: impl FnOnce(&mut Cx<'_, Chat>, User) -> Reply<Chat> + 'static,
) -> Answer {
    let input = Input::of(cx.request)?;
    let mut wrong = Wrong::default();
    let username = input.wanted("username", &mut wrong);
    let word = input.wanted("password", &mut wrong);
    if !wrong.is_nothing() {
        return Ok(Reply::of(wrong.response()));
    }
    let user = user_by_name_on(cx, &username)?.filter(|user| !user.password.is_empty());
    let verified = match &user {
        Some(user) => password::verify(&word, &user.password),
        // As slow as for somebody, so that the time does not tell who has an account.
        None => password::verify_nobody(&word),
    };
    Ok(verified.then(|cx: &mut Cx<'_, Chat>, fits| match user {
        Some(user) if fits => go_on(cx, user),
        _ => Reply::of(Wrong::with("non_field_errors", NO_MATCH).response()),
    }))
}

/// `POST /this/is/hard/to/find/`
pub(crate) fn refresh_jwt(cx: &mut Cx<'_, Chat>) -> Answer {
    let input = Input::of(cx.request)?;
    let mut wrong = Wrong::default();
    let old = input.wanted("token", &mut wrong);
    if !wrong.is_nothing() {
        return Ok(Reply::of(wrong.response()));
    }
    let refused = |why: tokens::Refused| {
        Ok(Reply::of(
            Wrong::with("non_field_errors", why.tell()).response(),
        ))
    };
    let (key, now_s) = (&cx.state.key, now_s(cx));
    let claims = match key.read(&old, now_s) {
        Ok(claims) => claims,
        Err(why) => return refused(why),
    };
    let user = cx
        .state
        .reader
        .query(|connection| user_by_id(connection, claims.user))?;
    let Some(user) = user else {
        return refused(tokens::Refused::Forged);
    };
    match key.renew(&user, &claims, now_s) {
        Ok(jwt) => Ok(Reply::of(json!({ "token": jwt }))),
        Err(why) => refused(why),
    }
}
