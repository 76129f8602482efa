//! # Model: rows as values of a type
//!
//! Each call is one statement on the connection that it is given, which keeps it prepared.
//!
//! Never knows: joins, sums and the like.

use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::select::{Select, quoted};

/// A type whose values are rows of one table with an integer key.
///
/// It says which table and columns it has, and is given what one does with rows all day. There is no
/// derive, no session and no hidden query: each call is one statement on the connection that it is
/// given, so that several in a job are one transaction. Joins, sums and the like are SQL, on the same
/// connection.
///
/// ```
/// use parlour::store::rusqlite::types::ToSql;
/// use parlour::store::rusqlite::{self, Row};
/// use parlour::store::{Database, Migration, Migrations, Model, Order, Page};
///
/// const SCHEMA: Migrations = Migrations {
///     set: "todo",
///     steps: &[Migration {
///         name: "todos",
///         sql: "CREATE TABLE todos (
///                   id INTEGER PRIMARY KEY,
///                   owner TEXT NOT NULL,
///                   title TEXT NOT NULL CHECK (title <> ''),
///                   done INTEGER NOT NULL DEFAULT 0
///               ) STRICT",
///     }],
/// };
///
/// struct Todo {
///     id: i64,
///     owner: String,
///     title: String,
///     done: bool,
/// }
///
/// impl Todo {
///     fn new(owner: &str, title: &str) -> Self {
///         Self { id: 0, owner: owner.to_owned(), title: title.to_owned(), done: false }
///     }
/// }
///
/// impl Model for Todo {
///     const TABLE: &'static str = "todos";
///     const COLUMNS: &'static [&'static str] = &["owner", "title", "done"];
///
///     fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
///         Ok(Self {
///             id: row.get("id")?,
///             owner: row.get("owner")?,
///             title: row.get("title")?,
///             done: row.get("done")?,
///         })
///     }
///
///     fn id(&self) -> i64 {
///         self.id
///     }
///
///     fn values(&self) -> Vec<&dyn ToSql> {
///         vec![&self.owner, &self.title, &self.done]
///     }
/// }
///
/// let database = Database::in_memory(&[SCHEMA])?;
/// let milk = database.run(|connection| {
///     Todo::new("ann", "bread").insert(connection)?;
///     Todo::new("ann", "milk").insert(connection)
/// })?;
///
/// let reader = database.reader()?;
/// let mut todo = reader.query(|connection| Todo::find(connection, milk.id))?;
/// assert_eq!(todo.title, "milk");
///
/// todo.done = true;
/// database.run(move |connection| todo.update(connection))?;
///
/// let open = reader.query(|connection| {
///     Todo::select()
///         .matching("owner", "ann")
///         .matching("done", false)
///         .order(Order::asc("title"))
///         .page(connection, Page::new(1, 20))
/// })?;
/// assert_eq!((open.rows[0].title.as_str(), open.total), ("bread", 1));
///
/// database.run(move |connection| Todo::delete(connection, milk.id))?;
/// let gone = reader.query(|connection| Todo::find(connection, milk.id));
/// assert!(gone.is_err_and(|error| error.is_not_found()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Model: Sized {
    /// The table.
    const TABLE: &'static str;

    /// The columns without the key, in the order of [`Model::values`].
    const COLUMNS: &'static [&'static str];

    /// The key: an `INTEGER PRIMARY KEY`, given by SQLite at the insert.
    const ID: &'static str = "id";

    /// Makes a value of a row that has the key and all columns.
    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error>;

    /// The key; whatever it is before the insert is ignored.
    fn id(&self) -> i64;

    /// What to store, in the order of [`Model::COLUMNS`].
    fn values(&self) -> Vec<&dyn ToSql>;

    /// Begins a choice of rows: by columns, in an order, in pages.
    fn select<'a>() -> Select<'a, Self> {
        Select::new()
    }

    /// All rows, by key. For tables that stay small.
    fn all(connection: &Connection) -> Result<Vec<Self>, StoreError> {
        Self::select().all(connection)
    }

    /// The row with this key; [`StoreError::NotFound`] if there is none.
    fn find(connection: &Connection, id: i64) -> Result<Self, StoreError> {
        Self::first_by(connection, Self::ID, id)?.ok_or_else(|| missing::<Self>(id))
    }

    /// The rows that have `value` in `column`, by key.
    fn find_by(
        connection: &Connection,
        column: &str,
        value: impl ToSql,
    ) -> Result<Vec<Self>, StoreError> {
        Self::select().matching(column, value).all(connection)
    }

    /// The first of [`Model::find_by`].
    fn first_by(
        connection: &Connection,
        column: &str,
        value: impl ToSql,
    ) -> Result<Option<Self>, StoreError> {
        Self::select().matching(column, value).first(connection)
    }

    /// How many rows there are.
    fn count(connection: &Connection) -> Result<u64, StoreError> {
        Self::select().count(connection)
    }

    /// Stores a new row and gives it as it is now, with its key.
    fn insert(&self, connection: &Connection) -> Result<Self, StoreError> {
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) RETURNING {}",
            quoted(Self::TABLE),
            Self::COLUMNS
                .iter()
                .map(|column| quoted(column))
                .collect::<Vec<_>>()
                .join(", "),
            vec!["?"; Self::COLUMNS.len()].join(", "),
            columns::<Self>(),
        );
        let mut insert = connection.prepare_cached(&sql)?;
        Ok(insert.query_row(&*self.values(), Self::from_row)?)
    }

    /// Stores what has changed; [`StoreError::NotFound`] if the row is gone.
    fn update(&self, connection: &Connection) -> Result<(), StoreError> {
        let set: Vec<String> = Self::COLUMNS
            .iter()
            .map(|column| format!("{} = ?", quoted(column)))
            .collect();
        let (table, id) = (quoted(Self::TABLE), quoted(Self::ID));
        let sql = format!("UPDATE {table} SET {} WHERE {id} = ?", set.join(", "));
        let key = self.id();
        let mut values = self.values();
        values.push(&key);
        match connection.prepare_cached(&sql)?.execute(&*values)? {
            0 => Err(missing::<Self>(key)),
            _ => Ok(()),
        }
    }

    /// Removes the row with this key; [`StoreError::NotFound`] if there is none.
    fn delete(connection: &Connection, id: i64) -> Result<(), StoreError> {
        let (table, key) = (quoted(Self::TABLE), quoted(Self::ID));
        let sql = format!("DELETE FROM {table} WHERE {key} = ?");
        match connection.prepare_cached(&sql)?.execute([id])? {
            0 => Err(missing::<Self>(id)),
            _ => Ok(()),
        }
    }
}

