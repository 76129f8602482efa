//! # Intake: a form with files, or a file, while it arrives
//!
//! Fields and small files stay in memory. What is beyond that goes to temporary files, written by the
//! helper while the peer waits: no more is read from it than is being written.
//!
//! Promises
//! 1. What is in memory is bounded, whatever the form brings.
//! 2. A form is whole or refused; nobody is handed half of it.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::error::Error;
use super::spill::{Spill, Spilled};
use super::upload::{Content, Upload};
use crate::http::Status;
use crate::http::multipart::{Boundary, Multipart, MultipartFault, MultipartLimits, Part, Step};

/// Bytes of all fields of a form. Others: Django 2.5 MB.
const FIELD_BYTES_MAX: usize = 1 << 20;

/// Bytes of files that stay in memory. What is beyond goes to the disk.
const MEMORY_BYTES_MAX: usize = 256 << 10;

/// What came with a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) fields: Vec<(String, String)>,
    pub(super) uploads: Vec<Upload>,
}

/// A file that is being written.
#[derive(Debug, Default)]
struct Sink {
    part: Option<Part>,
    length: u64,
    /// What is to be written, or stays in memory.
    bytes: Vec<u8>,
    /// With the helper while `writing`. Stands before the next, so that it is closed before the
    /// helper removes the file: whoever closes a removed file waits for the disk.
    file: Option<File>,
    spilled: Option<Spilled>,
    writing: bool,
}

/// Something for the helper to write, and whose it is.
#[derive(Debug)]
pub(super) struct Writing {
    sink: usize,
    bytes: Vec<u8>,
    file: Option<File>,
}

/// What came of it.
pub(super) type Written = (usize, io::Result<(Option<Spilled>, File)>);

/// A form that arrives.
#[derive(Debug)]
pub(super) struct Intake {
    /// None for a body that is one file.
    parser: Option<Multipart>,
    fields: Vec<(String, String)>,
    /// The field that is arriving.
    field: Option<(String, Vec<u8>)>,
    field_bytes: usize,
    sinks: Vec<Sink>,
    /// Whether the last sink is still arriving.
    arriving: bool,
    spills: bool,
}

impl Intake {
    pub(super) fn new(boundary: &Boundary) -> Self {
        Self {
            parser: Some(Multipart::new(boundary, MultipartLimits::default())),
            fields: Vec::new(),
            field: None,
            field_bytes: 0,
            sinks: Vec::new(),
            arriving: false,
            spills: false,
        }
    }

    /// For a body that is a file of this type. It ends with the body.
    pub(super) fn of_file(content_type: &str) -> Self {
        let part = Part {
            name: String::new(),
            file_name: Some(String::new()),
            content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
        };
        Self {
            parser: None,
            fields: Vec::new(),
            field: None,
            field_bytes: 0,
            sinks: vec![Sink {
                part: Some(part),
                ..Sink::default()
            }],
            arriving: true,
            spills: false,
        }
    }

    /// Takes the next piece of the body.
    pub(super) fn take(&mut self, mut input: &[u8]) -> Result<(), Error> {
        loop {
            let Some(parser) = &mut self.parser else {
                let (field, field_bytes) = (&mut self.field, &mut self.field_bytes);
                return keep(field, field_bytes, &mut self.sinks, input);
            };
            let used = match parser.decode(input) {
                Step::More => return Ok(()),
                Step::Broken(fault) => return Err(fault.into()),
                Step::Finished { used } => used,
                Step::Begin { used, part } => {
                    self.begin(part);
                    used
                }
                Step::Piece { used, bytes } => {
                    keep(
                        &mut self.field,
                        &mut self.field_bytes,
                        &mut self.sinks,
                        bytes,
                    )?;
                    used
                }
                Step::End { used } => {
                    self.end()?;
                    used
                }
            };
            input = &input[used..];
        }
    }

