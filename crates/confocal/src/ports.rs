//! The ports: what the driver asks of the world, one trait a side.
//!
//! Implementations never live here: `confocal-signalling` talks to a homeserver, `confocal-media` mixes, `confocal-store` keeps.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use confocal_conference::{
    Input, MediaCommand, MediaReport, RequestFailure, RequestId, RequestOutcome, SignalRequest, Timestamp,
};

/// The Matrix side: carries out requests of the machine.
///
/// The driver calls it for one request of a room at a time, and for many rooms at once.
pub trait Signalling: Send + Sync + 'static {
    /// Carries out `order`. It may be called again for an order whose fate is unknown, after an error or a crash: sends use
    /// `order.transaction` so that the homeserver recognises a repetition, everything else must bear being repeated.
    ///
    /// # Errors
    ///
    /// [`SendError::Retry`] if it may work later (no network, 429, 5xx); [`SendError::Final`] if it never will.
    fn perform(&self, order: &Order) -> impl Future<Output = Result<Performed, SendError>> + Send;

    /// Ends when the other side is there again after it was away. Requests that wait for another try are then tried at once,
    /// and those that hang are tried anew; without it they are as soon as their wait is over.
    fn returned(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// A request together with the names under which it is sent.
#[derive(Clone, Debug)]
pub struct Order {
    /// The request's id in the machine.
    pub id: RequestId,
    /// The Matrix transaction id: the store's nonce, a dot, the request id. Unique over all virtual users.
    pub transaction: String,
    /// What to do.
    pub request: SignalRequest,
    /// An earlier try may have been carried out: a send is looked for in its room before it is sent again. As a room's requests
    /// are carried out one after the other, nothing of ours can have come into the room after it.
    pub again: bool,
}

/// What came of an order.
#[derive(Clone, Debug)]
pub struct Performed {
    /// The outcome for the machine.
    pub outcome: RequestOutcome,
    /// What was learnt on the way (calls read back after a join); fed to the machine after the outcome, in the same turn.
    pub learnt: Vec<Input>,
}

impl Performed {
    /// Done, and nothing learnt.
    #[must_use]
    pub const fn done() -> Self {
        Self { outcome: RequestOutcome::Done, learnt: Vec::new() }
    }
}

/// Why an order was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// It may work later.
    #[error("not sent, to be tried again: {why}")]
    Retry {
        /// When the other side asks to be left alone for a time (`retry_after_ms`).
        after: Option<Duration>,
        /// The other side is there and failed at this very request (5xx), which is not tried for long then: what waits behind it in
        /// its room may fare better.
        reached: bool,
        /// For the log.
        why: String,
    },
    /// It never will.
    #[error("refused for good ({failure:?}): {why}")]
    Final {
        /// For the machine.
        failure: RequestFailure,
        /// For the log.
        why: String,
    },
}

/// The media side: takes commands and reports through the [`ReportSink`] it was made with.
pub trait MediaEngine: Send + 'static {
    /// Takes a command. It must not block: what takes time is done elsewhere and reported.
    fn execute(&mut self, command: MediaCommand);
}

/// Where a media engine reports to.
#[derive(Clone)]
pub struct ReportSink(tokio::sync::mpsc::UnboundedSender<MediaReport>);

impl ReportSink {
    /// A sink and the end that receives. The driver makes its own; this is for tests of an engine.
    #[must_use]
    pub fn new() -> (Self, tokio::sync::mpsc::UnboundedReceiver<MediaReport>) {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Reports. The number of reports in flight is bounded by the engine: a few a leg and state change, and one
    /// [`MediaReport::Levels`] per conference and 100 ms at the most, and one [`MediaReport::Quality`] per conference and 5 s.
    pub fn report(&self, report: MediaReport) {
        // The driver has ended: nobody is left to care.
        let _ = self.0.send(report);
    }
}

impl fmt::Debug for ReportSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportSink").finish_non_exhaustive()
    }
}

