//! Memberships that are not compared, or to no end.
//!
//! How a turn is made up never lives here.

use std::collections::BTreeSet;

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::seen::Seen;
use serde_json::Value;

/// Anna is in the conference, and the homeserver is asked about her.
fn asked() -> Seen {
    after(0, &[&ACTIVE[..], &[Action::Time { how: 0, span: 0 }]].concat())
}

pub(crate) fn cases_of_membership() -> Vec<Case> {
    let answer = |focus_joined: bool| {
        broken_by(asked(), |seen, turn| {
            let door = &seen.after.conferences[&RoomKey::from(GROUP)].doors[&"@conf_first".into()];
            let absent = BTreeSet::from([the_leg(seen).1.key.caller.clone()]);
            turn.cause = told(Input::RequestDone {
                id: door.comparing.as_ref().unwrap().request,
                outcome: RequestOutcome::Membership(Membership { focus_joined, absent }),
            });
        })
    };
    vec![
        (
            "r4_memberships_are_compared_in_time",
            broken_by(active(), |seen, turn| {
                let never = |record: &mut Value| record["compare_at"] = Value::Null;
                turn.changes = vec![changed(seen, &conference_key(), never)];
            }),
        ),
        (
            "r4_everyone_is_asked_about",
            broken_by(active(), |_, turn| {
                let (focus, room) = ("@conf_first".into(), GROUP.into());
                let members = BTreeSet::new();
                turn.effects =
                    vec![send(SignalRequest::CompareMembers { focus, room, members, expires: at(0) })];
            }),
        ),
        ("r4_who_is_found_absent_is_out", answer(true)),
        ("r4_a_focus_found_absent_has_no_calls", answer(false)),
    ]
}
