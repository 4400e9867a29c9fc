//! nheko 0.11: the events that its library mtxclient tests itself with, and what `src/voip/CallManager.cpp` of
//! <https://github.com/Nheko-Reborn/nheko> sends.

use confocal::conference::{LegNews, Millis};
use serde_json::{Value, json};

use crate::desk::{Desk, assert_not_described};

/// Its library's own events of version 1. The invitee in them is a placeholder; what nheko writes is empty, or the user's id.
fn of_library(kind: &str) -> Value {
    let events: Vec<Value> =
        serde_json::from_str(include_str!("../fixtures/mtxclient/v1-events.json")).unwrap();
    let mut event = events.into_iter().find(|event| event["type"] == kind).unwrap();
    if kind == "m.call.invite" {
        event["content"]["invitee"] = json!("");
    }
    event
}

#[tokio::test]
async fn an_empty_invitee_is_nobody_and_the_answer_describes_no_stream() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(of_library("m.call.invite")).await;
    // Any number is read as version 0, which has no party.
    assert_eq!(answer["version"], "1");
    assert_ne!(answer["party_id"], of_library("m.call.invite")["content"]["party_id"]);
    assert_not_described(&answer);
}

/// It gathers first, then sends the invite and at once one event with all candidates, whose `sdpMid` is empty: their position
/// counts.
#[tokio::test]
async fn candidates_with_an_empty_mid_come_with_their_position() {
    let mut desk = Desk::open().await;
    let mut candidates = of_library("m.call.candidates");
    candidates["content"]["candidates"][0]["sdpMid"] = json!("");
    desk.transaction(&[of_library("m.call.invite"), candidates]).await;
    let got = desk.engine_got().1;
    assert_eq!((got.len(), got[0].mid.as_deref(), got[0].line_index), (1, Some(""), Some(0)));
}

/// It hangs up on any `m.call.negotiate`, and on candidates that lack a name or a position: it gets neither.
#[tokio::test]
async fn it_is_sent_an_answer_and_a_hangup_and_nothing_else() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(of_library("m.call.invite")).await;
    let mut selected = of_library("m.call.select_answer");
    selected["content"]["selected_party_id"] = answer["party_id"].clone();
    desk.transaction(&[selected]).await;
    desk.pass(Millis::from_secs(600)).await;
    assert!(matches!(desk.news(), LegNews::Active { .. }));
    assert_eq!(desk.said(), []);
    desk.restart().await;
    let hangup = desk.said_once("m.call.hangup");
    assert_eq!((&hangup["version"], &hangup["party_id"]), (&json!("1"), &answer["party_id"]));
    desk.pass(Millis::from_secs(60)).await;
    assert_eq!(desk.said(), []);
}

#[tokio::test]
async fn its_hangup_ends_the_call() {
    let mut desk = Desk::open().await;
    desk.connected(of_library("m.call.invite")).await;
    desk.transaction(&[of_library("m.call.hangup")]).await;
    assert!(matches!(desk.news(), LegNews::Left(_)));
    assert_eq!(desk.said(), []);
}
