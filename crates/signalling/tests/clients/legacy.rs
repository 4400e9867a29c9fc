//! Version 0 of the protocol, as Riot spoke it, and bots and bridges still do: no parties, no reject, no negotiation.
//!
//! An invite of Riot Android 0.1, and the events of version 0 that nheko's library tests itself with.

use confocal::conference::{LegNews, Millis};
use confocal_signalling::Skip;
use serde_json::{Value, json};

use crate::desk::{Desk, event};

fn invite() -> Value {
    serde_json::from_str(include_str!("../fixtures/riot-android-0.1/invite.json")).unwrap()
}

fn of_library(kind: &str) -> Value {
    let events: Vec<Value> =
        serde_json::from_str(include_str!("../fixtures/mtxclient/v0-events.json")).unwrap();
    events.into_iter().find(|event| event["type"] == kind).unwrap()
}

/// Nothing of version 1 is in what is said to it.
fn assert_version_0(said: &Value) {
    assert_eq!(said["version"], json!(0));
    assert_eq!(said.get("party_id"), None);
    assert!(said.as_object().unwrap().keys().all(|key| !key.contains("metadata")), "{said}");
}

#[tokio::test]
async fn an_invite_of_riot_is_answered_in_version_0() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(invite()).await;
    assert_version_0(&answer);
    assert_eq!(answer["call_id"], "c1466783427238");
}

#[tokio::test]
async fn it_is_refused_by_a_hangup_without_a_reason_that_it_does_not_know() {
    let mut desk = Desk::open().await;
    desk.is_no_member();
    desk.transaction(&[invite()]).await;
    let hangup = desk.said_once("m.call.hangup");
    assert_version_0(&hangup);
    assert_eq!(hangup.get("reason"), None);
}

#[tokio::test]
async fn candidates_and_a_hangup_without_a_party_are_the_callers() {
    let mut desk = Desk::open().await;
    desk.transaction(&[of_library("m.call.invite"), of_library("m.call.candidates")]).await;
    assert_eq!(desk.engine_got().1[0].mid.as_deref(), Some("audio"));
    desk.engine_answers().await;
    desk.engine_connects().await;
    assert_version_0(&desk.said_once("m.call.answer"));
    desk.transaction(&[of_library("m.call.hangup")]).await;
    assert!(matches!(desk.news(), LegNews::Left(_)));
    assert_eq!(desk.said(), []);
}

/// It could not read the answer to one, nor an offer of ours.
#[tokio::test]
async fn there_is_no_negotiation() {
    let mut desk = Desk::open().await;
    desk.connected(invite()).await;
    let content = json!({ "call_id": "c1466783427238", "version": 0, "lifetime": 60_000,
        "description": { "type": "offer", "sdp": "v=0" } });
    desk.transaction(&[event("m.call.negotiate", content)]).await;
    assert_eq!((desk.engine_got().0.len(), desk.said()), (1, vec![]));
    desk.restart().await;
    assert_version_0(&desk.said_once("m.call.hangup"));
    desk.pass(Millis::from_secs(60)).await;
    assert_eq!(desk.said(), []);
}

/// Bots leave out what they don't know of, and write numbers as texts.
#[tokio::test]
async fn versions_of_bots_are_met_with_the_version_they_can_read() {
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    for (version, party, expected) in [
        (json!("0"), None, json!(0)),
        (json!(null), None, json!(0)),
        (json!(null), Some("P"), json!("1")),
        (json!(1), Some("P"), json!("1")),
        (json!("2"), Some("P"), json!("1")),
        (json!("org.example.new"), Some("P"), json!("1")),
    ] {
        let mut desk = Desk::open().await;
        let content = json!({ "call_id": "c", "version": version, "party_id": party, "offer": offer });
        let answer = desk.connected(event("m.call.invite", content)).await;
        assert_eq!(answer["version"], expected, "{version} {party:?}");
        assert_eq!(answer.get("party_id").is_some(), expected == "1");
    }
}

/// It can't be answered: nobody would know which call is meant.
#[tokio::test]
async fn a_call_without_an_id_is_none() {
    let mut desk = Desk::open().await;
    let content = json!({ "version": 0, "offer": { "type": "offer", "sdp": "v=0" } });
    assert_eq!(desk.transaction(&[event("m.call.invite", content)]).await, [Skip::Malformed]);
    assert_eq!(desk.said(), []);
}
