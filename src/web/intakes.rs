//! # Intakes: how forms with files are received
//!
//! Pieces go to the form's [`Intake`]; what that wants written goes to the helper, and the peer waits
//! meanwhile. The request goes on to its handler when the body has ended and everything is written.

use super::error::Error;
use super::helper::{Outcome, Wait};
use super::intake::{Intake, Written};
use super::request::Request;
use super::service::{Parked, Service, bodiless};
use crate::http::Head;
use crate::http::multipart::Boundary;
use crate::reactor::{Answer, Call, Net, Reception};

/// A form that arrives, and its request.
pub(super) struct Receiving {
    intake: Intake,
    request: Request,
    /// All of it is here, though perhaps not written yet.
    is_here: bool,
}

impl<S: 'static> Service<S> {
    /// How to take a body. Only forms in parts and files come in pieces.
    pub(super) fn take_in(
        &mut self,
        call: Call,
        head: &Head<'_>,
        bytes_max: u64,
        is_file: bool,
        net: &mut Net,
    ) -> Reception {
        let mut request = bodiless(call, head, net);
        let media_type = head.field("Content-Type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let intake = if essence.eq_ignore_ascii_case("multipart/form-data") {
            match Boundary::of(media_type.as_bytes()) {
                Ok(boundary) => Intake::new(&boundary),
                Err(fault) => {
                    let error = Error::new(fault.status(), fault.reason());
                    return Reception::Refuse(self.face(&mut request, error, net));
                }
            }
        } else if is_file {
            Intake::of_file(media_type)
        } else {
            return Reception::Collect { bytes_max };
        };
        let receiving = Receiving {
            intake,
            request,
            is_here: false,
        };
        self.intakes.insert(call, receiving);
        Reception::Stream { bytes_max }
    }

    pub(super) fn take_piece(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        let Some(receiving) = self.intakes.get_mut(&call) else {
            return;
        };
        let taken = receiving
            .intake
            .take(bytes)
            .and_then(|()| self.write_what_is_here(call));
        match taken {
            Ok(true) => net.pause(call),
            Ok(false) => {}
            Err(error) => self.refuse_intake(call, error, net),
        }
    }

    /// Gives the helper what there is to write. Whether the peer has to wait for it.
    fn write_what_is_here(&mut self, call: Call) -> Result<bool, Error> {
        let Some(receiving) = self.intakes.get_mut(&call) else {
            return Ok(false);
        };
        for writing in receiving.intake.writings() {
            let (ticket, spill) = (self.ticket(), self.desk.helpers.spill());
            let wait = Wait::on_helper(move || writing.write(&spill, ticket));
            let (errand, _) = wait.into_parts();
            errand(&mut self.desk.helpers, ticket)?;
            self.parked.insert(ticket, Parked::Intake { call });
        }
        Ok(self
            .intakes
            .get(&call)
            .is_some_and(|receiving| receiving.intake.is_writing()))
    }

    /// The body has ended: what becomes of its request.
    pub(super) fn taken_in(&mut self, call: Call, request: Request, net: &mut Net) -> Answer {
        let Some(receiving) = self.intakes.get_mut(&call) else {
            return self.begin(call, request, net);
        };
        receiving.request = request;
        receiving.is_here = true;
        self.finish_intake(call, net)
    }

    fn finish_intake(&mut self, call: Call, net: &mut Net) -> Answer {
        let Some(receiving) = self.intakes.remove(&call) else {
            return Answer::Later;
        };
        if receiving.intake.is_writing() {
            self.intakes.insert(call, receiving);
            return Answer::Later;
        }
        let mut request = receiving.request;
        match receiving.intake.finish() {
            Ok(form) => {
                request.set_parts(form);
                self.begin(call, request, net)
            }
            Err(error) => Answer::Respond(self.face(&mut request, error, net)),
        }
    }

    /// Something is written, or was not.
    pub(super) fn intake_goes_on(&mut self, call: Call, outcome: Option<Outcome>, net: &mut Net) {
        // What comes back for a form that has ended is dropped, and its file with it.
        let Some(receiving) = self.intakes.get_mut(&call) else {
            return;
        };
        let written = outcome
            .and_then(|outcome| outcome.downcast::<Written>().ok())
            .ok_or_else(|| Error::internal("a helper's job panicked"));
        let gone_on = written
            .and_then(|written| receiving.intake.written(*written))
            .and_then(|()| self.write_what_is_here(call));
        match gone_on {
            Ok(true) => {}
            Ok(false) => {
                net.resume(call);
                if self
                    .intakes
                    .get(&call)
                    .is_some_and(|receiving| receiving.is_here)
                {
                    let answer = self.finish_intake(call, net);
                    net.answer(call, answer);
                }
            }
            Err(error) => self.refuse_intake(call, error, net),
        }
    }

    /// A form that cannot be taken is answered at once; what still comes of it is thrown away.
    fn refuse_intake(&mut self, call: Call, error: Error, net: &mut Net) {
        let Some(mut receiving) = self.intakes.remove(&call) else {
            return;
        };
        let response = self.face(&mut receiving.request, error, net);
        net.answer(call, Answer::Respond(response.close()));
    }
}
