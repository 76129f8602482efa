//! # Tests of migrations: from anywhere to now, and what stops them

use super::*;

const SHOP: Migrations = Migrations {
    set: "shop",
    steps: &[
        Migration {
            name: "goods",
            sql: "CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT) STRICT;
                  INSERT INTO goods VALUES (1, 'tea')",
        },
        Migration {
            name: "orders",
            sql: "CREATE TABLE orders (good INTEGER NOT NULL REFERENCES goods) STRICT;
                  INSERT INTO orders VALUES (1)",
        },
        // Rebuilds a table to which others refer: with watched keys the DROP would fail.
        Migration {
            name: "names are needed",
            sql: "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
                  INSERT INTO new SELECT id, coalesce(name, '?') FROM goods;
                  DROP TABLE goods;
                  ALTER TABLE new RENAME TO goods",
        },
        Migration {
            name: "prices",
            sql: "ALTER TABLE goods ADD COLUMN price INTEGER NOT NULL DEFAULT 5",
        },
    ],
};

fn first(steps: usize) -> Migrations {
    let steps = &SHOP.steps[..steps];
    Migrations { steps, ..SHOP }
}

fn with(steps: &'static [Migration]) -> Migrations {
    Migrations { set: "shop", steps }
}

/// The schema, all rows of interest, and what is recorded.
fn state(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut state = Vec::new();
    for sql in [
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
        "SELECT id || name || price FROM goods",
        "SELECT good || '' FROM orders",
        "SELECT of || number || name FROM migrations ORDER BY of, number",
    ] {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map((), |row| row.get::<_, String>(0))?;
        state.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(state)
}

#[test]
fn every_earlier_number_leads_to_the_same_schema() {
    let whole = Database::in_memory(&[SHOP]).unwrap().run(state).unwrap();
    assert!(whole.contains(&"1tea5".to_owned()), "{whole:?}");
    for earlier in 0..=SHOP.steps.len() {
        let folder = tempfile::tempdir().unwrap();
        drop(Database::open(path(&folder), &[first(earlier)]).unwrap());
        for _ in 0..2 {
            let database = Database::open(path(&folder), &[SHOP]).unwrap();
            assert_eq!(database.run(state).unwrap(), whole, "from {earlier}");
        }
    }
}

#[test]
fn sets_do_not_know_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let open = |sets: &[Migrations]| Database::open(path(&folder), sets);
    drop(open(&[first(2)]).unwrap());
    drop(open(&[NOTES]).unwrap());
    drop(open(&[NOTES, first(3)]).unwrap());
    let database = open(&[SHOP, NOTES]).unwrap();
    assert_eq!(database.run(notes), Ok(vec![]));
    let recorded = database.run(state).unwrap();
    assert!(recorded.contains(&"shop4prices".to_owned()), "{recorded:?}");
    assert!(recorded.contains(&"notes1notes".to_owned()), "{recorded:?}");
}

#[test]
fn another_history_is_refused() {
    const RENAMED: &[Migration] = &[
        SHOP.steps[0],
        Migration {
            name: "order lines",
            ..SHOP.steps[1]
        },
    ];
    let folder = tempfile::tempdir().unwrap();
    drop(Database::open(path(&folder), &[first(2)]).unwrap());
    let error = Database::open(path(&folder), &[with(RENAMED)])
        .map(drop)
        .unwrap_err();
    assert_eq!(
        error.why,
        StoreError::OtherHistory {
            set: "shop".to_owned(),
            number: 2,
            found: "orders".to_owned(),
            known: "order lines".to_owned(),
        }
    );
}

/// Opens with a bad third migration, which has to be undone; gives what was wrong with it.
#[track_caller]
fn failed_third(steps: &'static [Migration]) -> StoreError {
    let folder = tempfile::tempdir().unwrap();
    let error = Database::open(path(&folder), &[with(steps)])
        .map(drop)
        .unwrap_err();
    let StoreError::Migration {
        set,
        number,
        name,
        why,
    } = error.why
    else {
        panic!("{error}");
    };
    assert_eq!((&*set, number, &*name), ("shop", 3, "bad"));
    // Those before it stay, and the way is open for a better one.
    Database::open(path(&folder), &[first(2)]).unwrap();
    Database::open(path(&folder), &[SHOP])
        .unwrap()
        .run(state)
        .unwrap();
    *why
}

const fn bad(sql: &'static str) -> [Migration; 3] {
    [SHOP.steps[0], SHOP.steps[1], Migration { name: "bad", sql }]
}

#[test]
fn a_migration_that_fails_is_undone() {
    const SYNTAX: &[Migration] = &bad("CREATE TABLE new (id INTEGER); CREATE TABEL oops (id)");
    assert!(matches!(failed_third(SYNTAX), StoreError::Sql(_)));
}

#[test]
fn a_migration_cannot_leave_its_transaction() {
    const COMMIT: &[Migration] = &bad("CREATE TABLE new (id INTEGER); COMMIT");
    assert!(matches!(failed_third(COMMIT), StoreError::Sql(_)));
}

#[test]
fn a_migration_that_leaves_a_key_without_its_row_is_undone() {
    const DANGLING: &[Migration] = &bad("DELETE FROM goods");
    let why = failed_third(DANGLING);
    assert!(why.is_foreign_key(), "{why:?}");
    assert!(why.to_string().starts_with("orders to goods: "), "{why}");
}

#[test]
fn keys_that_are_judged_at_the_commit_are_refused() {
    const DEFERRED: &[Migration] =
        &bad("CREATE TABLE lines (good INTEGER REFERENCES goods DEFERRABLE INITIALLY DEFERRED)");
    assert!(
        failed_third(DEFERRED)
            .to_string()
            .contains("lines has a key")
    );
}