    fn begin(&mut self, part: Part) {
        match part.file_name {
            None => self.field = Some((part.name, Vec::new())),
            Some(_) => {
                self.arriving = true;
                self.sinks.push(Sink {
                    part: Some(part),
                    ..Sink::default()
                });
            }
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.arriving = false;
        if let Some(sink) = self.sinks.last_mut()
            && sink.bytes.is_empty()
        {
            sink.file = None;
        }
        if let Some((name, value)) = self.field.take() {
            let value = String::from_utf8(value)
                .map_err(|_| Error::bad_request(format!("the field '{name}' is not UTF-8")))?;
            self.fields.push((name, value));
        }
        Ok(())
    }

    /// What is to be written now: everything that is here, once there is more than memory is for.
    pub(super) fn writings(&mut self) -> Vec<Writing> {
        let bytes: usize = self.sinks.iter().map(|sink| sink.bytes.len()).sum();
        self.spills |= bytes > MEMORY_BYTES_MAX;
        if !self.spills {
            return Vec::new();
        }
        let mut writings = Vec::new();
        for (index, sink) in self.sinks.iter_mut().enumerate() {
            if !sink.writing && !sink.bytes.is_empty() {
                sink.writing = true;
                let (bytes, file) = (std::mem::take(&mut sink.bytes), sink.file.take());
                writings.push(Writing {
                    sink: index,
                    bytes,
                    file,
                });
            }
        }
        writings
    }

    /// Something is written.
    pub(super) fn written(&mut self, (index, written): Written) -> Result<(), Error> {
        let (spilled, file) = written.map_err(|error| {
            Error::internal(format!("an upload cannot be written to the disk: {error}"))
        })?;
        let is_arriving = self.arriving && index + 1 == self.sinks.len();
        if let Some(sink) = self.sinks.get_mut(index) {
            sink.writing = false;
            sink.spilled = spilled.or_else(|| sink.spilled.take());
            // Of files that are whole, only the names are kept: there may be many.
            sink.file = (is_arriving || !sink.bytes.is_empty()).then_some(file);
        }
        Ok(())
    }

    /// Whether the peer has to wait.
    pub(super) fn is_writing(&self) -> bool {
        self.sinks.iter().any(|sink| sink.writing)
    }

    /// The body has ended, and nothing is being written any more.
    pub(super) fn finish(self) -> Result<Form, Error> {
        if let Some(parser) = &self.parser {
            parser.ended()?;
        }
        let uploads = self.sinks.into_iter().filter_map(|sink| {
            let Part {
                name, content_type, ..
            } = sink.part.clone()?;
            // Where no file was chosen, browsers send one without a name.
            let named = sink
                .part
                .as_ref()?
                .file_name
                .as_ref()
                .is_some_and(|name| !name.is_empty());
            (named || sink.length > 0).then(|| Upload {
                field: name,
                file_name: sink
                    .part
                    .as_ref()
                    .and_then(Part::safe_name)
                    .unwrap_or_default(),
                media_type: content_type,
                length: sink.length,
                content: match sink.spilled {
                    Some(spilled) => Content::Spilled(spilled),
                    None => Content::Memory(sink.bytes),
                },
            })
        });
        Ok(Form {
            uploads: uploads.collect(),
            fields: self.fields,
        })
    }
}

/// Keeps a piece of the part that arrives.
fn keep(
    field: &mut Option<(String, Vec<u8>)>,
    field_bytes: &mut usize,
    sinks: &mut [Sink],
    bytes: &[u8],
) -> Result<(), Error> {
    if let Some((_, value)) = field {
        *field_bytes += bytes.len();
        if *field_bytes > FIELD_BYTES_MAX {
            let reason = "the fields of the form are too long; send long texts as files";
            return Err(Error::new(Status::CONTENT_TOO_LARGE, reason));
        }
        value.extend_from_slice(bytes);
    } else if let Some(sink) = sinks.last_mut() {
        sink.length += bytes.len() as u64;
        sink.bytes.extend_from_slice(bytes);
    }
    Ok(())
}

impl Writing {
    /// Writes, on the helper.
    pub(super) fn write(self, spill: &Arc<Spill>, number: u64) -> Written {
        let Self { sink, bytes, file } = self;
        let write = || {
            let (spilled, mut file) = match file {
                Some(file) => (None, file),
                None => {
                    let (spilled, file) = spill.create(number)?;
                    (Some(spilled), file)
                }
            };
            file.write_all(&bytes)?;
            Ok((spilled, file))
        };
        (sink, write())
    }
}

impl From<MultipartFault> for Error {
    fn from(fault: MultipartFault) -> Self {
        Self::new(fault.status(), fault.reason())
    }
}
