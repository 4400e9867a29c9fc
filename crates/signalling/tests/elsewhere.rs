//! Rooms of other homeservers: no invitation is declined before it is stored where it came from.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use confocal::conference::{RequestId, RequestOutcome, SignalRequest};
use confocal::ports::{Accepted, Inbox, Order, Signalling};
use confocal_signalling::Adapter;
use serde_json::json;
use support::{DIRECT, FOCUS, FakeHomeserver, GROUP, adapter};

const SUMMARY: &str = "GET /_matrix/client/v1/room_summary/!direct:hs.test";
const LEAVE: &str = "POST /rooms/!direct:hs.test/leave";
const MESSAGES: &str = "GET /rooms/!direct:hs.test/messages";

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("POST /join/*", 200, json!({ "room_id": DIRECT }));
    homeserver.on("PUT /profile/*", 200, json!({}));
    homeserver.on(LEAVE, 200, json!({}));
    homeserver.on(MESSAGES, 200, json!({ "start": "s", "chunk": [] }));
    (homeserver, adapter(&url))
}

async fn perform(adapter: &Adapter, request: SignalRequest) {
    let order = Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false };
    assert_eq!(adapter.perform(&order).await.unwrap().outcome, RequestOutcome::Done);
}

async fn join_by(adapter: &Adapter, server: &str) {
    let request = SignalRequest::JoinDirect {
        focus: FOCUS.into(),
        group: GROUP.into(),
        room: DIRECT.into(),
        via: vec![server.into()],
    };
    perform(adapter, request).await;
}

/// The focus user is invited by a member of `server`.
async fn invited_by(adapter: &Adapter, server: &str) {
    let event = json!({ "type": "m.room.member", "state_key": FOCUS, "sender": format!("@bert:{server}"),
        "room_id": DIRECT, "content": { "membership": "invite" } });
    let (inbox, mut mailbox) = Inbox::new(1);
    let transactions = adapter.transactions(inbox);
    let body = json!({ "events": [event] }).to_string();
    let (handled, ()) = tokio::join!(transactions.handle_transaction("1", body.as_bytes()), async {
        mailbox.next().await.unwrap().reply.send(Accepted::New).unwrap();
    });
    assert_eq!(handled.unwrap().inputs, 1);
}

fn leave() -> SignalRequest {
    SignalRequest::Leave { focus: FOCUS.into(), room: DIRECT.into() }
}

#[tokio::test]
async fn an_invitation_from_elsewhere_is_declined_once_it_is_stored_there() {
    let (homeserver, adapter) = start().await;
    invited_by(&adapter, "else.test").await;
    tokio::join!(perform(&adapter, leave()), async {
        let asked = homeserver.wait_for(SUMMARY).await;
        assert_eq!(asked.query, "via=else.test&user_id=%40fs_IWFiYzplRVQ%3Ahs.test");
        assert!(!homeserver.paths().contains(&LEAVE.to_owned()), "it is not known there yet");
        homeserver.on(SUMMARY, 200, json!({ "room_id": DIRECT }));
    });
    let asked: Vec<_> = homeserver.paths().into_iter().filter(|it| it == SUMMARY || it == LEAVE).collect();
    assert_eq!(asked, [SUMMARY, SUMMARY, LEAVE]);
}

#[tokio::test]
async fn who_leaves_a_room_that_was_joined_or_of_our_own_homeserver_asks_nobody() {
    let (homeserver, adapter) = start().await;
    invited_by(&adapter, "hs.test").await;
    perform(&adapter, leave()).await;
    invited_by(&adapter, "else.test").await;
    join_by(&adapter, "else.test").await;
    perform(&adapter, leave()).await;
    let paths = homeserver.paths();
    assert!(!paths.contains(&SUMMARY.to_owned()), "{paths:?}");
    assert_eq!(paths.iter().filter(|it| *it == LEAVE).count(), 2);
}
