//! How well packets get through, told otherwise than it was measured.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::seen::Seen;
use serde_json::json;

/// All that is sent by anyone, or to them, is lost.
const LOST: Quality =
    Quality { incoming_loss: Some(PerMille(1000)), outgoing_loss: None, jitter: None, round_trip: None };

/// The engine says so of a session of the only leg, and this comes of it.
fn measured(other: u32, news: impl Fn(LegId) -> Vec<Effect>) -> Vec<&'static str> {
    broken_by(active(), |seen, turn| {
        let (leg, view) = the_leg(seen);
        let generation = Generation(view.generation.0 + other);
        let report = vec![LegQuality { leg, generation, quality: LOST }];
        turn.cause = told(Input::Media(MediaReport::Quality(report)));
        turn.effects = news(leg);
    })
}

fn news(leg: LegId, poor: bool) -> Vec<Effect> {
    let conference = ConferenceId(1);
    vec![Effect::Notify(ConferenceEvent::Quality { conference, leg, quality: LOST, poor })]
}

pub(crate) fn cases_of_quality() -> Vec<Case> {
    let it = "quality_is_told_on_and_changes_nothing";
    let unasked = |seen: &Seen| news(the_leg(seen).0, false);
    assert_eq!(measured(0, |leg| news(leg, false)), [""; 0], "told as it was measured");
    assert_eq!(measured(1, |_| vec![]), [""; 0], "of another session nothing is told");
    vec![
        (it, measured(0, |_| vec![])),
        (it, measured(0, |leg| news(leg, true))),
        (it, measured(1, |leg| news(leg, false))),
        (it, broken_by(active(), |seen, turn| turn.effects = unasked(seen))),
        (
            "the_roll_says_whose_connection_is_poor",
            broken_by(active(), |_, turn| present(turn).poor_connection = true),
        ),
        (
            "quality_is_no_record",
            broken_by(active(), |seen, turn| {
                turn.changes = vec![changed(seen, &leg_key(the_leg(seen).0), |record| {
                    record["leg"]["connection"] = json!({ "incoming": 1 });
                })];
            }),
        ),
    ]
}