/// The key and all columns, for a `SELECT`.
pub(super) fn columns<M: Model>() -> String {
    let names: Vec<String> = [M::ID]
        .iter()
        .chain(M::COLUMNS)
        .map(|column| quoted(column))
        .collect();
    names.join(", ")
}

fn missing<M: Model>(id: i64) -> StoreError {
    StoreError::NotFound(format!("{} {id}", M::TABLE))
}

#[cfg(test)]
mod tests {
    use super::super::{Listing, Order, Page};
    use super::*;

    /// Words of SQL as names, so that a missing quote shows.
    #[derive(Debug, PartialEq)]
    struct Item {
        id: i64,
        group: String,
        order: Option<i64>,
    }

    impl Model for Item {
        const TABLE: &'static str = "table";
        const COLUMNS: &'static [&'static str] = &["group", "order"];
        const ID: &'static str = "key";

        fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
            Ok(Self {
                id: row.get("key")?,
                group: row.get("group")?,
                order: row.get("order")?,
            })
        }

        fn id(&self) -> i64 {
            self.id
        }

        fn values(&self) -> Vec<&dyn ToSql> {
            vec![&self.group, &self.order]
        }
    }

    fn item(group: &str, order: Option<i64>) -> Item {
        let group = group.to_owned();
        Item {
            id: 0,
            group,
            order,
        }
    }

    /// Six items: groups a, b, a, b, a, b with the orders 5, 4, 3, 2, 1 and none.
    fn six() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                r#"CREATE TABLE "table" (
                    "key" INTEGER PRIMARY KEY, "group" TEXT NOT NULL, "order" INTEGER UNIQUE
                ) STRICT"#,
            )
            .unwrap();
        for (at, order) in (0..6).rev().enumerate() {
            let group = if at % 2 == 0 { "a" } else { "b" };
            let stored = item(group, Some(order).filter(|&order| order > 0));
            assert_eq!(stored.insert(&connection).unwrap().id, at as i64 + 1);
        }
        connection
    }

    fn ids(items: &[Item]) -> Vec<i64> {
        items.iter().map(Model::id).collect()
    }

    #[test]
    fn rows_are_found_by_key_and_by_column() {
        let six = six();
        assert_eq!(ids(&Item::all(&six).unwrap()), [1, 2, 3, 4, 5, 6]);
        let third = Item {
            id: 3,
            ..item("a", Some(3))
        };
        assert_eq!(Item::find(&six, 3).unwrap(), third);
        assert_eq!(ids(&Item::find_by(&six, "group", "b").unwrap()), [2, 4, 6]);
        assert_eq!(ids(&Item::find_by(&six, "group", "c").unwrap()), [0_i64; 0]);
        assert_eq!(Item::first_by(&six, "order", 3).unwrap(), Some(third));
        assert_eq!(Item::first_by(&six, "order", 9).unwrap(), None);
        assert_eq!(Item::count(&six).unwrap(), 6);
    }

    #[test]
    fn nothing_matches_nothing() {
        let none: Option<i64> = None;
        assert_eq!(ids(&Item::find_by(&six(), "order", none).unwrap()), [6]);
    }

    #[test]
    fn a_row_that_is_gone_is_not_found() {
        let six = six();
        Item::delete(&six, 2).unwrap();
        let expected = StoreError::NotFound("table 2".to_owned());
        assert_eq!(Item::find(&six, 2), Err(expected.clone()));
        assert_eq!(Item::delete(&six, 2), Err(expected.clone()));
        let gone = Item {
            id: 2,
            ..item("a", None)
        };
        assert_eq!(gone.update(&six), Err(expected));
        assert_eq!(ids(&Item::all(&six).unwrap()), [1, 3, 4, 5, 6]);
    }

    #[test]
    fn an_update_changes_its_row_and_no_other() {
        let six = six();
        let changed = Item {
            id: 4,
            ..item("c", Some(9))
        };
        changed.update(&six).unwrap();
        let mut expected = Item::all(&self::six()).unwrap();
        expected[3] = changed;
        assert_eq!(Item::all(&six).unwrap(), expected);
        let taken = Item {
            id: 4,
            ..item("c", Some(5))
        };
        assert!(taken.update(&six).unwrap_err().is_unique());
    }

    #[test]
    fn an_order_is_kept_and_ties_go_by_key_in_its_direction() {
        let six = six();
        let check = |orders: &[Order<'static>], expected: [i64; 6]| {
            let ordered = orders
                .iter()
                .fold(Item::select(), |select, order| select.order(*order));
            assert_eq!(ids(&ordered.all(&six).unwrap()), expected, "{orders:?}");
        };
        check(&[Order::asc("order")], [6, 5, 4, 3, 2, 1]);
        check(&[Order::desc("order")], [1, 2, 3, 4, 5, 6]);
        check(&[Order::asc("group")], [1, 3, 5, 2, 4, 6]);
        check(&[Order::desc("group")], [6, 4, 2, 5, 3, 1]);
        check(
            &[Order::desc("group"), Order::asc("order")],
            [6, 4, 2, 5, 3, 1],
        );
        check(
            &[Order::desc("group"), Order::desc("order")],
            [2, 4, 6, 1, 3, 5],
        );
        check(&[Order::desc("key")], [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn pages_come_with_the_total() {
        let six = six();
        let page = |number, size| -> Listing<Item> {
            let select = Item::select().order(Order::desc("key"));
            select.page(&six, Page::new(number, size)).unwrap()
        };
        let check = |number, size, expected: &[i64], pages, has_next| {
            let listing = page(number, size);
            assert_eq!(ids(&listing.rows), expected, "page {number} of {size}");
            assert_eq!(listing.total, 6);
            assert_eq!((listing.pages(), listing.has_next()), (pages, has_next));
        };
        check(1, 4, &[6, 5, 4, 3], 2, true);
        check(2, 4, &[2, 1], 2, false);
        check(3, 4, &[], 2, false);
        check(2, 3, &[3, 2, 1], 2, false);
        check(0, 0, &[6], 6, true);
        check(u64::MAX, u64::MAX, &[], 1, false);
        let of_b = Item::select()
            .matching("group", "b")
            .page(&six, Page::new(2, 2))
            .unwrap();
        assert_eq!((ids(&of_b.rows), of_b.total), (vec![6], 3));
    }

    #[test]
    fn names_that_the_model_does_not_have_are_refused_and_never_run() {
        let six = six();
        for name in [
            "",
            "id",
            "GROUP",
            "order\" DESC; DROP TABLE \"table\" --",
            "1",
        ] {
            let error = StoreError::NoColumn {
                table: "table",
                column: name.to_owned(),
                known: Item::COLUMNS,
            };
            assert_eq!(Item::find_by(&six, name, 1), Err(error.clone()));
            assert_eq!(
                Item::select().order(Order::asc(name)).all(&six),
                Err(error.clone())
            );
            assert_eq!(Item::select().matching(name, 1).count(&six), Err(error));
        }
        let text = Item::find_by(&six, "colour", 1).unwrap_err().to_string();
        assert_eq!(text, "table has no column \"colour\": it has group, order");
        assert_eq!(Item::count(&six).unwrap(), 6);
    }
}
