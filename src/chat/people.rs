//! # People: who there is, looked up
//!
//! Functions over a connection, for readers on the loop: each is a row by its key or a bounded page,
//! and its statement is prepared once. Who may ask is for whoever calls them to know.

use rusqlite::{Connection, OptionalExtension, Row};

use super::event::Person;
use super::id::{Millis, TokenId, UserId};
use super::limits::{PEOPLE_MAX, TOKENS_MAX};
use super::name::{RoomName, Title, UserName};
use super::operation::{Hash, Role, SignUp};
use super::scope::Scopes;
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Who has a token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Their number.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// What they want to be called.
    pub display_name: Title,
    /// What they may do.
    pub role: Role,
    /// The upload that is their picture.
    pub avatar: Option<Box<str>>,
    /// The token's number.
    pub token: TokenId,
    /// When the token ends.
    pub expires_at: Option<Millis>,
    /// When it was used last, but for the last hour's uses.
    pub used_at: Option<Millis>,
    /// What the token is good for; nothing for everything.
    pub scopes: Option<Scopes>,
}

/// Asked for each request and each upgrade.
const IDENTITY: &str = "SELECT u.id, u.name, u.display_name, u.role, u.avatar, t.id, t.expires_at,
        t.used_at, t.scopes
    FROM tokens t JOIN users u ON u.id = t.user
    WHERE t.hash = ? AND (t.expires_at IS NULL OR t.expires_at > ?)
      AND u.disabled_at IS NULL AND u.erased_at IS NULL";

/// Who has the token with this hash, if it has not expired and its person may sign in.
pub fn identity(
    connection: &Connection,
    hash: &Hash,
    at: Millis,
) -> Result<Option<Identity>, StoreError> {
    let mut look = connection.prepare_cached(IDENTITY)?;
    let found = look.query_row((hash, at), |row| {
        let person = person(row, 0)?;
        Ok(Identity {
            user: person.id,
            name: person.name,
            display_name: person.display_name,
            role: row.get(3)?,
            avatar: row.get(4)?,
            token: TokenId(row.get(5)?),
            expires_at: row.get(6)?,
            used_at: row.get(7)?,
            scopes: scopes(row, 8)?,
        })
    });
    Ok(found.optional()?)
}

fn scopes(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Scopes>> {
    let text: Option<String> = row.get(at)?;
    Ok(text.map(|text| Scopes::stored(&text)))
}

/// What somebody's password is compared with.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// Whose it is.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// A PHC string.
    pub password: Box<str>,
    /// Nobody may sign in with it; to be told only to who knows the password.
    pub disabled: bool,
}

/// The password of who has this name or address, as somebody types it; nothing for who has none.
pub fn password_of(connection: &Connection, who: &str) -> Result<Option<Password>, StoreError> {
    let who = who.trim().to_lowercase();
    // An `@` before a name means the name, one within it an address.
    let name = who.strip_prefix('@').unwrap_or(&who);
    let sql = if name.contains('@') {
        "SELECT id, name, password, disabled_at IS NOT NULL FROM users
         WHERE email = ? AND password IS NOT NULL"
    } else {
        "SELECT id, name, password, disabled_at IS NOT NULL FROM users
         WHERE name = ? AND password IS NOT NULL"
    };
    let found = connection.prepare_cached(sql)?.query_row([name], |row| {
        Ok(Password {
            user: UserId(row.get(0)?),
            name: row.get(1)?,
            password: row.get(2)?,
            disabled: row.get(3)?,
        })
    });
    Ok(found.optional()?)
}

/// What there is to know of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who they are.
    pub person: Person,
    /// What they may do.
    pub role: Role,
    /// The upload that is their picture.
    pub avatar: Option<Box<str>>,
    /// Where they get mail: for themselves and admins only.
    pub email: Option<Box<str>>,
    /// Since when there is the account.
    pub created_at: Millis,
    /// Whether they may not sign in.
    pub disabled: bool,
}

const PROFILE: &str = "u.id, u.name, u.display_name, u.role, u.avatar, u.email, u.created_at,
    u.disabled_at IS NOT NULL";

fn profile_row(row: &Row<'_>) -> rusqlite::Result<Profile> {
    Ok(Profile {
        person: person(row, 0)?,
        role: row.get(3)?,
        avatar: row.get(4)?,
        email: row.get(5)?,
        created_at: row.get(6)?,
        disabled: row.get(7)?,
    })
}

