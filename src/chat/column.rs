//! # Columns: words of the contract as they are stored
//!
//! Enums are the same words in tables, in JSON and on the command line. What comes out of a table is
//! trusted, because only what was parsed gets in.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

use super::name::{HookUrl, Key, RoomName, Text, Title, Topic, UserName};
use super::operation::{HookEvent, Kind, Level, Role, SignUp, Standing, Style};
use crate::store::rusqlite;

macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl $type {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As it is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The one that is written so.
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.as_str()))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::of(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )+};
}

macro_rules! texts {
    ($($type:ident),+) => {$(
        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Ok(Self::trusted(value.as_str()?))
            }
        }
    )+};
}

texts! { HookUrl, Key, RoomName, Text, Title, Topic, UserName }

words! {
    Role { Admin = "admin", Member = "member", Bot = "bot" }
    Kind { Public = "public", Private = "private", Direct = "direct" }
    Standing { Member = "member", Moderator = "moderator", Owner = "owner" }
    Level { Everything = "everything", Mentions = "mentions", Nothing = "nothing" }
    HookEvent { Message = "message", Mention = "mention", Command = "command", Join = "join" }
    Style { Plain = "plain", Action = "action", Poll = "poll" }
    SignUp { Open = "open", Invite = "invite", Closed = "closed" }
}
