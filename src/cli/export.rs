//! # `parlour export`: everything as lines of JSON
//!
//! The first line is `{"type":"parlour","format":1}`, the last `{"type":"end","lines":N}` with the
//! number of lines before it. Each line between is one thing with its `type` and its members, as
//! [`archive`] has them: numbers as they are, times in milliseconds since 1970, bytes in small
//! hexadecimal digits; what is not there is left out. Uploaded files come last, as
//! `{"type":"file","hash":…,"content":…}` with the content in Base64.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value as Json, json};

use super::backup::{target, whole};
use super::command::{Command, Given};
use super::desk::{Desk, failed};
use super::progress::Progress;
use super::{CliError, say};
use crate::chat::Files;
use crate::chat::archive::{self, Sort, Value};
use crate::store::StoreError;

/// The form that is written, and the only one that is read.
pub(super) const FORMAT: u64 = 1;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "export",
    about: "Write everything as lines of JSON, for other programs",
    arguments: &["[FILE]"],
    options: &[("force", "Replace FILE if it is there")],
    more: "Without FILE the lines go to standard output. 'parlour import' reads them again. They have\n\
           everything that was said, and the hashes of passwords and tokens: keep them as safe as the\n\
           server. Documents are not in it: 'parlour docs import' reads them again.",
    examples: &[
        "parlour export everything.jsonl",
        "parlour export | jq 'select(.type == \"message\").text'",
    ],
    run,
}];

fn run(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    if given.path(0).is_none() {
        return match write(&desk, given, &mut BufWriter::new(io::stdout().lock())) {
            // Whoever read it has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(failed),
        };
    }
    let to = target(given)?;
    whole(&to, |arriving| {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(arriving);
        let written = file.and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&desk, given, &mut out)?;
            out.get_ref().sync_all()
        });
        written.map_err(|error| CliError::Failed(format!("{}: {error}", to.display())))
    })?;
    say(&format!("exported {}\n", to.display()))
}

fn write(desk: &Desk, given: &Given, out: &mut impl Write) -> io::Result<()> {
    let files = Files::beside(&given.data);
    let mut progress = Progress::new("exporting", "lines");
    let mut lines = 1_u64;
    writeln!(out, "{}", json!({"type": "parlour", "format": FORMAT}))?;
    // What becomes of the output stops the reading, and is told as what it is.
    let mut stopped = None;
    let looked = desk.look(|tables| {
        let hashes = archive::files(tables)?;
        let of = archive::count(tables)? + hashes.len() as u64;
        let mut put = |line: Json| -> Result<(), StoreError> {
            lines += 1;
            progress.step(lines, of);
            writeln!(out, "{line}").map_err(|error| {
                let told = StoreError::app(error.to_string());
                stopped = Some(error);
                told
            })
        };
        archive::take(tables, |sort, values| put(thing(sort, values)))?;
        for hash in hashes {
            match files.path(&hash).map(std::fs::read) {
                Some(Ok(content)) => {
                    let content = BASE64.encode(&content);
                    put(json!({"type": "file", "hash": hash, "content": content}))?;
                }
                Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                    let tell = format!("the uploaded file {hash}: {error}");
                    return Err(StoreError::app(tell));
                }
                _ => log::warn!("the uploaded file {hash} is left out: it is not there"),
            }
        }
        Ok(())
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    looked.map_err(|error| io::Error::other(error.to_string()))?;
    writeln!(out, "{}", json!({"type": "end", "lines": lines}))?;
    out.flush()
}

/// A thing as it is written.
fn thing(sort: &Sort, values: Vec<Value>) -> Json {
    let mut object = Map::new();
    object.insert("type".to_owned(), sort.name.into());
    for ((name, _), value) in sort.members.iter().zip(values) {
        let value = match value {
            Value::Nothing => continue,
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::Bytes(bytes) => HEXLOWER.encode(&bytes).into(),
        };
        object.insert((*name).to_owned(), value);
    }
    Json::Object(object)
}
