//! matrix-js-sdk, as in Element Web and Desktop: what release 43 was recorded sending, and what the releases before 2025
//! (`src/webrtc/callEventTypes.ts` of release 30: `SDPStreamMetadataKey`) wrote otherwise.

use confocal::conference::{LegNews, Millis};
use serde_json::{Value, json};

use crate::desk::{ANSWER, Desk, METADATA, OFFER, OLD_METADATA, assert_described};

const VOICE: &str = include_str!("../fixtures/jssdk43-chromium156/voice-events.json");
const VIDEO: &str = include_str!("../fixtures/jssdk43-chromium156/video-events.json");

/// The caller's events of a recorded call.
fn recorded(call: &str) -> Vec<Value> {
    let events: Vec<Value> = serde_json::from_str(call).unwrap();
    let caller = events[0]["sender"].clone();
    events.into_iter().filter(|event| event["sender"] == caller).collect()
}

/// The first of a kind in the recorded voice call.
fn of_voice(kind: &str) -> Value {
    recorded(VOICE).into_iter().find(|event| event["type"] == kind).unwrap()
}

/// The same as a release before 2025 wrote it.
fn older(mut event: Value) -> Value {
    let content = event["content"].as_object_mut().unwrap();
    let metadata = content.remove(METADATA).unwrap();
    content.insert(OLD_METADATA.to_owned(), metadata);
    event
}

#[tokio::test]
async fn recorded_calls_are_answered_followed_and_ended() {
    for (call, changes) in [(VOICE, 1), (VIDEO, 1)] {
        let mut desk = Desk::open().await;
        let mut party = None;
        let mut answered = 0;
        for mut event in recorded(call) {
            let kind = event["type"].as_str().unwrap().to_owned();
            if let Some(party) = &party {
                event["content"]["selected_party_id"] = json!(party);
            }
            desk.transaction(&[event.clone()]).await;
            match (kind.as_str(), &event["content"]["description"]["type"]) {
                ("m.call.invite", _) => {
                    desk.engine_answers().await;
                    desk.engine_connects().await;
                    let answer = desk.said_once("m.call.answer");
                    assert_eq!(
                        (&answer["version"], &answer["call_id"]),
                        (&json!("1"), &event["content"]["call_id"])
                    );
                    assert_eq!(answer["answer"], json!({ "type": "answer", "sdp": ANSWER }));
                    assert_ne!(
                        answer["party_id"], event["content"]["party_id"],
                        "it would be taken for its own"
                    );
                    assert_described(&answer);
                    party = Some(answer["party_id"].as_str().unwrap().to_owned());
                }
                ("m.call.negotiate", description) if description == "offer" => {
                    desk.engine_answers().await;
                    let answer = desk.said_once("m.call.negotiate");
                    assert_eq!(answer["description"], json!({ "type": "answer", "sdp": ANSWER }));
                    assert_eq!(answer["party_id"].as_str(), party.as_deref());
                    assert!(answer["lifetime"].is_u64());
                    assert_described(&answer);
                    answered += 1;
                }
                _ => assert_eq!(desk.said(), [], "{kind}"),
            }
        }
        assert_eq!(answered, changes);
        assert!(matches!(desk.news(), LegNews::Left(_)));
    }
}

/// The first offer holds no candidate; all come by events, each with its place but for the end mark, which rides with the last ones
/// where there are any.
#[tokio::test]
async fn candidates_all_come_by_events() {
    let mut desk = Desk::open().await;
    let events: Vec<Value> = recorded(VOICE).into_iter().take(3).collect();
    let sent: usize =
        events.iter().filter_map(|event| event["content"]["candidates"].as_array()).map(Vec::len).sum();
    desk.transaction(&events).await;
    let (offers, candidates) = desk.engine_got();
    assert_eq!((offers.len(), candidates.len()), (1, sent));
    assert!(!offers[0].0.contains("a=candidate") && sent > 0);
    let (end, real): (Vec<_>, Vec<_>) = candidates.iter().partition(|candidate| candidate.line.is_empty());
    assert!(real.iter().all(|candidate| candidate.mid.is_some() && candidate.line_index.is_some()));
    assert!(end.iter().all(|candidate| candidate.mid.is_none() && candidate.line_index.is_none()));
    assert_eq!(end.len(), 1);
}

