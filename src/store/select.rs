//! # Select: which rows of a model, in which order
//!
//! Names of columns may come from a request (`?sort=title`): each is looked up in the model's list
//! before it becomes SQL, and values never become SQL at all.

use std::marker::PhantomData;

use rusqlite::types::ToSql;
use rusqlite::{Connection, params_from_iter};

use super::error::StoreError;
use super::model::{Model, columns};

/// Rows on a page at most: more is no page that anybody reads.
const PAGE_SIZE_MAX: u64 = 500;

/// A column to sort by, and which way.
///
/// It may come from a request (`?sort=title`): a column that the model does not have is
/// [`StoreError::NoColumn`], and never becomes SQL.
///
/// ```
/// use parlour::store::{Model, Order, Select};
///
/// /// As the head of a table was clicked on: `title`, or `-title` for the other way.
/// fn sorted<'a, M: Model>(sort: &'a str) -> Select<'a, M> {
///     M::select().order(match sort.strip_prefix('-') {
///         Some(column) => Order::desc(column),
///         None => Order::asc(sort),
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    column: &'a str,
    direction: &'static str,
}

impl<'a> Order<'a> {
    /// Smallest first; what is not there comes before everything.
    pub const fn asc(column: &'a str) -> Self {
        let direction = "ASC";
        Self { column, direction }
    }

    /// Largest first.
    pub const fn desc(column: &'a str) -> Self {
        let direction = "DESC";
        Self { column, direction }
    }
}

/// A part of a list.
///
/// Whatever a request says becomes a page that makes sense:
///
/// ```
/// use parlour::store::Page;
///
/// fn asked(number: Option<&str>) -> Page {
///     Page::new(number.and_then(|it| it.parse().ok()).unwrap_or(1), 20)
/// }
///
/// assert_eq!(asked(Some("3")).number(), 3);
/// assert_eq!(asked(Some("0")).number(), 1);
/// assert_eq!(asked(Some("last")).number(), 1);
/// assert_eq!(Page::new(1, 1_000_000).size(), 500);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    number: u64,
    size: u64,
}

impl Page {
    /// Page `number`, counted from 1, with up to `size` rows. Numbers that make no sense become
    /// the nearest that do, so that they may come from a request: 1 at least, 500 rows at most.
    pub fn new(number: u64, size: u64) -> Self {
        Self {
            number: number.max(1),
            size: size.clamp(1, PAGE_SIZE_MAX),
        }
    }

    /// Its number, from 1.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The rows on a full page.
    pub const fn size(self) -> u64 {
        self.size
    }

    const fn rows_before(self) -> u64 {
        (self.number - 1).saturating_mul(self.size)
    }
}

/// A page of rows, with what one needs to show the way to the others.
///
/// ```
/// use parlour::store::{Listing, Page};
///
/// /// The line below a list.
/// fn foot<M>(listing: &Listing<M>) -> String {
///     let (number, pages) = (listing.page.number(), listing.pages());
///     match listing.has_next() {
///         true => format!("page {number} of {pages}, <a href='?page={}'>more</a>", number + 1),
///         false => format!("page {number} of {pages}"),
///     }
/// }
///
/// let listing = Listing { rows: vec!["milk", "bread"], total: 5, page: Page::new(2, 2) };
/// assert_eq!(foot(&listing), "page 2 of 3, <a href='?page=3'>more</a>");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<M> {
    /// The rows of this page.
    pub rows: Vec<M>,
    /// The rows of all pages.
    pub total: u64,
    /// Which page this is.
    pub page: Page,
}

impl<M> Listing<M> {
    /// How many pages there are.
    pub const fn pages(&self) -> u64 {
        self.total.div_ceil(self.page.size)
    }

    /// There is a page behind this one.
    pub const fn has_next(&self) -> bool {
        self.page.number < self.pages()
    }
}

