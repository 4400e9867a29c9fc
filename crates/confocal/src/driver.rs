//! The driver: the only writer. Takes what happened, lets the machine decide, commits, and only then acts.
//!
//! Decisions never live here: they are the machine's.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use confocal_conference::{
    ConferenceEvent, Config, Effect, Focus, Input, MediaCommand, MediaReport, RestoreError, RoomKey,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error, info};

use crate::clock::Clock;
use crate::outbox::{Outbox, Sent};
use crate::ports::{Accepted, Commit, Delivery, Mailbox, MediaEngine, Row, Signalling, Store};

/// Waiting reports that one turn takes at the most, so that a transaction never waits long behind them.
const REPORTS_A_TURN: usize = 256;

/// Runs a machine: feeds it inputs and time, commits what it changed, carries out what it wants.
///
/// One turn is: take a batch → [`Focus::handle`] → drain effects and changes → one [`Store::commit`] → acknowledge the batch
/// → give media commands to the engine and requests to the outbox. A turn that changed nothing and sends nothing is not
/// committed. So nothing is acknowledged that could be lost, and nothing is done that was not written.
pub struct Driver<S, M, T> {
    machine: Focus,
    store: Arc<Mutex<T>>,
    engine: M,
    clock: Clock,
    outbox: Outbox<S>,
    sent: mpsc::UnboundedReceiver<Sent>,
    reports: mpsc::UnboundedReceiver<MediaReport>,
    mailbox: Mailbox,
    news: mpsc::UnboundedSender<ConferenceEvent>,
    at: Option<Instant>,
}

/// The parts of a driver.
#[derive(Debug)]
pub struct Parts<S, M, T> {
    /// The Matrix side.
    pub signalling: S,
    /// The media side.
    pub engine: M,
    /// Where the engine's reports come out.
    pub reports: mpsc::UnboundedReceiver<MediaReport>,
    /// Where turns are written.
    pub store: T,
    /// Where batches come in.
    pub mailbox: Mailbox,
    /// Where news of the conferences goes: a few for each call, and levels a few times a second. It must be read without
    /// delay, since none is ever lost; who does not care drops the other end.
    pub news: mpsc::UnboundedSender<ConferenceEvent>,
    /// The time.
    pub clock: Clock,
    /// The machine's settings.
    pub config: Config,
    /// Where a new machine's names come from: real chance. A restored one goes on with its own.
    pub seed: u64,
}

