//! One transaction: read whole, handed in as one batch, reported event by event.
//!
//! Tokens and HTTP never live here.

use confocal::conference::Input;
use confocal::ports::{Accepted, Batch, Inbox, NotAccepted};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::adapter::Adapter;
use crate::homeserver::Homeserver;
use crate::translate::Skip;

/// Takes transactions of the homeserver, whoever listens for them. A clone is the same.
#[derive(Debug)]
pub struct Transactions<H> {
    adapter: Adapter<H>,
    inbox: Inbox,
}

/// What a transaction came to.
#[derive(Debug)]
pub struct Handled {
    /// Whether it was new. A transaction without any input is not handed in, and counts as new.
    pub accepted: Accepted,
    /// How many inputs were handed in.
    pub inputs: usize,
    /// The events that became no input, and why.
    pub skipped: Vec<Skipped>,
    /// The events that may concern others, untouched and in order: all that are not about focus users alone. Some of them have
    /// become inputs too, such as a person's leaving.
    pub foreign: Vec<Box<RawValue>>,
}

/// An event that became no input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its position in the transaction.
    pub position: usize,
    /// Why.
    pub why: Skip,
}

/// Why a transaction was not handled; it must not be acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// The body is not the JSON of a transaction.
    #[error("the transaction can't be read")]
    BadJson(#[source] serde_json::Error),
    /// The driver did not take it; the homeserver should send it again later.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
}

// Events stay raw text here: what one of them holds can't make the others unreadable.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    events: Vec<Box<RawValue>>,
}

impl<H: Homeserver> Transactions<H> {
    pub(crate) const fn new(adapter: Adapter<H>, inbox: Inbox) -> Self {
        Self { adapter, inbox }
    }

    /// Handles the body of `PUT /_matrix/app/v1/transactions/{id}`
    /// (<https://spec.matrix.org/v1.15/application-service-api/#put_matrixappv1transactionstxnid>). Returns when the inputs in
    /// it are committed: only then may the transaction be acknowledged.
    ///
    /// It must run to its end: a caller that may be cancelled spawns it.
    ///
    /// # Errors
    ///
    /// [`TransactionError`]: nothing of it was handled then.
    pub async fn handle_transaction(&self, id: &str, body: &[u8]) -> Result<Handled, TransactionError> {
        let _hearing = self.adapter.contact().hearing();
        let counters = self.adapter.counters();
        let body: Body = serde_json::from_slice(body).map_err(|error| {
            counters.bad_transactions.add(1);
            TransactionError::BadJson(error)
        })?;
        let (inputs, mut handled) = self.read(body);
        handled.inputs = inputs.len();
        // Without inputs there is nothing that could be lost: a room's chatter costs no commit.
        if !inputs.is_empty() {
            handled.accepted = self.inbox.submit(Batch { id: Some(id.to_owned()), inputs }).await?;
        }
        counters.transactions.add(1);
        counters.inputs.add(handled.inputs as u64);
        Ok(handled)
    }

    fn read(&self, body: Body) -> (Vec<Input>, Handled) {
        let mut inputs = Vec::new();
        let mut handled =
            Handled { accepted: Accepted::New, inputs: 0, skipped: Vec::new(), foreign: Vec::new() };
        for (position, event) in body.events.into_iter().enumerate() {
            let reading = self.adapter.translator().read(&event);
            match reading.meaning {
                Ok(input) => {
                    self.adapter.note_invitation(&input);
                    inputs.push(self.adapter.founders().complete(input));
                }
                Err(why) => {
                    self.note(position, &why);
                    handled.skipped.push(Skipped { position, why });
                }
            }
            if !reading.ours {
                handled.foreign.push(event);
            }
        }
        (inputs, handled)
    }

    fn note(&self, position: usize, why: &Skip) {
        let counters = self.adapter.counters();
        match why {
            Skip::Malformed | Skip::TooLong => {
                counters.malformed_events.add(1);
                tracing::debug!(position, %why, "an event was skipped");
            }
            Skip::Expired => {
                counters.expired_events.add(1);
                tracing::debug!(position, %why, "an event was skipped");
            }
            Skip::OwnEcho | Skip::NotForUs | Skip::Encrypted | Skip::NothingNew => {
                tracing::trace!(position, %why, "an event was skipped");
            }
        }
    }
}

impl<H> Clone for Transactions<H> {
    fn clone(&self) -> Self {
        Self { adapter: self.adapter.clone(), inbox: self.inbox.clone() }
    }
}
