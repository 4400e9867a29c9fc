//! matrix-dart-sdk, as in FluffyChat 1 and Famedly: `lib/src/voip/voip.dart`, `call_session.dart` and `models/call_events.dart` of
//! <https://github.com/famedly/matrix-dart-sdk>.

use confocal::conference::{LegNews, Millis};
use serde_json::{Value, json};

use crate::desk::{Desk, METADATA, OLD_METADATA, assert_described, event};

/// One for each start of the app: 16 random bytes in base64, which the grammar of ids does not allow.
const PARTY: &str = "q83vEjRWeJA/+zQSVniQqw==";

fn content(fields: Value) -> Value {
    let mut content = json!({ "call_id": "cid1718888888888", "party_id": PARTY, "version": "1" });
    content.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    content
}

/// The name of the metadata was the proposal's until 2025 (`sdpStreamMetadataKey`).
fn invite(metadata: &str) -> Value {
    event(
        "m.call.invite",
        content(json!({ "lifetime": 60_000, "offer": { "type": "offer", "sdp": "v=0" },
            "capabilities": { "m.call.transferee": false, "m.call.dtmf": false },
            (metadata): { "s": { "purpose": "m.usermedia", "audio_muted": false, "video_muted": true } } })),
    )
}

#[tokio::test]
async fn a_party_in_base64_is_a_party_and_ours_is_another() {
    for name in [METADATA, OLD_METADATA] {
        let mut desk = Desk::open().await;
        let answer = desk.connected(invite(name)).await;
        assert_ne!(answer["party_id"], PARTY);
        assert_described(&answer);
        // Of another party of the same user, as of a second phone: it has no part in the call.
        let mut foreign = event("m.call.hangup", content(json!({ "reason": "userHangup" })));
        foreign["content"]["party_id"] = json!("another==");
        desk.transaction(&[foreign]).await;
        assert!(matches!(desk.news(), LegNews::Active { .. }));
    }
}

/// The reason is a word of its own.
#[tokio::test]
async fn its_hangup_ends_the_call() {
    let mut desk = Desk::open().await;
    desk.connected(invite(METADATA)).await;
    desk.transaction(&[event("m.call.hangup", content(json!({ "reason": "userHangup" })))]).await;
    assert!(matches!(desk.news(), LegNews::Left(_)));
    assert_eq!(desk.said(), []);
}

/// It drops candidates, negotiations and metadata that come in one sync with the answer: nothing follows it of our own accord,
/// and after a restart not for two seconds.
#[tokio::test]
async fn nothing_follows_the_answer_closely() {
    let mut desk = Desk::open().await;
    desk.transaction(&[invite(METADATA)]).await;
    desk.engine_answers().await;
    desk.said_once("m.call.answer");
    desk.restart().await;
    desk.pass(Millis(1999)).await;
    assert_eq!(desk.said(), []);
    desk.pass(Millis(1)).await;
    desk.engine_offers().await;
    assert_described(&desk.said_once("m.call.negotiate"));
}

/// Its negotiations live for ten seconds.
#[tokio::test]
async fn a_negotiation_is_answered_within_its_ten_seconds_or_not_at_all() {
    let negotiate = |age: u64| {
        let mut negotiate = event(
            "m.call.negotiate",
            content(json!({ "lifetime": 10_000, "description": { "type": "offer", "sdp": "v=0" } })),
        );
        negotiate["unsigned"]["age"] = json!(age);
        negotiate
    };
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite(METADATA)).await;
    desk.transaction(&[negotiate(10_000)]).await;
    assert_eq!(desk.engine_got().0.len(), 1, "the invite's alone");
    desk.transaction(&[negotiate(9_000)]).await;
    desk.engine_answers().await;
    let answered = desk.said_once("m.call.negotiate");
    assert_eq!(answered["party_id"], answer["party_id"], "others are ignored");
    assert_described(&answered);
}
