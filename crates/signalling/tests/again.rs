//! Sends that may have arrived before, and the device that they are made with.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use confocal::conference::{
    CallAddress, CallVersion, HangupReason, RequestFailure, RequestId, RequestOutcome, SignalRequest,
};
use confocal::ports::{Order, Performed, SendError, Signalling};
use confocal_signalling::Adapter;
use serde_json::{Value, json};
use support::{ALICE, DIRECT, FOCUS, FakeHomeserver, adapter};

const MESSAGES: &str = "GET /rooms/!direct:hs.test/messages";
const SEND: &str = "PUT /rooms/!direct:hs.test/send/m.call.hangup/nonce.7";
const DEVICE: &str = "PUT /devices/CONFOCAL";
const WITH_DEVICE: &str = "user_id=%40fs_IWFiYzplRVQ%3Ahs.test&device_id=CONFOCAL";
const WITHOUT_DEVICE: &str = "user_id=%40fs_IWFiYzplRVQ%3Ahs.test";

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("PUT /rooms/*", 200, json!({ "event_id": "$sent" }));
    (homeserver, adapter(&url))
}

/// A hangup of a call.
fn order(again: bool) -> Order {
    let to = CallAddress {
        focus: FOCUS.into(),
        room: DIRECT.into(),
        caller: ALICE.into(),
        call: "c1".into(),
        version: CallVersion::V1,
        party: "OURS".into(),
    };
    let request = SignalRequest::Hangup { to, reason: HangupReason::UserHangup };
    Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again }
}

async fn hang_up(adapter: &Adapter, again: bool) {
    let performed: Performed = adapter.perform(&order(again)).await.unwrap();
    assert_eq!(performed.outcome, RequestOutcome::Done);
}

/// How often something was asked for.
fn times(homeserver: &FakeHomeserver, what: &str) -> usize {
    homeserver.paths().iter().filter(|path| *path == what).count()
}

fn said(call: &str) -> Value {
    json!({ "type": "m.call.hangup", "sender": FOCUS, "event_id": "$e", "unsigned": {},
        "content": { "call_id": call, "version": "1", "party_id": "OURS", "reason": "user_hangup" } })
}

fn timeline(newest_first: &[Value]) -> Value {
    json!({ "start": "s", "chunk": newest_first })
}

#[tokio::test]
async fn what_is_in_the_timeline_is_not_sent_again() {
    let (homeserver, adapter) = start().await;
    let bobs = json!({ "type": "m.room.message", "sender": ALICE, "event_id": "$b", "content": {} });
    homeserver.on(MESSAGES, 200, timeline(&[bobs, said("c1")]));
    hang_up(&adapter, true).await;
    assert_eq!(times(&homeserver, SEND), 0);
    hang_up(&adapter, false).await;
    assert_eq!(times(&homeserver, SEND), 1, "what was never tried is sent unasked");
}

#[tokio::test]
async fn what_is_not_in_the_timeline_is_sent_again() {
    let (homeserver, adapter) = start().await;
    homeserver.on(MESSAGES, 200, timeline(&[said("another")]));
    hang_up(&adapter, true).await;
    assert_eq!((times(&homeserver, MESSAGES), times(&homeserver, SEND)), (1, 1));
    // Nothing of ours at all: it may be farther back.
    homeserver.on(MESSAGES, 200, timeline(&[]));
    hang_up(&adapter, true).await;
    assert_eq!((times(&homeserver, MESSAGES), times(&homeserver, SEND)), (3, 2));
    let queries: Vec<String> = homeserver.asked().into_iter().map(|asked| asked.query).collect();
    assert!(queries.iter().any(|query| query.contains("limit=1000")), "{queries:?}");
}

#[tokio::test]
async fn a_timeline_that_is_not_for_us_stops_nothing_and_one_that_fails_is_asked_again() {
    let (homeserver, adapter) = start().await;
    homeserver.on(MESSAGES, 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
    hang_up(&adapter, true).await;
    homeserver.on(MESSAGES, 503, json!({}));
    let passing = adapter.perform(&order(true)).await;
    assert!(matches!(passing, Err(SendError::Retry { .. })), "{passing:?}");
    assert_eq!(times(&homeserver, SEND), 1);
}

#[tokio::test]
async fn sends_and_looks_are_made_with_a_device_that_is_made_once() {
    let (homeserver, adapter) = start().await;
    homeserver.on(DEVICE, 201, json!({}));
    homeserver.on(MESSAGES, 200, timeline(&[said("another")]));
    hang_up(&adapter, false).await;
    hang_up(&adapter, true).await;
    let asked = homeserver.asked();
    let whats: Vec<&str> = asked.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(whats, [DEVICE, SEND, MESSAGES, SEND]);
    assert_eq!(
        (asked[0].query.as_str(), &asked[0].body["display_name"]),
        (WITHOUT_DEVICE, &json!("Confocal"))
    );
    assert!(asked[1..].iter().all(|asked| asked.query.ends_with(WITH_DEVICE)), "{asked:?}");
}

#[tokio::test]
async fn where_no_devices_are_made_sends_have_none_and_it_is_not_asked_for_again() {
    let (homeserver, adapter) = start().await;
    homeserver.on(DEVICE, 404, json!({ "errcode": "M_NOT_FOUND", "error": "no such device" }));
    hang_up(&adapter, false).await;
    hang_up(&adapter, false).await;
    assert_eq!((times(&homeserver, DEVICE), times(&homeserver, SEND)), (1, 2));
    assert_eq!(homeserver.asked().pop().unwrap().query, WITHOUT_DEVICE);
}

#[tokio::test]
async fn a_device_that_may_not_be_made_for_one_user_hinders_no_send() {
    let (homeserver, adapter) = start().await;
    homeserver.on(DEVICE, 403, json!({ "errcode": "M_FORBIDDEN", "error": "not this one" }));
    hang_up(&adapter, false).await;
    assert_eq!(homeserver.asked().pop().unwrap().query, WITHOUT_DEVICE);
}

#[tokio::test]
async fn whether_there_is_a_device_is_not_guessed() {
    let (homeserver, adapter) = start().await;
    homeserver.on(DEVICE, 502, json!({}));
    let passing = adapter.perform(&order(false)).await;
    assert!(matches!(passing, Err(SendError::Retry { .. })), "{passing:?}");
    assert_eq!(times(&homeserver, SEND), 0, "without it, the homeserver would not know it again with it");
}

#[tokio::test]
async fn a_device_that_was_removed_is_made_again() {
    let (homeserver, adapter) = start().await;
    homeserver.on(DEVICE, 200, json!({}));
    hang_up(&adapter, false).await;
    homeserver.on(SEND, 400, json!({ "errcode": "M_UNKNOWN_DEVICE", "error": "gone" }));
    let refused = adapter.perform(&order(false)).await;
    let Err(SendError::Final { failure, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(failure, RequestFailure::Rejected, "twice is for good");
    assert_eq!((times(&homeserver, DEVICE), times(&homeserver, SEND)), (2, 3));
}
