//! # Check: whether the documents are as they should be
//!
//! Each row has to be where others say that it is. What is found is told in a line that names it.

use rusqlite::Connection;

use crate::store::{StoreError, rusqlite};

/// What is looked for: how it is told of, and the query that finds it.
const LOOKS: [(&str, &str); 4] = [
    (
        "has another number of passages than its row says",
        "SELECT 'document ' || d.id || ' (' || d.source || ')' FROM documents d
         WHERE d.passages <> (SELECT count(*) FROM passages p WHERE p.document = d.id)",
    ),
    (
        "is of a document that is not there",
        "SELECT 'passage ' || p.key FROM passages p
         WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.id = p.document AND d.base = p.key >> 32)",
    ),
    (
        "cannot be found by its words",
        "SELECT 'passage ' || p.key FROM passages p
         WHERE NOT EXISTS (SELECT 1 FROM terms_docsize t WHERE t.id = p.key)",
    ),
    (
        "is found by words, but not there",
        "SELECT 'passage ' || t.id FROM terms_docsize t
         WHERE NOT EXISTS (SELECT 1 FROM passages p WHERE p.key = t.id)",
    ),
];

/// Tells everything that is wrong. May be long.
pub fn check(connection: &Connection, tell: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    let mut look = connection.prepare("PRAGMA integrity_check(20)")?;
    for verdict in look.query_map((), |row| row.get(0))? {
        let verdict: String = verdict?;
        if verdict != "ok" {
            tell(format!("documents: {verdict}"));
        }
    }
    for (wrong, sql) in LOOKS {
        let mut look = connection.prepare(sql)?;
        for found in look.query_map((), |row| row.get(0))? {
            let found: String = found?;
            tell(format!("{found} {wrong}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Base, Format, Library, keep};
    use super::*;

    #[test]
    fn what_is_wrong_is_found() {
        let library = Library::in_memory().unwrap();
        let database = library.database();
        let found = |sql: &'static str| {
            let job = move |tables: &Connection| {
                let text = "# A\none\n## B\ntwo\n";
                keep(
                    tables,
                    Base::SERVER,
                    "a.md",
                    None,
                    Format::Markdown,
                    text,
                    1,
                )?;
                tables.execute_batch(sql)?;
                let mut found = Vec::new();
                check(tables, &mut |wrong| found.push(wrong))?;
                Ok(Err::<(), _>(found))
            };
            let (sender, receiver) = std::sync::mpsc::channel();
            database
                .submit_or_undo(job, move |done| drop(sender.send(done)))
                .unwrap();
            receiver.recv().unwrap().unwrap().unwrap_err()
        };
        assert_eq!(found(""), Vec::<String>::new());
        assert_eq!(
            found("DELETE FROM terms WHERE rowid = 0"),
            ["passage 0 cannot be found by its words"]
        );
        assert_eq!(
            found("DELETE FROM passages WHERE key = 1"),
            [
                "document 1 (a.md) has another number of passages than its row says",
                "passage 1 is found by words, but not there"
            ]
        );
    }
}