/// Who has this name.
pub fn profile(connection: &Connection, name: &UserName) -> Result<Option<Profile>, StoreError> {
    let sql = format!("SELECT {PROFILE} FROM users u WHERE u.name = ? AND u.erased_at IS NULL");
    let mut look = connection.prepare_cached(&sql)?;
    Ok(look.query_row([name.as_str()], profile_row).optional()?)
}

/// What somebody is called, and their picture.
pub type Face = (Person, Option<Box<str>>);

/// How others see somebody.
pub fn face(connection: &Connection, user: UserId) -> Result<Option<Face>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT id, name, display_name, avatar FROM users WHERE id = ? AND erased_at IS NULL",
    )?;
    let found = look.query_row([user.0], |row| Ok((person(row, 0)?, row.get(3)?)));
    Ok(found.optional()?)
}

/// People found by how their display name begins; whoever finds more types another letter.
const FOUND_BY_DISPLAY_NAME_MAX: u32 = 500;

/// Two stretches of two indexes; U+10FFFF comes behind every other character. The pluses keep the
/// page from being looked for among all names instead.
const BEGINNING: &str = "u.id IN (
        SELECT id FROM (SELECT id FROM users
            WHERE name >= max(?1, ?2) AND name <> ?1 AND name < ?2 || char(1114111)
              AND erased_at IS NULL
            ORDER BY name LIMIT ?4)
        UNION SELECT id FROM (SELECT id FROM users
            WHERE display_name COLLATE NOCASE >= ?3
              AND display_name COLLATE NOCASE < ?3 || char(1114111)
              AND erased_at IS NULL
            ORDER BY display_name COLLATE NOCASE LIMIT ?5))
      AND +u.name > ?1
    ORDER BY +u.name LIMIT ?4";