/// A choice of a model's rows; see [`Model::select`].
///
/// Values never become SQL, and names of columns only if the model has them. What is more than this
/// (joins, sums) is SQL, on the same connection.
///
/// ```
/// use parlour::store::rusqlite::{self, Row, types::ToSql};
/// use parlour::store::{Database, Migration, Migrations, Model, Order};
///
/// struct Todo {
///     id: i64,
///     title: String,
///     done: bool,
/// }
/// # const SCHEMA: Migrations = Migrations {
/// #     set: "todo",
/// #     steps: &[Migration {
/// #         name: "todos",
/// #         sql: "CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT, done INTEGER) STRICT;
/// #               INSERT INTO todos (title, done) VALUES ('milk', 0), ('bread', 0), ('soap', 1)",
/// #     }],
/// # };
/// # impl Model for Todo {
/// #     const TABLE: &'static str = "todos";
/// #     const COLUMNS: &'static [&'static str] = &["title", "done"];
/// #     fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
/// #         Ok(Self { id: row.get("id")?, title: row.get("title")?, done: row.get("done")? })
/// #     }
/// #     fn id(&self) -> i64 {
/// #         self.id
/// #     }
/// #     fn values(&self) -> Vec<&dyn ToSql> {
/// #         vec![&self.title, &self.done]
/// #     }
/// # }
///
/// let database = Database::in_memory(&[SCHEMA])?;
/// let open = || Todo::select().matching("done", false);
/// let (first, count) = database.reader()?.query(|connection| {
///     Ok((open().order(Order::asc("title")).first(connection)?, open().count(connection)?))
/// })?;
/// assert_eq!((first.unwrap().title.as_str(), count), ("bread", 2));
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
#[must_use = "a choice does nothing before `all`, `first`, `page` or `count`"]
pub struct Select<'a, M> {
    conditions: Vec<(&'a str, Box<dyn ToSql + 'a>)>,
    orders: Vec<Order<'a>>,
    model: PhantomData<M>,
}

impl<'a, M: Model> Select<'a, M> {
    pub(super) const fn new() -> Self {
        Self {
            conditions: Vec::new(),
            orders: Vec::new(),
            model: PhantomData,
        }
    }

    /// Only rows that have `value` in `column`. Several of these all have to hold. `None` matches
    /// rows that have no value there.
    pub fn matching(mut self, column: &'a str, value: impl ToSql + 'a) -> Self {
        self.conditions.push((column, Box::new(value)));
        self
    }

    /// Sorts by this, and where it does not decide by the next one; at last by the key, so that
    /// pages never overlap.
    pub fn order(mut self, order: Order<'a>) -> Self {
        self.orders.push(order);
        self
    }

    /// All rows of the choice.
    pub fn all(&self, connection: &Connection) -> Result<Vec<M>, StoreError> {
        self.rows(connection, "")
    }

    /// The first row, if there is one.
    pub fn first(&self, connection: &Connection) -> Result<Option<M>, StoreError> {
        Ok(self.rows(connection, "LIMIT 1")?.pop())
    }

    /// The rows of one page, and how many there are on all.
    pub fn page(&self, connection: &Connection, page: Page) -> Result<Listing<M>, StoreError> {
        // SQLite counts with a sign; nobody has that many rows.
        let before = page.rows_before().min(i64::MAX as u64);
        let limit = format!("LIMIT {} OFFSET {before}", page.size);
        Ok(Listing {
            rows: self.rows(connection, &limit)?,
            total: self.count(connection)?,
            page,
        })
    }

    /// How many rows there are.
    pub fn count(&self, connection: &Connection) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT count(*) FROM {} {}",
            quoted(M::TABLE),
            self.filter()?
        );
        let mut count = connection.prepare_cached(&sql)?;
        let values = self.conditions.iter().map(|(_, value)| value);
        let count: i64 = count.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    fn rows(&self, connection: &Connection, limit: &str) -> Result<Vec<M>, StoreError> {
        let sql = format!(
            "SELECT {} FROM {} {} {} {limit}",
            columns::<M>(),
            quoted(M::TABLE),
            self.filter()?,
            self.sorting()?,
        );
        let mut select = connection.prepare_cached(&sql)?;
        let values = self.conditions.iter().map(|(_, value)| value);
        let rows = select.query_map(params_from_iter(values), M::from_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn filter(&self) -> Result<String, StoreError> {
        // `IS` is `=` that also finds NULL; it uses an index in the same way.
        let condition = |(column, _): &(&str, _)| Ok(format!("{} IS ?", known::<M>(column)?));
        let conditions = self
            .conditions
            .iter()
            .map(condition)
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        })
    }

    fn sorting(&self) -> Result<String, StoreError> {
        let by_key = Order {
            column: M::ID,
            direction: self.orders.last().map_or("ASC", |last| last.direction),
        };
        let term = |order: &Order<'_>| {
            let column = known::<M>(order.column)?;
            Ok(format!("{column} {}", order.direction))
        };
        let terms = self.orders.iter().chain([&by_key]).map(term);
        Ok(format!(
            "ORDER BY {}",
            terms.collect::<Result<Vec<_>, StoreError>>()?.join(", ")
        ))
    }
}

/// The column as SQL, if the model has it.
fn known<M: Model>(column: &str) -> Result<String, StoreError> {
    if column == M::ID || M::COLUMNS.contains(&column) {
        return Ok(quoted(column));
    }
    Err(StoreError::NoColumn {
        table: M::TABLE,
        column: column.to_owned(),
        known: M::COLUMNS,
    })
}

/// A name as SQL, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