#[tokio::test]
async fn a_mute_is_metadata_and_needs_no_answer() {
    for (old, kind) in
        [(false, "m.call.sdp_stream_metadata_changed"), (true, "org.matrix.call.sdp_stream_metadata_changed")]
    {
        let mut desk = Desk::open().await;
        let invite = of_voice("m.call.invite");
        desk.connected(if old { older(invite) } else { invite }).await;
        for muted in [true, false] {
            let mut change = of_voice("m.call.sdp_stream_metadata_changed");
            for stream in change["content"][METADATA].as_object_mut().unwrap().values_mut() {
                stream["audio_muted"] = json!(muted);
            }
            change["type"] = json!(kind);
            desk.transaction(&[if old { older(change) } else { change }]).await;
            assert_eq!(desk.news(), LegNews::Active { muted, camera: false, screen: false }, "{kind}");
        }
        assert_eq!(desk.said(), []);
    }
}

/// They look for metadata under the name of the proposal and nowhere else.
#[tokio::test]
async fn releases_before_2025_find_our_stream_described() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(older(of_voice("m.call.invite"))).await;
    assert_described(&answer);
    desk.transaction(&[older(of_voice("m.call.negotiate"))]).await;
    desk.engine_answers().await;
    assert_described(&desk.said_once("m.call.negotiate"));
}

/// A hangup before the answer would be ignored, as it has no opponent yet.
#[tokio::test]
async fn a_refusal_is_a_reject_before_the_answer_and_a_hangup_after_it() {
    let mut desk = Desk::open().await;
    desk.is_no_member();
    desk.transaction(&[of_voice("m.call.invite")]).await;
    let reject = desk.said_once("m.call.reject");
    assert_ne!(reject["party_id"], of_voice("m.call.invite")["content"]["party_id"]);

    let mut desk = Desk::open().await;
    let answer = desk.connected(of_voice("m.call.invite")).await;
    desk.alice_leaves_group().await;
    let hangup = desk.said_once("m.call.hangup");
    assert_eq!((&hangup["reason"], &hangup["party_id"]), (&json!("user_hangup"), &answer["party_id"]));
}

/// It restarts ICE by itself after 2 s and gives up after 30 s.
#[tokio::test]
async fn an_interrupted_call_waits_for_its_ice_restart() {
    let mut desk = Desk::open().await;
    desk.connected(of_voice("m.call.invite")).await;
    desk.engine_loses().await;
    desk.pass(Millis::from_secs(29)).await;
    assert_eq!((desk.news(), desk.said()), (LegNews::Reconnecting, vec![]));
    desk.transaction(&[of_voice("m.call.negotiate")]).await;
    desk.engine_answers().await;
    desk.said_once("m.call.negotiate");
    desk.engine_connects().await;
    assert!(matches!(desk.news(), LegNews::Active { .. }));
}

/// It describes its streams, so it has been seen to take an offer of ours; one with the same party, and not at once.
#[tokio::test]
async fn a_call_whose_session_was_lost_is_offered_a_new_one() {
    let mut desk = Desk::open().await;
    let answer = desk.connected(of_voice("m.call.invite")).await;
    desk.restart().await;
    desk.pass(Millis::from_secs(1)).await;
    assert_eq!(desk.said(), []);
    desk.pass(Millis::from_secs(1)).await;
    desk.engine_offers().await;
    let offer = desk.said_once("m.call.negotiate");
    assert_eq!(offer["description"], json!({ "type": "offer", "sdp": OFFER }));
    assert_eq!(offer["party_id"], answer["party_id"]);
    assert!(offer["lifetime"].as_u64().unwrap() > 0);
    assert_described(&offer);
}

#[tokio::test]
async fn every_reason_of_a_hangup_ends_the_call_without_a_word() {
    for reason in ["user_hangup", "ice_failed", "user_media_failed", "unknown_error", "replaced"] {
        let mut desk = Desk::open().await;
        desk.connected(of_voice("m.call.invite")).await;
        let mut hangup = of_voice("m.call.hangup");
        hangup["content"]["reason"] = json!(reason);
        desk.transaction(&[hangup]).await;
        assert!(matches!(desk.news(), LegNews::Left(_)), "{reason}");
        assert_eq!(desk.said(), []);
    }
}
