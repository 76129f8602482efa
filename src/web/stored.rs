//! # Stored: a database's job as something to wait for
//!
//! The scribe does the job, and the value comes back after the commit.

use super::error::Error;
use super::helper::{Busy, Wait};
use crate::store::rusqlite::Connection;
use crate::store::{Database, StoreError};

impl<T: Send + 'static> Wait<Result<T, StoreError>> {
    /// A job for a database's scribe: see [`Database::submit`]. What comes then is called after the
    /// commit, so that what is answered, and what others are told, is stored.
    ///
    /// ```
    /// use parlour::store::Database;
    /// use parlour::web::{Cx, Reply, Wait};
    ///
    /// fn add(cx: &mut Cx<'_, Database>) -> Reply<Database> {
    ///     let text = cx.request.form_value("text").unwrap_or_default();
    ///     Wait::stored(cx.state, move |connection| {
    ///         Ok(connection.execute("INSERT INTO notes VALUES (?)", [text])?)
    ///     })
    ///     .then(|_, stored| stored.map(|_| "noted"))
    /// }
    /// ```
    pub fn stored(
        database: &Database,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Self {
        let database = database.clone();
        // A database is closed when its server ends, and then there is nobody to tell apart.
        Self::on(move |back| {
            database
                .submit(job, move |result| back.hand_quietly(result))
                .map_err(|_| Busy)
        })
    }
}

impl From<StoreError> for Error {
    /// What is not there is 404, what may work later 503, and the rest is ours.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::new(crate::http::Status::NOT_FOUND, what),
            error if error.is_busy() => Busy.into(),
            error => Self::internal(error),
        }
    }
}
