//! Conferences of which something else is told than is so.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::seen::Seen;
use serde_json::{Value, json};

const DOOR: &str = "@conf_first";

/// Anna is in a conference of which everything is told.
fn shown() -> Seen {
    let onward = [Action::Onward { which: 64 }; 12];
    let seen = after(0b1100_0000, &[&[ROOM, onward[0], CALL][..], &onward].concat());
    assert!(the_leg(&seen).1.is_live() && seen.standing_announcements.len() == 1, "{:?}", seen.after);
    seen
}

fn announce(seen: &Seen, participants: usize) -> Effect {
    let started = seen.after.conferences[&RoomKey::from(GROUP)].started.unwrap();
    let announcement =
        Some(Announcement { started, participants, pictures: false, recorded: false, names: vec![] });
    send(SignalRequest::Announce { focus: DOOR.into(), room: GROUP.into(), announcement })
}

fn say(room: &str, notice: Notice) -> Effect {
    send(SignalRequest::Notice { focus: DOOR.into(), room: room.into(), notice })
}

pub(crate) fn cases_of_discovery() -> Vec<Case> {
    vec![
        (
            "r9_announcements_are_apart",
            broken_by(shown(), |seen, turn| turn.effects = vec![announce(seen, 1)]),
        ),
        (
            "r9_what_is_announced_is_so",
            broken_by(shown(), |seen, turn| turn.effects = vec![announce(seen, 2)]),
        ),
        (
            "r9_every_change_is_announced_in_time",
            broken_by(shown(), |seen, turn| {
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["announcing"]["standing"] = Value::Null;
                })];
            }),
        ),
        (
            "r9_no_announcement_outlives_its_conference",
            broken_by(shown(), |seen, turn| {
                turn.changes =
                    vec![changed(seen, &conference_key(), |record| record["started"] = json!(null))];
            }),
        ),
        (
            "who_comes_in_is_told_once",
            broken_by(shown(), |_, turn| {
                let notice =
                    Notice::Joined { group: GROUP.into(), others: 0, silenced: None, recorded_by: None };
                turn.effects = vec![say(ANNAS, notice)];
            }),
        ),
        (
            "callers_learn_seldom_who_speaks",
            broken_by(shown(), |seen, turn| {
                let (group, expires) = (GROUP.into(), turn.now + Millis(1));
                let to = address(the_leg(seen).1);
                let member = to.caller.clone();
                turn.effects = vec![send(SignalRequest::AssertIdentity { to, group, member, expires })];
            }),
        ),
        (
            "the_room_reads_of_beginning_and_end",
            broken_by(shown(), |_, turn| {
                let notice = Notice::Over { group: GROUP.into(), lasted: Millis(1) };
                turn.effects = vec![say(GROUP, notice)];
            }),
        ),
    ]
}
