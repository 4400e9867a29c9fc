//! How requests are tried: what may have been carried out is said to be so, an absence of the other side is not outlasted, and
//! what is too late is not said.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confocal::conference::{
    CallAddress, CallVersion, Config, FocusUser, HangupReason, MediaCommand, Notice, RequestId, RoomKey,
    SignalRequest, Timestamp,
};
use confocal::ports::{
    Commit, Inbox, MediaEngine, Order, Performed, ReportSink, Row, SendError, Signalling, Store, Stored,
};
use confocal::{Clock, Driver, Parts};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

const DAY: u64 = 86_400_000;

/// What a try comes to.
#[derive(Clone, Copy)]
enum Try {
    Works,
    Fails,
    /// The other side is there and fails at it.
    Refuses,
    /// It fails, and the other side asks to be left alone for so many seconds.
    Asks(u64),
    Hangs,
}

/// A homeserver that does what is planned for it, and then works.
struct FakeSignalling {
    plan: Mutex<Vec<Try>>,
    orders: mpsc::UnboundedSender<(Order, Instant)>,
    back: Arc<Notify>,
}

impl Signalling for FakeSignalling {
    async fn perform(&self, order: &Order) -> Result<Performed, SendError> {
        self.orders.send((order.clone(), Instant::now())).unwrap();
        let planned = self.plan.lock().unwrap().pop().unwrap_or(Try::Works);
        let reached = matches!(planned, Try::Refuses);
        let again = |after| Err(SendError::Retry { after, reached, why: "it was planned".into() });
        match planned {
            Try::Works => Ok(Performed::done()),
            Try::Fails | Try::Refuses => again(None),
            Try::Asks(seconds) => again(Some(Duration::from_secs(seconds))),
            Try::Hangs => std::future::pending().await,
        }
    }

    async fn returned(&self) {
        self.back.notified().await;
    }
}

struct NoEngine(#[expect(dead_code, reason = "it must live")] ReportSink);

impl MediaEngine for NoEngine {
    fn execute(&mut self, _: MediaCommand) {}
}

struct Rows(Vec<Row>);

impl Store for Rows {
    type Error = Infallible;

    fn load(&mut self) -> Result<Stored, Infallible> {
        Ok(Stored { nonce: "nonce".into(), records: vec![], outbox: std::mem::take(&mut self.0) })
    }

    fn commit(&mut self, _: Commit) -> Result<(), Infallible> {
        Ok(())
    }

    fn seen(&mut self, _: &str) -> Result<bool, Infallible> {
        Ok(false)
    }
}

struct World {
    orders: mpsc::UnboundedReceiver<(Order, Instant)>,
    back: Arc<Notify>,
    begun: Instant,
}

impl World {
    /// A driver that finds `rows` in its store, ten days after the epoch.
    fn start(rows: Vec<Row>, mut plan: Vec<Try>) -> Self {
        plan.reverse();
        let (_, mailbox) = Inbox::new(8);
        let (sink, reports) = ReportSink::new();
        let (order_sink, orders) = mpsc::unbounded_channel();
        let back = Arc::new(Notify::new());
        let driver = Driver::new(Parts {
            signalling: FakeSignalling {
                plan: Mutex::new(plan),
                orders: order_sink,
                back: Arc::clone(&back),
            },
            engine: NoEngine(sink),
            reports,
            store: Rows(rows),
            mailbox,
            news: mpsc::unbounded_channel().0,
            clock: Clock::starting_at(Timestamp::from_unix_millis(10 * DAY)),
            config: Config::default(),
            seed: 3,
        })
        .unwrap();
        tokio::spawn(driver.run(std::future::pending()));
        Self { orders, back, begun: Instant::now() }
    }

    /// The next try: of which request, whether it may have been carried out, and after how many seconds.
    async fn next(&mut self) -> (u64, bool, u64) {
        let next = tokio::time::timeout(Duration::from_secs(10 * 86_400), self.orders.recv()).await;
        let (order, at) = next.expect("a try").unwrap();
        (order.id.0, order.again, (at - self.begun).as_secs())
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(86_400), self.orders.recv()).await.is_err()
    }
}

fn row(id: u64, request: SignalRequest, days_old: u64) -> Row {
    Row { id: RequestId(id), request, at: Some(Timestamp::from_unix_millis((10 - days_old) * DAY)) }
}

fn leave(room: &str) -> SignalRequest {
    SignalRequest::Leave { focus: FocusUser::from("@conf_x:a.org"), room: RoomKey::from(room) }
}

fn hangup(room: &str) -> SignalRequest {
    let to = CallAddress {
        focus: FocusUser::from("@conf_x:a.org"),
        room: RoomKey::from(room),
        caller: "@bob:a.org".into(),
        call: "c1".into(),
        version: CallVersion::V1,
        party: "OURS".into(),
    };
    SignalRequest::Hangup { to, reason: HangupReason::UserHangup }
}

