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