/// The durable side: one commit a turn, everything in it or nothing.
pub trait Store: Send + 'static {
    /// What the store fails with.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads everything back at start.
    ///
    /// # Errors
    ///
    /// When the data can't be read, is of a newer schema, or is someone else's.
    fn load(&mut self) -> Result<Stored, Self::Error>;

    /// Writes a turn. When it returns, the turn survives a crash.
    ///
    /// # Errors
    ///
    /// When it could not be written; nothing of it was then.
    fn commit(&mut self, commit: Commit) -> Result<(), Self::Error>;

    /// Whether a batch of this id was committed before.
    ///
    /// # Errors
    ///
    /// When the store can't be read.
    fn seen(&mut self, batch: &str) -> Result<bool, Self::Error>;
}

/// What a store held at start.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// A random text made when the store was, the first part of all transaction ids.
    pub nonce: String,
    /// The machine's records, by key.
    pub records: Vec<(String, Vec<u8>)>,
    /// Requests that were committed and not yet done, oldest first.
    pub outbox: Vec<Row>,
}

/// A request that was committed and is not yet done.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The request's id in the machine.
    pub id: RequestId,
    /// The request.
    pub request: SignalRequest,
    /// The driver's time when it was committed; `None` if that was not told.
    pub at: Option<Timestamp>,
}

/// One turn's writing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The batch that the turn handled, if it has a name (a homeserver transaction); remembered as seen.
    pub batch: Option<String>,
    /// The driver's time, by which old batch names are forgotten and requests are given up.
    pub at: Option<Timestamp>,
    /// Records that changed: new bytes, or gone.
    pub records: Vec<(String, Option<Vec<u8>>)>,
    /// Requests to remember until they are done.
    pub send: Vec<(RequestId, SignalRequest)>,
    /// Requests that are done.
    pub done: Vec<RequestId>,
}

impl Commit {
    /// There is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.batch.is_none() && self.records.is_empty() && self.send.is_empty() && self.done.is_empty()
    }
}

/// Where inputs are handed to the driver: by the application service for homeserver transactions, by anyone for their own.
///
/// [`Inbox::submit`] returns when the turn that handled the batch is committed, so that whoever waits may acknowledge it.
#[derive(Clone, Debug)]
pub struct Inbox(pub(crate) tokio::sync::mpsc::Sender<Delivery>);

impl Inbox {
    /// An inbox and its other end, for the driver. `capacity` batches wait at most; further ones wait outside.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, Mailbox) {
        let (sender, receiver) = tokio::sync::mpsc::channel(capacity);
        (Self(sender), Mailbox(receiver))
    }

    /// Hands in a batch and waits until it is handled and committed.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] when the driver has ended or could not commit: the batch must then not be acknowledged.
    pub async fn submit(&self, batch: Batch) -> Result<Accepted, NotAccepted> {
        let (reply, done) = tokio::sync::oneshot::channel();
        self.0.send(Delivery { batch, reply }).await.map_err(|_| NotAccepted)?;
        done.await.map_err(|_| NotAccepted)
    }
}

/// The driver's end of an [`Inbox`].
#[derive(Debug)]
pub struct Mailbox(pub(crate) tokio::sync::mpsc::Receiver<Delivery>);

impl Mailbox {
    /// Takes the next batch, as a driver does; for tests of an application service.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.0.recv().await
    }
}

/// A batch on its way to the driver.
#[derive(Debug)]
pub struct Delivery {
    /// The batch.
    pub batch: Batch,
    /// Told when it is committed; dropped untold when it is not.
    pub reply: tokio::sync::oneshot::Sender<Accepted>,
}

/// Inputs that arrived together and are committed together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// A name by which a repetition is recognised: the homeserver's transaction id.
    pub id: Option<String>,
    /// What happened, in order.
    pub inputs: Vec<Input>,
}

/// A batch was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// For the first time.
    New,
    /// It had been before: nothing was done.
    Repeated,
}

/// A batch was not committed: the driver has ended or its store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the conference driver is not running or could not commit")]
pub struct NotAccepted;
