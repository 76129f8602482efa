//! # `parlour import`: a database from lines of JSON
//!
//! Promises
//! 1. All of a file is imported or nothing, in one transaction.
//! 2. A line that is wrong is named by its number, with what is wrong about it.
//! 3. What was imported before may be imported again: if all of it is there, nothing is done.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::mpsc;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value as Json};

use super::command::{Command, Given, nearest};
use super::data::alone;
use super::desk::{Desk, failed};
use super::export::FORMAT;
use super::progress::Progress;
use super::{CliError, say};
use crate::chat::archive::{self, SORTS, Type, Value};
use crate::chat::limits::UPLOAD_BYTES_MAX;
use crate::chat::{Files, backup, is_in_use};
use crate::store::{Connection, StoreError};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "import",
    about: "Read what 'export' wrote into an empty database",
    arguments: &["FILE"],
    options: &[],
    more: "No server may run on the folder. All is imported or nothing; a line that is wrong is named.",
    examples: &["parlour import everything.jsonl --data new-folder"],
    run,
}];

/// Bytes of a line: a file in Base64, and what is around it.
const LINE_BYTES_MAX: u64 = UPLOAD_BYTES_MAX / 3 * 4 + (1 << 20);

fn run(given: &Given) -> Result<(), CliError> {
    let path = PathBuf::from(given.word(0)?);
    let blame = |error| CliError::Failed(format!("{}: {error}", path.display()));
    let file = File::open(&path).map_err(blame)?;
    let bytes = file.metadata().map_err(blame)?.len();
    let _alone = alone(&given.data)?;
    let desk = Desk::open_or_make(given)?;
    let import = Import {
        lines: BufReader::new(file),
        number: 0,
        read: 0,
        bytes,
        is_empty: true,
        files: Files::beside(&given.data),
        progress: Progress::new("importing", "bytes"),
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    let job = move |tables: &Connection| import.run(tables);
    let taken = desk
        .database
        .submit_or_undo(job, move |done| drop(sender.send(done)));
    taken.map_err(failed)?;
    let done = receiver.recv().unwrap_or(Err(StoreError::Closed));
    match done.map_err(failed)? {
        Ok(Imported::All(lines)) => say(&format!("imported {lines} lines\n")),
        Ok(Imported::Before) => say("all of it is there already\n"),
        Err(wrong) => Err(CliError::Failed(format!("{}: {wrong}", path.display()))),
    }
}

/// What came of it.
enum Imported {
    /// So many lines.
    All(u64),
    /// It was all there.
    Before,
}

struct Import {
    lines: BufReader<File>,
    /// Of the line that was read last.
    number: u64,
    /// So many bytes of how many.
    read: u64,
    bytes: u64,
    /// Otherwise the lines are only compared with what is there.
    is_empty: bool,
    files: Files,
    progress: Progress,
}

impl Import {
    /// The outer error is the database's, the inner one a line's.
    fn run(mut self, tables: &Connection) -> Result<Result<Imported, String>, StoreError> {
        self.is_empty = archive::is_empty(tables)?;
        let done = self.everything(tables);
        let done = done.map_err(|wrong| format!("line {}: {wrong}", self.number));
        let (lines, is_empty) = (self.number, self.is_empty);
        Ok(done.map(|()| match is_empty {
            true => Imported::All(lines),
            false => Imported::Before,
        }))
    }

    fn everything(&mut self, tables: &Connection) -> Result<(), String> {
        let first = self.next()?.unwrap_or_default();
        if kind(&first) != Some("parlour") {
            return Err("this is no export of parlour's: its first line says so".to_owned());
        }
        match first.get("format").and_then(Json::as_u64) {
            Some(FORMAT) => {}
            _ => {
                return Err(format!(
                    "the format is another than {FORMAT}: take the version of parlour that wrote it"
                ));
            }
        }
        loop {
            let Some(line) = self.next()? else {
                return Err("the file is cut off: there is no line of type 'end'".to_owned());
            };
            match kind(&line) {
                Some("end")
                    if line.get("lines").and_then(Json::as_u64) == Some(self.number - 1) =>
                {
                    break;
                }
                Some("end") => return Err("`lines` is not how many there are before".to_owned()),
                Some("file") => self.file(tables, &line)?,
                Some(name) => self.thing(tables, name, &line)?,
                None => return Err("`type` is missing".to_owned()),
            }
            self.progress.step(self.read, self.bytes);
        }
        match self.next()? {
            None => Ok(()),
            Some(_) => Err("there is more behind the line of type 'end'".to_owned()),
        }
    }

    /// The next line; nothing at the end.
    fn next(&mut self) -> Result<Option<Map<String, Json>>, String> {
        let mut line = Vec::new();
        let read = (&mut self.lines)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.read += read as u64;
        if line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
            return Err(format!("the line has more than {LINE_BYTES_MAX} bytes"));
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|error| format!("this is no JSON object: {error}"))
    }

    fn thing(
        &self,
        tables: &Connection,
        name: &str,
        line: &Map<String, Json>,
    ) -> Result<(), String> {
        let Some(sort) = SORTS.iter().find(|sort| sort.name == name) else {
            let near = nearest(name, SORTS.iter().map(|sort| sort.name));
            let near = near.map_or_else(String::new, |near| format!("; is it '{near}'?"));
            return Err(format!("there is no type '{name}'{near}"));
        };
        let known = |member: &str| {
            member == "type" || sort.members.iter().any(|(known, _)| *known == member)
        };
        if let Some(odd) = line.keys().find(|member| !known(member)) {
            return Err(format!("`{odd}`: nothing of type '{name}' has this"));
        }
        let members = sort.members.iter();
        let values = members.map(|(member, of)| value(member, *of, line.get(*member)));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        if self.is_empty {
            return archive::put(tables, sort, &values).map_err(|error| error.to_string());
        }
        match archive::holds(tables, sort, &values) {
            Ok(true) => Ok(()),
            Ok(false) => Err(other()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn file(&self, tables: &Connection, line: &Map<String, Json>) -> Result<(), String> {
        let text = |name: &str| {
            let found = line.get(name).and_then(Json::as_str);
            found.ok_or_else(|| format!("`{name}` has to be a text"))
        };
        let (hash, content) = (text("hash")?, text("content")?);
        if !is_in_use(tables, hash).map_err(|error| error.to_string())? {
            return Err(format!("`hash`: there is no upload of the file '{hash}'"));
        }
        let content = BASE64.decode(content.as_bytes());
        let content = content.map_err(|error| format!("`content` is no Base64: {error}"))?;
        backup::keep(&self.files, hash, &content).map_err(|error| error.to_string())
    }
}

fn other() -> String {
    "the database is not empty, and has something else than this: import into an empty folder, \
     with '--data DIR'"
        .to_owned()
}

fn kind(line: &Map<String, Json>) -> Option<&str> {
    line.get("type").and_then(Json::as_str)
}

fn value(name: &str, of: Type, json: Option<&Json>) -> Result<Value, String> {
    let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).ok().map(Value::Bytes);
    let (value, wanted) = match (of, json) {
        (_, None | Some(Json::Null)) => return Ok(Value::Nothing),
        (Type::Number, Some(json)) => (json.as_i64().map(Value::Number), "a whole number"),
        (Type::Text, Some(json)) => (json.as_str().map(|it| Value::Text(it.to_owned())), "a text"),
        (Type::Bytes, Some(json)) => (
            json.as_str().and_then(bytes),
            "bytes in small hexadecimal digits",
        ),
    };
    value.ok_or_else(|| format!("`{name}` has to be {wanted}"))
}