/// Why a driver can't start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError<E> {
    /// The store could not be read or written. What was not committed was not acknowledged either and will come again.
    #[error("the store failed: {0}")]
    Store(#[source] E),
    /// The records of the last run can't be taken up.
    #[error("the stored conferences can't be restored: {0}")]
    Restore(#[from] RestoreError),
    /// The media engine has ended: no call could be served any more, nor would the machine hear of it.
    #[error("the media engine has ended")]
    EngineGone,
    /// A commit ended in a panic; the log above says which.
    #[error("writing to the store ended unexpectedly")]
    StoreGone,
}

impl<S: Signalling, M: MediaEngine, T: Store> Driver<S, M, T> {
    /// Reads back what the store holds and takes it up. Nothing is sent before [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When the store can't be read, or holds what can't be restored.
    pub fn new(parts: Parts<S, M, T>) -> Result<Self, DriverError<T::Error>> {
        let Parts { signalling, engine, reports, mut store, mailbox, news, clock, config, seed } = parts;
        let stored = store.load().map_err(DriverError::Store)?;
        let machine = Focus::restore(config, seed, clock.now(), stored.records)?;
        // The wall clock may have gone back since the last run, the machine's time can't.
        let clock = clock.not_before(machine.now());
        let (mut outbox, sent) = Outbox::new(Arc::new(signalling), clock, &stored.nonce);
        for row in stored.outbox {
            outbox.hold(row);
        }
        #[cfg(feature = "crash-points")]
        crate::crash::reached("restored", "");
        let store = Arc::new(Mutex::new(store));
        Ok(Self { machine, store, engine, clock, outbox, sent, reports, mailbox, news, at: None })
    }

    /// Runs until `shutdown` is done, then ends after the turn that it is in.
    ///
    /// # Errors
    ///
    /// When the store fails: what the machine then knows is more than what is written, so it must not go on.
    pub async fn run(
        mut self,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), DriverError<T::Error>> {
        tokio::pin!(shutdown);
        #[cfg(feature = "crash-points")]
        crate::crash::reached("before-engine-lost", "");
        // Whatever media sessions the records speak of died with the last process.
        self.turn(vec![Input::EngineLost], Turn::default()).await?;
        #[cfg(feature = "crash-points")]
        crate::crash::reached("after-engine-lost", "");
        self.outbox.release();
        loop {
            let due = self.at;
            tokio::select! {
                biased;
                () = &mut shutdown => {
                    #[cfg(feature = "crash-points")]
                    crate::crash::reached("shutdown", "");
                    return Ok(());
                }
                Some(sent) = self.sent.recv() => self.request_done(sent).await?,
                report = self.reports.recv() => {
                    let report = report.ok_or(DriverError::EngineGone)?;
                    let mut inputs = vec![Input::Media(report)];
                    while inputs.len() < REPORTS_A_TURN
                        && let Ok(report) = self.reports.try_recv()
                    {
                        inputs.push(Input::Media(report));
                    }
                    self.turn(inputs, Turn::default()).await?;
                }
                Some(delivery) = self.mailbox.next() => self.deliver(delivery).await?,
                () = until(due) => self.turn(Vec::new(), Turn::default()).await?,
            }
        }
    }

    async fn request_done(&mut self, sent: Sent) -> Result<(), DriverError<T::Error>> {
        let mut inputs = vec![Input::RequestDone { id: sent.id, outcome: sent.performed.outcome }];
        inputs.extend(sent.performed.learnt);
        let commit = Commit { done: vec![sent.id], ..Commit::default() };
        self.turn(inputs, Turn { commit, reply: None, settled: Some(sent.room) }).await
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), DriverError<T::Error>> {
        let Delivery { batch, reply } = delivery;
        if let Some(id) = batch.id.clone()
            && self.with_store(move |store| store.seen(&id)).await?
        {
            debug!("a batch came again, it is acknowledged and not handled");
            let _ = reply.send(Accepted::Repeated);
            return Ok(());
        }
        let commit = Commit { batch: batch.id, ..Commit::default() };
        self.turn(batch.inputs, Turn { commit, reply: Some(reply), settled: None }).await
    }

    /// One turn.
    async fn turn(&mut self, inputs: Vec<Input>, turn: Turn) -> Result<(), DriverError<T::Error>> {
        let Turn { mut commit, reply, settled } = turn;
        let now = self.clock.now();
        #[cfg(feature = "crash-points")]
        let heard = subject::heard(&inputs);
        // What fell due before these inputs came is done before them.
        self.machine.handle_timeout(now);
        for input in inputs {
            self.machine.handle(input, now);
        }
        let (mut media, mut news): (Vec<MediaCommand>, Vec<ConferenceEvent>) = (Vec::new(), Vec::new());
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::Send { id, request } => commit.send.push((id, request)),
                Effect::Media(command) => media.push(command),
                Effect::Notify(event) => news.push(event),
            }
        }
        while let Some(change) = self.machine.poll_change() {
            commit.records.push((change.key, change.value));
        }
        let send = commit.send.clone();
        #[cfg(feature = "crash-points")]
        let about = subject::of(&send).unwrap_or(heard);
        #[cfg(feature = "crash-points")]
        crate::crash::reached("before-commit", about);
        if !commit.is_empty() {
            commit.at = Some(now);
            self.with_store(move |store| store.commit(commit)).await?;
        }
        #[cfg(feature = "crash-points")]
        crate::crash::reached("after-commit", about);
        if let Some(reply) = reply {
            // Whoever waited may have gone; the batch is committed all the same.
            let _ = reply.send(Accepted::New);
        }
        #[cfg(feature = "crash-points")]
        crate::crash::reached("after-reply", about);
        for command in media {
            self.engine.execute(command);
        }
        #[cfg(feature = "crash-points")]
        crate::crash::reached("after-media", about);
        for (id, request) in send {
            self.outbox.push(Row { id, request, at: Some(now) });
        }
        if let Some(room) = settled {
            self.outbox.settled(&room);
        }
        for event in news {
            log(&event);
            // Nobody watches.
            let _ = self.news.send(event);
        }
        self.at = self.machine.poll_timeout().map(|deadline| self.clock.instant(deadline.at));
        Ok(())
    }

    /// The store does blocking I/O, so it is used where that may be done.
    async fn with_store<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut T) -> Result<R, T::Error> + Send + 'static,
    ) -> Result<R, DriverError<T::Error>> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || {
            // A panic inside an earlier commit ended the driver; the store itself rolls back.
            act(&mut store.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match done.await {
            Ok(result) => result.map_err(|source| {
                error!(%source, "the store failed, stopping");
                DriverError::Store(source)
            }),
            Err(_) => Err(DriverError::StoreGone),
        }
    }
}

