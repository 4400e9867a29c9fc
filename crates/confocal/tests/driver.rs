//! The driver's promises: nothing acknowledged that is not committed, nothing done before, nothing twice, order in a room.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confocal::conference::{
    Admission, Agreed, CallInvite, CallKey, CallVersion, Config, Generation, Input, LegId, MediaCommand,
    MediaReport, Millis, OfferNumber, RequestFailure, RequestOutcome, Sdp, SessionMemo, SignalRequest,
    StreamMetadata, Timestamp,
};
use confocal::ports::{
    Accepted, Batch, Commit, Inbox, MediaEngine, NotAccepted, Order, Performed, ReportSink, Row, SendError,
    Signalling, Store, Stored,
};
use confocal::{Clock, Driver, DriverError, Parts};
use tokio::sync::{mpsc, oneshot};

/// What happened, in order, over all parts.
type Journal = Arc<Mutex<Vec<String>>>;

fn note(journal: &Journal, what: impl Into<String>) {
    journal.lock().unwrap().push(what.into());
}

/// A homeserver that does what it is asked; `plan` may say otherwise first.
struct FakeSignalling {
    journal: Journal,
    orders: mpsc::UnboundedSender<Order>,
    plan: Mutex<Vec<SendError>>,
    read_back: Mutex<Vec<Input>>,
}

impl Signalling for FakeSignalling {
    async fn perform(&self, order: &Order) -> Result<Performed, SendError> {
        let name = format!("{:?}", order.request);
        note(&self.journal, format!("perform {}", name.split([' ', '{']).next().unwrap()));
        if let Some(error) = self.plan.lock().unwrap().pop() {
            return Err(error);
        }
        self.orders.send(order.clone()).unwrap();
        Ok(match order.request {
            SignalRequest::JoinDirect { .. } => Performed {
                outcome: RequestOutcome::Done,
                learnt: std::mem::take(&mut *self.read_back.lock().unwrap()),
            },
            SignalRequest::AskAdmission { .. } => Performed {
                outcome: RequestOutcome::Admission(Admission { joined: true, direct_members: 2, name: None }),
                learnt: vec![],
            },
            _ => Performed::done(),
        })
    }
}

/// An engine that answers every offer.
struct FakeEngine {
    journal: Journal,
    sink: ReportSink,
}

impl MediaEngine for FakeEngine {
    fn execute(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Open { leg, generation, .. } => {
                note(&self.journal, "open");
                self.sink.report(answer(leg, generation));
            }
            MediaCommand::Close { .. } => note(&self.journal, "close"),
            MediaCommand::Renegotiate { .. }
            | MediaCommand::Offer { .. }
            | MediaCommand::OfferAgain { .. }
            | MediaCommand::Describe { .. }
            | MediaCommand::Show { .. }
            | MediaCommand::Accept { .. }
            | MediaCommand::SetHeard { .. }
            | MediaCommand::Play { .. }
            | MediaCommand::Record { .. }
            | MediaCommand::StopRecording { .. }
            | MediaCommand::AddCandidates { .. } => {}
        }
    }
}