/// A page of people by name, from behind `after`. With a query, those whose name or display name
/// begins with it.
pub fn people(
    connection: &Connection,
    after: Option<&UserName>,
    limit: u32,
    query: Option<&str>,
) -> Result<Vec<Profile>, StoreError> {
    let after = after.map_or("", |name| name.as_str());
    let limit = limit.min(PEOPLE_MAX);
    let Some(query) = query.map(str::trim).filter(|query| !query.is_empty()) else {
        let sql = format!(
            "SELECT {PROFILE} FROM users u WHERE u.name > ? AND u.erased_at IS NULL
             ORDER BY u.name LIMIT ?"
        );
        let mut look = connection.prepare_cached(&sql)?;
        let rows = look.query_map((after, limit), profile_row)?;
        return Ok(rows.collect::<Result<_, _>>()?);
    };
    let sql = format!("SELECT {PROFILE} FROM users u WHERE {BEGINNING}");
    let name = query.strip_prefix('@').unwrap_or(query).to_lowercase();
    let mut look = connection.prepare_cached(&sql)?;
    let rows = look.query_map(
        (after, name, query, limit, FOUND_BY_DISPLAY_NAME_MAX),
        profile_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A token as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// What it was called.
    pub name: Title,
    /// Since when there is one.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Option<Millis>,
    /// When it was used last, but for the last hour's uses.
    pub used_at: Option<Millis>,
    /// What it is good for; nothing for everything.
    pub scopes: Option<Scopes>,
}

/// Somebody's tokens, the newest first.
pub fn tokens_of(connection: &Connection, user: UserId) -> Result<Vec<Token>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT id, name, created_at, expires_at, used_at, scopes FROM tokens WHERE user = ?
         ORDER BY id DESC LIMIT ?",
    )?;
    let rows = look.query_map((user.0, TOKENS_MAX), |row| {
        Ok(Token {
            id: TokenId(row.get(0)?),
            name: row.get(1)?,
            created_at: row.get(2)?,
            expires_at: row.get(3)?,
            used_at: row.get(4)?,
            scopes: scopes(row, 5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When a token was noted as used, it is not noted again for so long.
pub const NOTED_AGAIN_MS: Millis = 60 * 60 * 1000;

/// Stores when tokens were used, of those where what is stored is long ago.
pub fn note_uses(connection: &Connection, uses: &[(TokenId, Millis)]) -> Result<(), StoreError> {
    let mut note = connection.prepare_cached(
        "UPDATE tokens SET used_at = ?2 WHERE id = ?1 AND (used_at IS NULL OR used_at <= ?2 - ?3)",
    )?;
    for (token, at) in uses {
        note.execute((token.0, at, NOTED_AGAIN_MS))?;
    }
    Ok(())
}

/// An invite code that was handed out; the code itself is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its number.
    pub number: u32,
    /// Who made it; nobody for the command line.
    pub by: Option<UserName>,
    /// What they want to be called.
    pub by_display_name: Option<Title>,
    /// The room that it leads to.
    pub room: Option<RoomName>,
    /// How many it still lets in.
    pub uses_left: u32,
    /// Since when there is one.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Option<Millis>,
}

const INVITES: &str = "SELECT i.id, u.name, u.display_name, r.name, i.uses_left, i.created_at,
    i.expires_at
    FROM invites i LEFT JOIN users u ON u.id = i.by
    LEFT JOIN rooms r ON r.id = i.room AND r.deleted_at IS NULL";

fn invite_row(row: &Row<'_>) -> rusqlite::Result<Invite> {
    Ok(Invite {
        number: row.get(0)?,
        by: row.get::<_, Option<String>>(1)?.map(UserName::trusted),
        by_display_name: row.get::<_, Option<String>>(2)?.map(Title::trusted),
        room: row.get::<_, Option<String>>(3)?.map(RoomName::trusted),
        uses_left: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
    })
}

/// A page of invite codes, somebody's or everybody's, the newest first, from before `before`.
pub fn invites(
    connection: &Connection,
    by: Option<UserId>,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<Invite>, StoreError> {
    let before = before.unwrap_or(u32::MAX);
    let limit = limit.min(PEOPLE_MAX);
    let rows = match by {
        None => connection
            .prepare_cached(&format!(
                "{INVITES} WHERE i.id < ? ORDER BY i.id DESC LIMIT ?"
            ))?
            .query_map((before, limit), invite_row)?
            .collect::<Result<_, _>>(),
        Some(user) => connection
            .prepare_cached(&format!(
                "{INVITES} WHERE i.by = ? AND i.id < ? ORDER BY i.id DESC LIMIT ?"
            ))?
            .query_map((user.0, before, limit), invite_row)?
            .collect::<Result<_, _>>(),
    };
    Ok(rows?)
}

/// The invite code with this hash, if it still lets somebody in.
pub fn invited(
    connection: &Connection,
    hash: &Hash,
    at: Millis,
) -> Result<Option<Invite>, StoreError> {
    let mut look = connection.prepare_cached(&format!(
        "{INVITES} WHERE i.hash = ? AND i.uses_left > 0 AND (i.expires_at IS NULL OR i.expires_at > ?)"
    ))?;
    Ok(look.query_row((hash, at), invite_row).optional()?)
}

/// What an admin has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who may make an account.
    pub sign_up: SignUp,
    /// What the server is called.
    pub name: Option<Title>,
}

/// What an admin has set.
pub fn settings(connection: &Connection) -> Result<Settings, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT (SELECT value FROM settings WHERE name = 'sign_up'),
                (SELECT value FROM settings WHERE name = 'name')",
    )?;
    Ok(look.query_row((), |row| {
        Ok(Settings {
            sign_up: row.get::<_, Option<SignUp>>(0)?.unwrap_or_default(),
            name: row.get::<_, Option<String>>(1)?.map(Title::trusted),
        })
    })?)
}

/// Whether nobody has an account yet, so that the next becomes the admin; programs do not count.
pub fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM users WHERE role <> 'bot')";
    Ok(connection
        .prepare_cached(sql)?
        .query_row((), |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::open_in_memory;

    /// How SQLite finds what a statement wants.
    fn plan(sql: &str) -> String {
        let database = open_in_memory("e", 1).unwrap();
        let explain = |connection: &Connection| {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let nothing = vec![None::<i64>; explain.parameter_count()];
            let steps = explain.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3))?;
            Ok(steps.collect::<Result<Vec<String>, _>>()?.join("\n"))
        };
        database.reader().unwrap().query(explain).unwrap()
    }

    #[test]
    fn nobody_is_looked_for_among_everybody() {
        for sql in [
            IDENTITY.to_owned(),
            format!("SELECT {PROFILE} FROM users u WHERE {BEGINNING}"),
        ] {
            let plan = plan(&sql);
            assert!(plan.contains("SEARCH"), "{plan}");
            let tables = ["SCAN users", "SCAN u", "SCAN tokens", "SCAN t"];
            let scans = |step: &str| tables.contains(&step.split(" USING ").next().unwrap_or(step));
            assert!(!plan.lines().any(scans), "{plan}");
        }
        assert!(plan("SELECT * FROM users u WHERE email || '' = 'x'").contains("SCAN u"));
    }
}
