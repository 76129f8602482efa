//! # Tables: lists, for people in columns and for programs in JSON

use serde_json::{Map, Value};

use super::command::Given;
use super::{CliError, say};
use crate::site::rfc3339;

/// A list in the making. Its columns are named as in JSON; people see them in capitals.
pub(super) struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub(super) const fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a line, with a value for each column.
    pub(super) fn add<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(row.into());
    }

    /// Says the list as it is asked for.
    pub(super) fn say(self, given: &Given) -> Result<(), CliError> {
        say(&if given.has("json") {
            self.json()
        } else {
            self.text()
        })
    }

    /// An array with an object on each line.
    fn json(self) -> String {
        let columns = self.columns;
        let objects = self.rows.into_iter().map(|row| {
            let names = columns.iter().map(|name| (*name).to_owned());
            Value::Object(names.zip(row).collect::<Map<_, _>>()).to_string()
        });
        format!("[{}]\n", objects.collect::<Vec<_>>().join(",\n "))
    }

    fn text(&self) -> String {
        let head: Vec<String> = self
            .columns
            .iter()
            .map(|name| name.replace('_', " ").to_uppercase())
            .collect();
        let rows = self.rows.iter().map(|row| row.iter().map(shown).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| lines.iter().map(|line| line[at].chars().count()).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut text = String::new();
        for line in lines {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A moment, or nothing, as a cell.
pub(super) fn moment(at: Option<u64>) -> Value {
    at.map_or(Value::Null, |at| rfc3339(at).into())
}

/// A text, or nothing, as a cell.
pub(super) fn words<T: AsRef<str>>(text: Option<T>) -> Value {
    text.map_or(Value::Null, |text| text.as_ref().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "display_name", "on"]);
        table.add(["ana".into(), "Ána B".into(), true.into()]);
        table.add(["bo-bo".into(), Value::Null, false.into()]);
        table
    }

    #[test]
    fn people_see_columns() {
        let text = "NAME   DISPLAY NAME  ON\n\
                    ana    Ána B         yes\n\
                    bo-bo  -             no\n";
        assert_eq!(table().text(), text);
        assert_eq!(Table::new(&["name"]).text(), "NAME\n");
    }

    #[test]
    fn programs_read_an_array() {
        let read: Value = serde_json::from_str(&table().json()).unwrap();
        assert_eq!(read[1]["name"], "bo-bo");
        assert_eq!(read[1]["display_name"], Value::Null);
        assert_eq!(Table::new(&["name"]).json(), "[]\n");
    }
}
