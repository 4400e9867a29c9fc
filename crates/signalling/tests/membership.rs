//! Who of those in a conference is joined to the group room, as the homeserver answers: whole lists, partial ones, and none.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test may stop at the first surprise")]

mod support;

use std::collections::BTreeSet;

use confocal::conference::{Membership, RequestId, RequestOutcome, SignalRequest, Timestamp};
use confocal::ports::{Order, SendError, Signalling};
use confocal_signalling::Adapter;
use serde_json::json;
use support::{ALICE, FOCUS, FakeHomeserver, GROUP, adapter};

const BOB: &str = "@bob:else.test";
const LIST: &str = "GET /rooms/!abc:eET/joined_members";

async fn compare(adapter: &Adapter) -> Result<Membership, SendError> {
    let request = SignalRequest::CompareMembers {
        focus: FOCUS.into(),
        room: GROUP.into(),
        members: [ALICE.into(), BOB.into()].into(),
        expires: Timestamp::from_unix_millis(1),
    };
    let order = Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false };
    match adapter.perform(&order).await?.outcome {
        RequestOutcome::Membership(membership) => Ok(membership),
        other => panic!("{other:?}"),
    }
}

fn absent(users: &[&str]) -> Membership {
    Membership { focus_joined: true, absent: users.iter().map(|user| (*user).into()).collect() }
}

fn membership_of(user: &str) -> String {
    format!("GET /rooms/!abc:eET/state/m.room.member/{user}")
}

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on(LIST, 200, json!({ "joined": { FOCUS: {}, ALICE: {}, BOB: {} } }));
    (homeserver, adapter(&url))
}

#[tokio::test]
async fn one_question_will_do_where_everyone_is_there() {
    let (homeserver, adapter) = start().await;
    assert_eq!(compare(&adapter).await.unwrap(), absent(&[]));
    assert_eq!(homeserver.paths(), [LIST]);
}

#[tokio::test]
async fn who_is_missing_in_the_list_is_absent_only_if_their_own_membership_says_so() {
    let (homeserver, adapter) = start().await;
    homeserver.on(LIST, 200, json!({ "joined": { FOCUS: {} } }));
    homeserver.on(&membership_of(ALICE), 200, json!({ "membership": "join" }));
    for gone in ["leave", "ban", "invite"] {
        homeserver.on(&membership_of(BOB), 200, json!({ "membership": gone }));
        assert_eq!(compare(&adapter).await.unwrap(), absent(&[BOB]), "{gone}");
    }
    homeserver.on(&membership_of(BOB), 404, json!({ "errcode": "M_NOT_FOUND", "error": "never there" }));
    assert_eq!(compare(&adapter).await.unwrap(), absent(&[BOB]));
}

#[tokio::test]
async fn a_focus_user_that_is_not_in_the_room_knows_nothing_of_the_others() {
    let (homeserver, adapter) = start().await;
    let nothing = Membership { focus_joined: false, absent: BTreeSet::new() };
    homeserver.on(LIST, 403, json!({ "errcode": "M_FORBIDDEN", "error": "not in room" }));
    homeserver.on(&membership_of(FOCUS), 200, json!({ "membership": "leave" }));
    assert_eq!(compare(&adapter).await.unwrap(), nothing);
    homeserver.on(LIST, 200, json!({ "joined": { ALICE: {} } }));
    assert_eq!(compare(&adapter).await.unwrap(), nothing);
    homeserver.on(&membership_of(FOCUS), 403, json!({ "errcode": "M_FORBIDDEN", "error": "not in room" }));
    assert_eq!(compare(&adapter).await.unwrap(), nothing);
}

#[tokio::test]
async fn what_a_proxy_says_in_between_decides_nothing() {
    let (homeserver, adapter) = start().await;
    homeserver.on(LIST, 200, json!({ "joined": { FOCUS: {} } }));
    homeserver.on(&membership_of(ALICE), 200, json!({ "membership": "join" }));
    for status in [403, 404] {
        homeserver.on(&membership_of(BOB), status, json!("a page"));
        assert!(matches!(compare(&adapter).await, Err(SendError::Final { .. })), "{status}");
    }
    for status in [429, 500, 503] {
        homeserver.on(&membership_of(BOB), status, json!({ "errcode": "M_UNKNOWN", "error": "later" }));
        assert!(matches!(compare(&adapter).await, Err(SendError::Retry { .. })), "{status}");
    }
    homeserver.on(LIST, 403, json!("a page"));
    assert!(matches!(compare(&adapter).await, Err(SendError::Final { .. })));
}
