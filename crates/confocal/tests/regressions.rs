//! What went wrong once: each test here failed before the driver was put right.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confocal::conference::{Config, Input, MediaCommand, RequestId, RoomKey, SignalRequest, Timestamp};
use confocal::ports::{
    Batch, Commit, Inbox, MediaEngine, Order, Performed, ReportSink, Row, SendError, Signalling, Store,
    Stored,
};
use confocal::{Clock, Driver, Parts};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A homeserver that never gets into rooms whose name says so, and an adapter with a mistake in it.
struct FakeSignalling(mpsc::UnboundedSender<SignalRequest>);

impl Signalling for FakeSignalling {
    async fn perform(&self, order: &Order) -> Result<Performed, SendError> {
        if order.request.room().as_str().starts_with("!unreachable") {
            std::future::pending::<()>().await;
        }
        assert!(order.transaction != "nonce.1" || order.request.room().as_str() != "!mistake", "the mistake");
        self.0.send(order.request.clone()).unwrap();
        Ok(Performed::done())
    }
}

struct NoEngine(#[expect(dead_code, reason = "the driver's end stays open")] ReportSink);

impl MediaEngine for NoEngine {
    fn execute(&mut self, _: MediaCommand) {}
}

/// A store that outlives the driver.
#[derive(Clone, Default)]
struct FakeStore(Arc<Mutex<Disk>>);

type Disk = (BTreeMap<String, Vec<u8>>, BTreeMap<RequestId, SignalRequest>);

impl Store for FakeStore {
    type Error = Infallible;

    fn load(&mut self) -> Result<Stored, Infallible> {
        let (records, outbox) = self.0.lock().unwrap().clone();
        let records = records.into_iter().collect();
        let outbox = outbox.into_iter().map(|(id, request)| Row { id, request, at: None }).collect();
        Ok(Stored { nonce: "nonce".into(), records, outbox })
    }

    fn commit(&mut self, commit: Commit) -> Result<(), Infallible> {
        let (records, outbox) = &mut *self.0.lock().unwrap();
        for (key, value) in commit.records {
            match value {
                Some(value) => records.insert(key, value),
                None => records.remove(&key),
            };
        }
        outbox.extend(commit.send);
        outbox.retain(|id, _| !commit.done.contains(id));
        Ok(())
    }

    fn seen(&mut self, _: &str) -> Result<bool, Infallible> {
        Ok(false)
    }
}

/// A driver that runs until the task is ended, and what it asks the homeserver for.
fn start(
    store: FakeStore,
    clock_millis: u64,
) -> (Inbox, mpsc::UnboundedReceiver<SignalRequest>, tokio::task::JoinHandle<()>) {
    let (inbox, mailbox) = Inbox::new(8);
    let (sink, reports) = ReportSink::new();
    let (requests, performed) = mpsc::unbounded_channel();
    let driver = Driver::new(Parts {
        signalling: FakeSignalling(requests),
        engine: NoEngine(sink),
        reports,
        store,
        mailbox,
        news: mpsc::unbounded_channel().0,
        clock: Clock::starting_at(Timestamp::from_unix_millis(clock_millis)),
        config: Config::default(),
        seed: 3,
    })
    .unwrap();
    let running = tokio::spawn(async move { driver.run(std::future::pending()).await.unwrap() });
    (inbox, performed, running)
}

async fn invite(inbox: &Inbox, group: &str) {
    let input = Input::FocusInvited {
        focus: "@conf".into(),
        group: group.into(),
        room: group.into(),
        by: "@bob".into(),
        via: vec![],
    };
    inbox.submit(Batch { id: None, inputs: vec![input] }).await.unwrap();
}

async fn next(performed: &mut mpsc::UnboundedReceiver<SignalRequest>) -> SignalRequest {
    tokio::time::timeout(Duration::from_secs(10_000), performed.recv()).await.expect("a request").unwrap()
}

/// A join over federation lasts until the other server answers or the homeserver gives up, which can be minutes.
#[tokio::test(start_paused = true)]
async fn rooms_that_cannot_be_reached_do_not_keep_the_others_waiting() {
    let (inbox, mut performed, running) = start(FakeStore::default(), 1_000);
    for number in 0..100 {
        invite(&inbox, &format!("!unreachable-{number}")).await;
    }
    invite(&inbox, "!g").await;
    assert_eq!(next(&mut performed).await.room(), &RoomKey::from("!g"));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_went_back_between_two_runs_holds_up_no_deadline() {
    const HOUR: u64 = 3_600_000;
    let store = FakeStore::default();
    let (inbox, mut performed, running) = start(store.clone(), 2 * HOUR);
    invite(&inbox, "!g").await;
    next(&mut performed).await;
    // The outcome of the join is committed when the next batch is.
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.abort();
    let _ = running.await;

    let begun = Instant::now();
    let (_inbox, mut performed, running) = start(store, HOUR);
    assert!(matches!(next(&mut performed).await, SignalRequest::Leave { .. }));
    assert!(begun.elapsed() <= Duration::from_secs(301), "{:?}", begun.elapsed());
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_in_a_panic_has_failed_and_its_room_goes_on() {
    let (inbox, mut performed, running) = start(FakeStore::default(), 1_000);
    invite(&inbox, "!mistake").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    invite(&inbox, "!mistake").await;
    assert!(matches!(next(&mut performed).await, SignalRequest::JoinGroup { .. }));
    running.abort();
}
