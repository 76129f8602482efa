//! # Uploads: files that go with messages

use super::apply::Stop;
use super::operation::Operation;
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::Work;

pub(super) fn perform(_: &mut Work<'_>, _: &Operation) -> Result<Answer, Stop> {
    Err(Refusal::new(Code::NotSupported, "Not yet.").into())
}

pub(super) fn tidy(_: &mut Work<'_>) -> Result<(), Stop> {
    Ok(())
}
