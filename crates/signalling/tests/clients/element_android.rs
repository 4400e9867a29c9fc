//! Element Android (classic): `MxCallImpl.kt`, `CallSignalingHandler.kt` and the models in `…/room/model/call` of
//! <https://github.com/element-hq/element-android>.
//!
//! Numbers of its events have gone through a store that knows only floating point, so any of them may be written as one.

use confocal::conference::{LegNews, Millis};
use serde_json::{Value, json};

use crate::desk::{Desk, assert_not_described, event};

const CALL: &str = "6b4ad9b8-0a1c-4c5e-8f3d-2f7d6c0e9a11";

fn content(fields: Value) -> Value {
    let mut content = json!({ "call_id": CALL, "party_id": "VQJKXDWEVR", "version": "1" });
    content.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    content
}

/// `MxCallImpl.offerSdp`: no invitee, no metadata, and capabilities only where transfers are supported.
fn invite() -> Value {
    event(
        "m.call.invite",
        content(json!({ "lifetime": 120_000.0, "offer": { "type": "offer", "sdp": "v=0" } })),
    )
}

/// `MxCallImpl.negotiate`.
fn negotiate() -> Value {
    event(
        "m.call.negotiate",
        content(json!({ "lifetime": 120_000.0, "description": { "type": "offer", "sdp": "v=0 hold" } })),
    )
}

/// Party ids are compared exactly: the one that answered is the one that may go on.
#[tokio::test]
async fn all_events_of_a_call_are_of_one_party_and_describe_no_streams() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite()).await;
    assert_eq!(answer["version"], "1");
    assert_not_described(&answer);
    desk.transaction(&[negotiate()]).await;
    desk.engine_answers().await;
    let negotiated = desk.said_once("m.call.negotiate");
    assert_not_described(&negotiated);
    desk.alice_leaves_group().await;
    let hangup = desk.said_once("m.call.hangup");
    assert!([&negotiated, &hangup].iter().all(|event| event["party_id"] == answer["party_id"]));
}

/// Chunks of 300 ms; `sdpMLineIndex` as a floating point number; never an end mark.
#[tokio::test]
async fn chunks_of_candidates_with_floating_positions_are_taken() {
    let mut desk = Desk::open().await;
    desk.transaction(&[invite()]).await;
    for chunk in 0..3 {
        let candidates = json!({ "candidates": [
            { "sdpMid": "0", "sdpMLineIndex": 0.0, "candidate": format!("candidate:{chunk}") },
        ]});
        assert_eq!(desk.transaction(&[event("m.call.candidates", content(candidates))]).await, []);
    }
    let got = desk.engine_got().1;
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|candidate| candidate.line_index == Some(0)));
}

#[tokio::test]
async fn an_invite_lives_for_its_two_minutes() {
    let mut desk = Desk::open().await;
    let mut old = invite();
    old["unsigned"]["age"] = json!(119_000);
    assert_eq!(desk.transaction(&[old]).await, []);
    desk.engine_answers().await;
    desk.said_once("m.call.answer");
}

/// It takes a reject only while it dials, that is before an answer.
#[tokio::test]
async fn it_is_refused_while_it_dials() {
    let mut desk = Desk::open().await;
    desk.is_no_member();
    desk.transaction(&[invite()]).await;
    desk.said_once("m.call.reject");
}

#[tokio::test]
async fn its_events_end_the_call_and_choose_us() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite()).await;
    let selected = content(json!({ "selected_party_id": answer["party_id"] }));
    desk.transaction(&[event("m.call.select_answer", selected)]).await;
    assert!(matches!(desk.news(), LegNews::Active { .. }));
    desk.transaction(&[event("m.call.hangup", content(json!({ "reason": "user_hangup" })))]).await;
    assert!(matches!(desk.news(), LegNews::Left(_)));
    assert_eq!(desk.said(), []);
}

/// It describes no streams, and has not been seen to take an offer of ours.
#[tokio::test]
async fn a_call_whose_session_was_lost_is_hung_up() {
    let mut desk = Desk::open().await;
    desk.connected(invite()).await;
    desk.restart().await;
    assert_eq!(desk.said_once("m.call.hangup")["reason"], "unknown_error");
    desk.pass(Millis::from_secs(60)).await;
    assert_eq!(desk.said(), []);
}