fn notice(room: &str) -> SignalRequest {
    let notice = Notice::Encrypted { group: RoomKey::from("!g") };
    SignalRequest::Notice { focus: FocusUser::from("@conf_x:a.org"), room: RoomKey::from(room), notice }
}

#[tokio::test(start_paused = true)]
async fn of_the_last_runs_requests_the_first_of_each_room_may_have_been_carried_out() {
    let rows = vec![row(1, leave("!a"), 0), row(2, leave("!a"), 0), row(3, leave("!b"), 0)];
    let mut world = World::start(rows, vec![]);
    let mut tries = [world.next().await, world.next().await, world.next().await];
    tries.sort_unstable();
    assert_eq!(tries, [(1, true, 0), (2, false, 0), (3, true, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_now_may_have_been_carried_out() {
    let rows = vec![row(1, leave("!a"), 0), row(2, leave("!a"), 0)];
    let mut world = World::start(rows, vec![Try::Works, Try::Fails]);
    world.next().await;
    assert_eq!(world.next().await, (2, false, 0));
    assert_eq!(world.next().await, (2, true, 0), "after a quarter of a second");
}

#[tokio::test(start_paused = true)]
async fn the_other_sides_return_ends_all_waiting() {
    let mut world = World::start(vec![row(1, leave("!a"), 0)], vec![Try::Fails; 20]);
    // By now it waits for a minute from try to try.
    while world.next().await.2 < 300 {}
    let (_, _, last) = world.next().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.back.notify_waiters();
    assert_eq!(world.next().await, (1, true, last + 10));
    assert!(world.next().await.2 <= last + 11, "and from then on it begins with short waits");
}

#[tokio::test(start_paused = true)]
async fn a_try_that_hangs_is_given_up_when_the_other_side_is_back() {
    let mut world = World::start(vec![row(1, leave("!a"), 0)], vec![Try::Hangs]);
    assert_eq!(world.next().await, (1, true, 0));
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.back.notify_waiters();
    assert_eq!(world.next().await, (1, true, 20));
}

#[tokio::test(start_paused = true)]
async fn who_asks_to_be_left_alone_is_and_not_hurried_by_a_return() {
    let mut world = World::start(vec![row(1, leave("!a"), 0)], vec![Try::Asks(120), Try::Asks(4_000)]);
    world.next().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.back.notify_waiters();
    assert_eq!(world.next().await.2, 120);
    assert_eq!(world.next().await.2, 120 + 300, "but not for longer than five minutes");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_not_said_and_an_end_is_never_too_late() {
    let rows = vec![row(1, notice("!a"), 2), row(2, leave("!b"), 2), row(3, notice("!c"), 0)];
    let mut world = World::start(rows, vec![Try::Fails, Try::Fails]);
    let mut tries = [world.next().await.0, world.next().await.0];
    tries.sort_unstable();
    assert_eq!(tries, [2, 3]);
    assert_eq!(world.next().await.0, 3, "the end was tried once, after two days");
    assert!(world.is_quiet().await);
}

/// How long the first request of a room is tried, in seconds, before the one behind it is.
async fn held_up_for(first: SignalRequest, plan: Vec<Try>) -> u64 {
    let room = first.room().as_str().to_owned();
    let mut world = World::start(vec![row(1, first, 0), row(2, leave(&room), 0)], plan);
    loop {
        if let (2, _, seconds) = world.next().await {
            return seconds;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_other_side_fails_at_each_time_gives_way_to_what_waits_behind_it() {
    let always = || vec![Try::Refuses; 200];
    let seconds = held_up_for(hangup("!a"), always()).await;
    assert!((60..=120).contains(&seconds), "a hangup: {seconds}");
    let seconds = held_up_for(leave("!a"), always()).await;
    assert!((600..=660).contains(&seconds), "a leave is tried for longer: {seconds}");
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_no_failure_at_a_request() {
    let away = vec![Try::Fails; 20];
    let seconds = held_up_for(hangup("!a"), [vec![Try::Refuses; 4], away.clone()].concat()).await;
    assert!((600..=660).contains(&seconds), "a hangup is of use for ten minutes: {seconds}");
    let now_and_then = [Try::Refuses, Try::Fails].repeat(150);
    let seconds = held_up_for(leave("!a"), now_and_then).await;
    assert!(seconds > 3_600, "it is not known that it fails each time: {seconds}");
}

#[tokio::test(start_paused = true)]
async fn one_rooms_trouble_is_not_another_rooms() {
    let rows = vec![row(1, hangup("!a"), 0), row(2, notice("!b"), 0)];
    let mut world = World::start(rows, vec![Try::Refuses]);
    let tries = [world.next().await, world.next().await];
    assert!(tries.iter().all(|(.., seconds)| *seconds == 0), "{tries:?}");
}
