//! Element iOS (classic): `MatrixSDK/VoIP/MXCall.m`, `MXCallManager.m` and the models in `MatrixSDK/JSONModels/Call` of
//! <https://github.com/matrix-org/matrix-ios-sdk>.

use confocal::conference::LegNews;
use confocal_signalling::Skip;
use serde_json::{Value, json};

use crate::desk::{Desk, assert_not_described, event};
use crate::support::FOCUS;

fn content(fields: Value) -> Value {
    let mut content = json!({ "call_id": "7FCC4D5F-4C5F-4D4E-B6D5-2D2C6C7A4A0B", "party_id": "MBSWGNPRUD", "version": "1" });
    content.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    content
}

/// It names the invitee where the room is a direct chat; the lifetime is 30 s.
fn invite() -> Value {
    event(
        "m.call.invite",
        content(json!({ "lifetime": 30_000, "invitee": FOCUS, "offer": { "type": "offer", "sdp": "v=0" },
            "capabilities": { "m.call.transferee": false } })),
    )
}

#[tokio::test]
async fn it_is_answered_by_the_one_it_names() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite()).await;
    assert_eq!(answer["version"], "1");
    assert_not_described(&answer);
    let mut to_another = invite();
    to_another["content"]["call_id"] = json!("another");
    to_another["content"]["invitee"] = json!("@bob:hs.test");
    assert_eq!(desk.transaction(&[to_another]).await, [Skip::NotForUs]);
    assert_eq!(desk.said(), []);
}

#[tokio::test]
async fn an_invite_of_half_a_minute_ago_is_over() {
    let mut desk = Desk::open().await;
    let mut old = invite();
    old["unsigned"]["age"] = json!(30_000);
    assert_eq!(desk.transaction(&[old]).await, [Skip::Expired]);
}

/// It applies our answer only when its `m.call.select_answer` is sent: media may take its time, and candidates, one every 100 ms,
/// go on coming after the answer.
#[tokio::test]
async fn it_chooses_first_and_connects_then() {
    let mut desk = Desk::open().await;
    desk.transaction(&[invite()]).await;
    desk.engine_answers().await;
    let answer = desk.said_once("m.call.answer");
    let selected = content(json!({ "selected_party_id": answer["party_id"] }));
    desk.transaction(&[event("m.call.select_answer", selected)]).await;
    for number in 0..3 {
        let candidate =
            json!({ "candidate": format!("candidate:{number}"), "sdpMid": "0", "sdpMLineIndex": 0 });
        desk.transaction(&[event("m.call.candidates", content(json!({ "candidates": [candidate] })))]).await;
    }
    assert_eq!((desk.news(), desk.engine_got().1.len()), (LegNews::Connecting, 3));
    desk.engine_connects().await;
    assert!(matches!(desk.news(), LegNews::Active { .. }));
}

/// Hold is offered only where invite and answer were of version 1.
#[tokio::test]
async fn a_hold_is_answered_in_its_version() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite()).await;
    let hold =
        content(json!({ "lifetime": 30_000, "description": { "type": "offer", "sdp": "v=0 a=sendonly" } }));
    desk.transaction(&[event("m.call.negotiate", hold)]).await;
    desk.engine_answers().await;
    let answered = desk.said_once("m.call.negotiate");
    assert_eq!((&answered["version"], &answered["party_id"]), (&json!("1"), &answer["party_id"]));
    assert_not_described(&answered);
}