/// What a turn is about, for the crash points in it.
#[cfg(feature = "crash-points")]
mod subject {
    use super::Input;
    use confocal_conference::{RequestId, RequestOutcome, SignalRequest};

    /// By what it sends.
    pub(super) fn of(send: &[(RequestId, SignalRequest)]) -> Option<&'static str> {
        let is_named = |request: &&SignalRequest| {
            matches!(
                request,
                SignalRequest::Answer { .. } | SignalRequest::Hangup { .. } | SignalRequest::Reject { .. }
            )
        };
        send.iter().map(|(_, request)| request).find(is_named).map(crate::carrier::kind)
    }

    /// By what it was told.
    pub(super) fn heard(inputs: &[Input]) -> &'static str {
        let is_invite = |input: &Input| matches!(input, Input::CallInvited(_));
        let is_admission =
            |input: &Input| matches!(input, Input::RequestDone { outcome: RequestOutcome::Admission(_), .. });
        match (inputs.iter().any(is_invite), inputs.iter().any(is_admission)) {
            (true, _) => "invite",
            (false, true) => "admission",
            (false, false) => "other",
        }
    }
}

/// What a turn has beside its inputs.
#[derive(Default)]
struct Turn {
    commit: Commit,
    reply: Option<oneshot::Sender<Accepted>>,
    settled: Option<RoomKey>,
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn log(event: &ConferenceEvent) {
    match event {
        ConferenceEvent::Opened { conference, .. } => info!(%conference, "conference open"),
        ConferenceEvent::Closed { conference } => info!(%conference, "conference closed"),
        ConferenceEvent::Leg { conference, participant, leg, state, .. } => {
            info!(%conference, %participant, %leg, ?state, "call");
        }
        ConferenceEvent::Standing { conference, participant, role, silenced, hand, .. } => {
            info!(%conference, %participant, ?role, ?silenced, hand, "participant");
        }
        ConferenceEvent::Floor { conference, locked, audience } => {
            info!(%conference, locked, audience, "floor");
        }
        ConferenceEvent::Recording { conference, by } => {
            info!(%conference, recorded = by.is_some(), "recording");
        }
        // Who calls too often would fill the log.
        ConferenceEvent::CallIgnored { why, .. } => debug!(?why, "call ignored"),
        ConferenceEvent::ActiveSpeaker { conference, speaker, .. } => {
            debug!(%conference, ?speaker, "active speaker");
        }
        ConferenceEvent::Pictures { conference, choice, view } => {
            let (layout, speaker, screen) = (view.layout, view.speaker, view.screen);
            debug!(%conference, ?choice, ?layout, ?speaker, ?screen, "pictures");
        }
        ConferenceEvent::Level { .. } | ConferenceEvent::Quality { .. } => {}
    }
}
