//! Time and memory that are not kept.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use serde_json::json;

pub(crate) fn cases_of_time_and_memory() -> Vec<Case> {
    let holds = |text: &'static str| {
        broken_by(active(), move |seen, turn| {
            turn.changes = vec![changed(seen, &conference_key(), |record| record["note"] = json!(text))];
        })
    };
    vec![
        ("the_deadline_is_the_records_first", broken_by(active(), |_, turn| turn.deadline = None)),
        ("what_is_due_is_done", broken_by(active(), |_, turn| turn.deadline.as_mut().unwrap().at = at(0))),
        (
            "who_waits_without_a_deadline_waits_for_an_outcome",
            broken_by(active(), |seen, turn| {
                let key = leg_key(the_leg(seen).0);
                turn.changes = vec![changed(seen, &key, |record| {
                    record["leg"]["state"] = json!({ "Recovering": "Delivering" });
                })];
            }),
        ),
        (
            "an_outcome_that_is_waited_for_will_come",
            broken_by(active(), |seen, turn| {
                let key = leg_key(the_leg(seen).0);
                turn.changes = vec![changed(seen, &key, |record| record["leg"]["answer"] = json!(77))];
            }),
        ),
        (
            "records_can_be_read",
            broken_by(active(), |_, turn| {
                turn.changes = vec![Change { key: "leg/1".into(), value: Some(b"?".to_vec()) }];
            }),
        ),
        (
            "request_ids_grow",
            broken_by(active(), |_, turn| {
                let (focus, room) = ("@conf_odd".into(), ANNAS.into());
                let request = SignalRequest::Leave { focus, room };
                turn.effects = vec![Effect::Send { id: RequestId(1), request }];
            }),
        ),
        (
            "leg_ids_grow",
            broken_by(active(), |seen, turn| {
                let log = &seen.legs[&the_leg(seen).0];
                let (conference, participant, leg) = (log.conference, log.participant, LegId(0));
                let member = "@anna:one.example".into();
                let state = LegNews::Ringing;
                let event = ConferenceEvent::Leg { conference, participant, member, leg, state };
                turn.effects = vec![Effect::Notify(event)];
            }),
        ),
        (
            "memory_is_bounded",
            broken_by(after(0b0001_0000, &[ROOM]), |_, turn| {
                let early = json!({
                    "key": { "room": ANNAS, "caller": "@anna:one.example", "call": "c" },
                    "party": null, "until": 1, "candidates": [{}, {}, {}, {}],
                });
                let value = Some(early.to_string().into_bytes());
                turn.changes = vec![Change { key: format!("early/{:020}", 0), value }];
            }),
        ),
        (
            "participants_are_within_the_limit",
            broken_by(active(), |_, turn| {
                turn.rolls.get_mut(&RoomKey::from(GROUP)).unwrap().total = 501;
            }),
        ),
        ("no_description_outlives_its_use", holds("sdp:offer:1")),
        ("no_candidate_outlives_its_call", holds("candidate:1")),
    ]
}
