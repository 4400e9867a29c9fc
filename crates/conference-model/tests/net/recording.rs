//! Recordings that are not as they should be.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::seen::Seen;
use serde_json::json;

pub(crate) fn cases_of_recordings() -> Vec<Case> {
    let recorded = |seen: Seen, effects: Vec<Effect>| {
        broken_by(seen, |seen, turn| {
            turn.effects = effects;
            turn.changes = vec![changed(seen, &conference_key(), |record| {
                record["recording"] = json!({ "id": 1, "by": "@anna:one.example" });
            })];
        })
    };
    let record =
        || Effect::Media(MediaCommand::Record { conference: ConferenceId(1), recording: RecordingId(1) });
    vec![
        ("only_moderators_start_recordings", recorded(active(), vec![record()])),
        ("nobody_is_recorded_unawares", recorded(active(), vec![record()])),
        ("a_recording_is_heard_before_it_begins", recorded(active(), vec![record()])),
        ("nothing_is_recorded_without_participants", recorded(hung_up(), vec![record()])),
        ("the_engine_records_what_the_record_says", recorded(active(), vec![])),
    ]
}
