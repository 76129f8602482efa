//! # Post: who carries what outgoing hooks are sent
//!
//! A request for each, over the public internet alone but for what the command line allows.

use std::time::Duration;

use crate::client::{Allowed, Request, RequestError};
use crate::site::{Carrier, Parcel, Receipt, Undelivered};

/// How long a receiver may take in all. Who has more to do answers first.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are of use: a text of full length, with every character escaped.
const ANSWER_BYTES_MAX: usize = 128 << 10;

/// Carries by HTTP.
#[derive(Debug)]
pub(super) struct Post {
    allowed: Vec<Allowed>,
}

impl Post {
    /// Reaches the public internet, and these.
    pub(super) fn new(allowed: &[Allowed]) -> Self {
        Self {
            allowed: allowed.to_vec(),
        }
    }
}

impl Carrier for Post {
    fn carry(&self, parcel: &Parcel) -> Result<Receipt, Undelivered> {
        let mut request = Request::post(&parcel.url, parcel.body.as_bytes())
            .public_only(&self.allowed)
            .timeout(TIMEOUT)
            .body_bytes_max(ANSWER_BYTES_MAX);
        for (name, value) in &parcel.fields {
            request = request.header(name, value);
        }
        match request.send() {
            Ok(answer) => Ok(Receipt {
                status: answer.status,
                body: answer.is_whole.then_some(answer.body),
            }),
            Err(error @ (RequestError::NotAllowed(_) | RequestError::Url { .. })) => {
                let tell =
                    format!("{error}; whoever runs the server may allow it by --webhooks-allow");
                Err(Undelivered::Ever(tell))
            }
            Err(error) => Err(Undelivered::Now(error.to_string())),
        }
    }
}