fn answer(leg: LegId, generation: Generation) -> MediaReport {
    MediaReport::AnswerReady {
        leg,
        generation,
        offer: OfferNumber(0),
        answer: Sdp("answer".into()),
        streams: StreamMetadata::new(),
        agreed: Agreed::default(),
        memo: SessionMemo::default(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

/// What a store holds, outliving the driver.
#[derive(Default)]
struct Disk {
    records: std::collections::BTreeMap<String, Vec<u8>>,
    outbox: std::collections::BTreeMap<confocal::conference::RequestId, SignalRequest>,
    batches: BTreeSet<String>,
    full: bool,
}

struct FakeStore {
    journal: Journal,
    disk: Arc<Mutex<Disk>>,
}

impl Store for FakeStore {
    type Error = DiskFull;

    fn load(&mut self) -> Result<Stored, DiskFull> {
        let disk = self.disk.lock().unwrap();
        Ok(Stored {
            nonce: "nonce".into(),
            records: disk.records.clone().into_iter().collect(),
            outbox: disk
                .outbox
                .clone()
                .into_iter()
                .map(|(id, request)| Row { id, request, at: None })
                .collect(),
        })
    }

    fn commit(&mut self, commit: Commit) -> Result<(), DiskFull> {
        let mut disk = self.disk.lock().unwrap();
        if disk.full {
            return Err(DiskFull);
        }
        note(&self.journal, "commit");
        disk.batches.extend(commit.batch);
        for (key, value) in commit.records {
            match value {
                Some(value) => disk.records.insert(key, value),
                None => disk.records.remove(&key),
            };
        }
        disk.outbox.extend(commit.send);
        for id in commit.done {
            disk.outbox.remove(&id);
        }
        Ok(())
    }

    fn seen(&mut self, batch: &str) -> Result<bool, DiskFull> {
        Ok(self.disk.lock().unwrap().batches.contains(batch))
    }
}

/// A driver in its surroundings.
struct World {
    inbox: Inbox,
    orders: mpsc::UnboundedReceiver<Order>,
    journal: Journal,
    disk: Arc<Mutex<Disk>>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<Result<(), DriverError<DiskFull>>>,
}

impl World {
    fn start(disk: Arc<Mutex<Disk>>, plan: Vec<SendError>, read_back: Vec<Input>) -> Self {
        let journal = Journal::default();
        let (inbox, mailbox) = Inbox::new(8);
        let (sink, reports) = ReportSink::new();
        let (order_sink, orders) = mpsc::unbounded_channel();
        let driver = Driver::new(Parts {
            signalling: FakeSignalling {
                journal: Arc::clone(&journal),
                orders: order_sink,
                plan: Mutex::new(plan),
                read_back: Mutex::new(read_back),
            },
            engine: FakeEngine { journal: Arc::clone(&journal), sink },
            reports,
            store: FakeStore { journal: Arc::clone(&journal), disk: Arc::clone(&disk) },
            mailbox,
            news: mpsc::unbounded_channel().0,
            clock: Clock::starting_at(Timestamp::from_unix_millis(1_000)),
            config: Config::default(),
            seed: 3,
        })
        .unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(driver.run(async {
            let _ = stopped.await;
        }));
        Self { inbox, orders, journal, disk, stop: Some(stop), ended }
    }

    async fn order(&mut self) -> Order {
        tokio::time::timeout(Duration::from_secs(600), self.orders.recv()).await.expect("an order").unwrap()
    }

    /// The process dies: what it did not commit is gone.
    async fn kill(self) -> Arc<Mutex<Disk>> {
        self.ended.abort();
        let _ = self.ended.await;
        self.disk
    }
}

fn invited(room: &str) -> Input {
    Input::FocusInvited {
        focus: "@conf_g".into(),
        group: "!g".into(),
        room: room.into(),
        by: "@bob".into(),
        via: vec![],
    }
}

fn call(call: &str) -> Input {
    Input::CallInvited(CallInvite {
        key: CallKey { room: "!d".into(), caller: "@bob".into(), call: call.into() },
        invitee: None,
        version: CallVersion::V1,
        party: Some("THEIRS".into()),
        offer: Sdp("offer".into()),
        expires_in: Millis::from_secs(60),
        metadata: None,
    })
}

fn batch(id: &str, inputs: Vec<Input>) -> Batch {
    Batch { id: Some(id.into()), inputs }
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_from_batch_to_answer_and_is_committed_before_each_step() {
    let mut world = World::start(Arc::default(), vec![], vec![]);
    let accepted = world.inbox.submit(batch("1", vec![invited("!g"), invited("!d"), call("c1")])).await;
    assert_eq!(accepted, Ok(Accepted::New));
    let mut answered = None;
    while answered.is_none() {
        let order = world.order().await;
        if matches!(order.request, SignalRequest::Answer { .. }) {
            answered = Some(order);
        }
    }
    let order = answered.unwrap();
    assert_eq!(
        order.transaction,
        format!("nonce.{}", order.id),
        "unique over all virtual users of this store"
    );
    let journal = world.journal.lock().unwrap().clone();
    let first = |what: &str| {
        journal.iter().position(|entry| entry == what).unwrap_or_else(|| panic!("{what}: {journal:?}"))
    };
    assert!(first("commit") < first("perform JoinGroup"));
    let open = first("open");
    let commits_before_answer =
        journal[open..first("perform Answer")].iter().filter(|entry| *entry == "commit").count();
    assert!(commits_before_answer >= 1, "the answer is committed before it is sent: {journal:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_read_back_after_a_join_are_taken_in_the_same_turn() {
    let mut world = World::start(Arc::default(), vec![], vec![call("early")]);
    world.inbox.submit(batch("1", vec![invited("!g"), invited("!d")])).await.unwrap();
    loop {
        if let SignalRequest::Answer { to, .. } = world.order().await.request {
            assert_eq!(to.call.as_str(), "early");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_batch_is_acknowledged_and_not_handled() {
    let mut world = World::start(Arc::default(), vec![], vec![]);
    assert_eq!(world.inbox.submit(batch("1", vec![invited("!g")])).await, Ok(Accepted::New));
    world.order().await;
    assert_eq!(world.inbox.submit(batch("1", vec![invited("!g")])).await, Ok(Accepted::Repeated));
    assert_eq!(world.inbox.submit(batch("2", vec![invited("!d")])).await, Ok(Accepted::New));
    let order = world.order().await;
    assert!(matches!(order.request, SignalRequest::JoinDirect { .. }), "not a second join: {order:?}");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_committed_is_neither_acknowledged_nor_done() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    let mut world = World::start(Arc::clone(&disk), vec![], vec![]);
    assert_eq!(world.inbox.submit(batch("1", vec![])).await, Ok(Accepted::New));
    disk.lock().unwrap().full = true;
    assert_eq!(world.inbox.submit(batch("2", vec![invited("!g")])).await, Err(NotAccepted));
    assert!(matches!((&mut world.ended).await.unwrap(), Err(DriverError::Store(DiskFull))));
    assert!(world.orders.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_for_now_is_tried_again_under_the_same_transaction_id() {
    let again = |after| SendError::Retry { after, reached: false, why: "429".into() };
    let plan = vec![again(None), again(Some(Duration::from_secs(7)))];
    let mut world = World::start(Arc::default(), plan, vec![]);
    let begun = tokio::time::Instant::now();
    world.inbox.submit(batch("1", vec![invited("!g")])).await.unwrap();
    assert_eq!(world.order().await.transaction, "nonce.1");
    assert!(begun.elapsed() >= Duration::from_secs(7), "the homeserver's own wish is respected");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_for_good_does_not_hold_up_its_room() {
    let plan = vec![SendError::Final { failure: RequestFailure::Forbidden, why: "403".into() }];
    let mut world = World::start(Arc::default(), plan, vec![]);
    world.inbox.submit(batch("1", vec![invited("!g")])).await.unwrap();
    // The refused join is told to the machine, which asks again when the invitation comes again.
    world.inbox.submit(batch("2", vec![invited("!g")])).await.unwrap();
    assert!(matches!(world.order().await.request, SignalRequest::JoinGroup { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_succeeds_is_given_up_and_its_room_goes_on() {
    // One try a minute, for longer than an hour.
    let down =
        |_| SendError::Retry { after: Some(Duration::from_secs(60)), reached: false, why: "503".into() };
    let mut world = World::start(Arc::default(), (0..62).map(down).collect(), vec![]);
    world.inbox.submit(batch("1", vec![invited("!g")])).await.unwrap();
    let begun = tokio::time::Instant::now();
    while world.journal.lock().unwrap().iter().filter(|entry| *entry == "perform JoinGroup").count() < 61 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(begun.elapsed() < Duration::from_secs(2 * 3600));
    }
    // The machine was told that it failed, so an invitation that comes again makes it join anew.
    world.inbox.submit(batch("2", vec![invited("!g")])).await.unwrap();
    assert_eq!(world.order().await.transaction, "nonce.2");
}

#[tokio::test(start_paused = true)]
async fn a_row_of_the_last_run_is_sent_under_its_old_transaction_id() {
    let disk: Arc<Mutex<Disk>> = Arc::default();
    // The homeserver is away for longer than this process lives.
    let away = vec![SendError::Retry {
        after: Some(Duration::from_secs(50)),
        reached: false,
        why: "no network".into(),
    }];
    let world = World::start(Arc::clone(&disk), away, vec![]);
    world.inbox.submit(batch("1", vec![invited("!g")])).await.unwrap();
    let disk = world.kill().await;
    assert_eq!(disk.lock().unwrap().outbox.len(), 1);
    let mut world = World::start(disk, vec![], vec![]);
    let order = world.order().await;
    assert_eq!(order.transaction, "nonce.1");
    assert!(matches!(order.request, SignalRequest::JoinGroup { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_focus_leaves_by_the_clock_when_nobody_calls() {
    let mut world = World::start(Arc::default(), vec![], vec![]);
    world.inbox.submit(batch("1", vec![invited("!g")])).await.unwrap();
    world.order().await;
    let joined = tokio::time::Instant::now();
    assert!(matches!(world.order().await.request, SignalRequest::Leave { .. }));
    let waited = joined.elapsed();
    assert!((Duration::from_secs(300)..Duration::from_secs(301)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_told_to() {
    let mut world = World::start(Arc::default(), vec![], vec![]);
    drop(world.stop.take());
    assert!((&mut world.ended).await.unwrap().is_ok());
}
