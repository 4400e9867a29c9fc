//! What every client relies on, whoever wrote it: one answer for an invite, in its version, by one party.

use confocal::conference::LegNews;
use confocal_signalling::Skip;
use serde_json::{Value, json};

use crate::desk::{Desk, event};

fn invite(call: &str) -> Value {
    let content = json!({ "call_id": call, "party_id": "THEIRS", "version": "1", "lifetime": 60_000,
        "offer": { "type": "offer", "sdp": "v=0" } });
    event("m.call.invite", content)
}

fn of_call(kind: &str, call: &str) -> Value {
    event(kind, json!({ "call_id": call, "party_id": "THEIRS", "version": "1", "reason": "user_hangup" }))
}

#[tokio::test]
async fn a_call_that_ends_in_the_transaction_that_brings_it_is_not_answered() {
    let mut desk = Desk::open().await;
    for (number, end) in ["m.call.hangup", "m.call.reject"].into_iter().enumerate() {
        let call = format!("c{number}");
        desk.transaction(&[invite(&call), of_call(end, &call)]).await;
        assert_eq!((desk.said(), desk.engine_got().0), (vec![], vec![]), "{end}");
    }
    // The end may come first: rooms' events are told in the order in which the server got them.
    desk.transaction(&[of_call("m.call.hangup", "c9"), invite("c9")]).await;
    assert_eq!((desk.said(), desk.engine_got().0), (vec![], vec![]));
}

#[tokio::test]
async fn candidates_before_with_and_after_the_invite_reach_the_engine_once_and_in_order() {
    let mut desk = Desk::open().await;
    let candidates = |numbers: &[u8]| {
        let all: Vec<Value> =
            numbers.iter().map(|number| json!({ "candidate": format!("candidate:{number}") })).collect();
        event("m.call.candidates", json!({ "call_id": "c1", "party_id": "THEIRS", "candidates": all }))
    };
    desk.transaction(&[candidates(&[1])]).await;
    desk.transaction(&[candidates(&[2]), invite("c1"), candidates(&[3, 4])]).await;
    desk.engine_answers().await;
    desk.transaction(&[candidates(&[5])]).await;
    let (offers, got) = desk.engine_got();
    let lines: Vec<&str> = got.iter().map(|candidate| candidate.line.as_str()).collect();
    assert_eq!(offers.len(), 1);
    assert_eq!(lines, ["candidate:1", "candidate:2", "candidate:3", "candidate:4", "candidate:5"]);
}

#[tokio::test]
async fn the_same_invite_twice_is_one_call() {
    let mut desk = Desk::open().await;
    desk.transaction(&[invite("c1"), invite("c1")]).await;
    desk.engine_answers().await;
    desk.said_once("m.call.answer");
    desk.transaction(&[invite("c1")]).await;
    assert_eq!((desk.said(), desk.engine_got().0.len()), (vec![], 1));
}

/// The grammar of ids in version 1, and what keeps us apart from device ids, which clients take for their parties.
#[tokio::test]
async fn our_party_is_new_for_each_call_and_like_no_device_id() {
    let mut desk = Desk::open().await;
    let mut parties = Vec::new();
    for call in ["c1", "c2", "c3"] {
        let answer = desk.connected(invite(call)).await;
        let party = answer["party_id"].as_str().unwrap().to_owned();
        assert!(
            party.len() >= 8 && party.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
        desk.transaction(&[of_call("m.call.hangup", call)]).await;
        parties.push(party);
    }
    parties.dedup();
    assert_eq!(parties.len(), 3, "{parties:?}");
}

#[tokio::test]
async fn who_chose_another_answer_hears_no_more_of_us() {
    let mut desk = Desk::open().await;
    desk.connected(invite("c1")).await;
    let content =
        json!({ "call_id": "c1", "party_id": "THEIRS", "version": "1", "selected_party_id": "another" });
    desk.transaction(&[event("m.call.select_answer", content)]).await;
    assert!(matches!(desk.news(), LegNews::Left(_)));
    assert_eq!(desk.said(), []);
}

#[tokio::test]
async fn an_invite_that_is_too_old_to_ring_gets_no_word() {
    let mut desk = Desk::open().await;
    let mut late = invite("c1");
    late["unsigned"]["age"] = json!(60_000);
    assert_eq!(desk.transaction(&[late]).await, [Skip::Expired]);
    assert_eq!(desk.said(), []);
}

#[tokio::test]
async fn proposals_that_are_not_followed_end_no_call() {
    let mut desk = Desk::open().await;
    desk.connected(invite("c1")).await;
    for (kind, content) in [
        ("m.call.asserted_identity", json!({ "asserted_identity": { "id": "@boss:hs.test" } })),
        ("org.matrix.call.asserted_identity", json!({ "asserted_identity": null })),
        ("m.call.replaces", json!({ "replacement_id": "r", "create_call": "c2" })),
        ("m.call.notify", json!({})),
    ] {
        let mut content = content;
        content["call_id"] = json!("c1");
        content["party_id"] = json!("THEIRS");
        let skipped = desk.transaction(&[event(kind, content)]).await;
        assert_eq!(skipped.len(), 1, "{kind}");
        assert!(matches!(desk.news(), LegNews::Active { .. }), "{kind}");
    }
    assert_eq!(desk.said(), []);
}
