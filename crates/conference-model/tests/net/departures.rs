//! Leaves that are forgotten, or that wait where somebody is.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use serde_json::json;

pub(crate) fn cases_of_departures() -> Vec<Case> {
    let leaving = || after(0, &[Action::InviteNobody { user: 0 }]);
    vec![
        (
            "each_leave_is_remembered",
            broken_by(active(), |_, turn| {
                let (focus, room) = ("@conf_odd".into(), ANNAS.into());
                turn.effects = vec![send(SignalRequest::Leave { focus, room })];
            }),
        ),
        (
            "a_leave_that_failed_is_tried_again",
            broken_by(leaving(), |seen, turn| {
                let id = *seen.after.departures.keys().next().unwrap();
                let outcome = RequestOutcome::Failed(RequestFailure::Expired);
                turn.cause = told(Input::RequestDone { id, outcome });
            }),
        ),
        (
            "who_is_in_a_room_is_not_about_to_leave_it",
            broken_by(active(), |_, turn| {
                let it = json!({ "focus": "@conf_first", "room": GROUP, "failures": 0, "again": null });
                let value = Some(it.to_string().into_bytes());
                turn.changes = vec![Change { key: format!("leave/{:020}", 77), value }];
            }),
        ),
    ]
}
