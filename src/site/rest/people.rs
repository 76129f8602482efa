//! # People: signing up, and who there is

use super::asking::{Answered, body, ok, query, segment, settled, wanted};
use super::{admin, tokens, tries};
use crate::chat::limits::{PASSWORD_CHARS, PEOPLE_MAX};
use crate::chat::people::{self, Profile};
use crate::chat::{Email, Hash, Operation, Refusal, Role, Title, UserName};
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::wire::{self, Object};
use crate::site::{auth, secret};
use crate::web::password::{self, PASSWORD_BYTES_MAX, TooLong};
use crate::web::{Cx, Reply, Wait};

/// A new password, in the member with this name.
pub(in crate::site) fn new_password<'f>(
    fields: Fields<'f>,
    name: &'static str,
) -> Result<&'f str, Refusal> {
    let text = fields.text(name)?;
    let length = text.chars().count();
    let (least, most) = (*PASSWORD_CHARS.start(), *PASSWORD_CHARS.end());
    if length < least {
        let tell = format!("`{name}` has {length} characters, and has to have at least {least}.");
        return Err(Refusal::field(name, tell));
    }
    if length > most || text.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::too_long(name, length.max(text.len()), most));
    }
    Ok(text)
}

/// Its hash, which takes a while.
pub(super) fn hashed(password: &str, name: &'static str) -> Wait<Result<String, Refusal>> {
    let length = password.len();
    password::hash(password).map(move |hashed| {
        hashed.map_err(|TooLong| Refusal::too_long(name, length, PASSWORD_BYTES_MAX))
    })
}

/// What somebody is called: what they say, or else their name as they typed it.
pub(super) fn display_name(fields: Fields<'_>, name: &UserName) -> Result<Title, Refusal> {
    let said = fields.maybe_title("display_name")?;
    let typed = fields.text("name")?.trim_start_matches('@');
    let is_it = typed.to_lowercase() == name.as_str();
    Ok(said.unwrap_or_else(|| Title::trusted(if is_it { typed } else { name.as_str() })))
}

/// Where somebody gets mail.
pub(super) fn email(fields: Fields<'_>) -> Result<Option<Email>, Refusal> {
    fields
        .maybe_text("email")?
        .map(|text| Email::parse("email", text))
        .transpose()
}

/// `POST /users`: makes an account and signs in with it.
pub(super) fn sign_up(cx: &mut Cx<'_, Hall>) -> Answered {
    let map = body(cx)?;
    let fields = Fields(&map);
    if fields.has("role") {
        return admin::add(cx, fields);
    }
    let newcomer = Newcomer::read(fields)?;
    let wish = tokens::wish(cx, fields)?;
    Ok(enter(cx, newcomer, wish, |cx, made| {
        settled(made.and_then(|made| tokens::say(cx, &made)))
    }))
}

/// Somebody who wants an account.
#[derive(Debug)]
pub(in crate::site) struct Newcomer {
    name: UserName,
    display_name: Title,
    email: Option<Email>,
    password: String,
    invite: Option<Hash>,
}

impl Newcomer {
    /// Reads who they are.
    pub(in crate::site) fn read(fields: Fields<'_>) -> Result<Self, Refusal> {
        let name = UserName::parse_new("name", fields.text("name")?)?;
        Ok(Self {
            display_name: display_name(fields, &name)?,
            email: email(fields)?,
            password: new_password(fields, "password")?.to_owned(),
            invite: fields.maybe_text("invite")?.map(secret::hash),
            name,
        })
    }
}

/// Makes an account, and a token for it.
pub(in crate::site) fn enter(
    cx: &mut Cx<'_, Hall>,
    newcomer: Newcomer,
    wish: tokens::Wish,
    then: impl FnOnce(&mut Cx<'_, Hall>, Result<tokens::Made, Refusal>) -> Reply<Hall> + 'static,
) -> Reply<Hall> {
    let noted = tries::note_sign_up(cx).and_then(|()| match newcomer.invite {
        Some(_) => tries::note(cx),
        None => Ok(()),
    });
    if let Err(refusal) = noted {
        return then(cx, Err(refusal));
    }
    hashed(&newcomer.password, "password").then(move |cx: &mut Cx<'_, Hall>, hashed| {
        let password = match hashed {
            Ok(password) => password,
            Err(refusal) => return then(cx, Err(refusal)),
        };
        let name = newcomer.name;
        let operation = Operation::SignUp {
            name: name.clone(),
            display_name: newcomer.display_name,
            email: newcomer.email,
            password: password.clone(),
            invite: newcomer.invite,
        };
        wanted(cx, None, None, operation).then(move |cx: &mut Cx<'_, Hall>, made| match made {
            Ok(_) => tokens::make(cx, None, name, Some(password), wish, then),
            Err(refusal) => then(cx, Err(refusal)),
        })
    })
}

// -------------------------------------------------------------------------------------- profiles

/// Somebody as whoever asks may see them.
pub(super) fn profile_of(
    hall: &Hall,
    name: &UserName,
    is_private: bool,
) -> Result<String, Refusal> {
    let found = hall.reader.query(|tables| people::profile(tables, name))?;
    let profile = found.ok_or_else(|| nobody(name))?;
    Ok(written(hall, &profile, is_private))
}

/// Somebody as they see themselves.
pub(super) fn self_of(hall: &Hall, name: &UserName) -> Result<String, Refusal> {
    profile_of(hall, name, true)
}

fn written(hall: &Hall, profile: &Profile, is_private: bool) -> String {
    let user = profile.person.id;
    let (state, last_seen) = (hall.crowd.state(user), hall.crowd.last_seen(user));
    wire::profile(profile, state, last_seen, is_private)
}

fn nobody(name: &UserName) -> Refusal {
    Refusal::not_found(format!("There is nobody called \"{name}\"."))
}

/// The person whom the path names.
pub(super) fn named(cx: &Cx<'_, Hall>) -> Result<UserName, Refusal> {
    UserName::parse("name", &segment(cx, "name")?)
}

/// `GET /users`: a page of people by name.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = query(cx, &["query", "after"], &["limit"], &[]);
    let fields = Fields(&map);
    let after = match fields.maybe_text("after")? {
        None => None,
        Some(name) => Some(UserName::parse("after", name)?),
    };
    let sought = fields.maybe_text("query")?;
    let limit = fields.limit(PEOPLE_MAX, PEOPLE_MAX)?;
    let found = cx
        .state
        .reader
        .query(|tables| people::people(tables, after.as_ref(), limit, sought))?;
    let is_admin = identity.role == Role::Admin;
    let more = found.len() == limit as usize;
    let each = found
        .iter()
        .map(|profile| written(cx.state, profile, is_admin));
    ok(Object::new().array("users", each).flag("more", more).end())
}

/// `GET /users/{name}`: one of them.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let name = named(cx)?;
    let is_private = identity.role == Role::Admin || identity.name == name;
    ok(profile_of(cx.state, &name, is_private)?)
}
