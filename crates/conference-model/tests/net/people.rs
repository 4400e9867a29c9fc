//! Rooms and people that are not as they should be.
//!
//! How a turn is made up never lives here.

use std::collections::BTreeSet;

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::seen::{Seen, Turn};
use confocal_conference_model::setup::Setup;
use confocal_conference_model::view::StateView;
use confocal_conference_model::world::World;
use serde_json::{Value, json};

pub(crate) fn cases_of_rooms() -> Vec<Case> {
    let leave = || send(SignalRequest::Leave { focus: "@conf_first".into(), room: GROUP.into() });
    let conference = |seen: Seen, change: &dyn Fn(&mut Value)| {
        broken_by(seen, |seen, turn| turn.changes = vec![changed(seen, &conference_key(), change)])
    };
    vec![
        (
            "r2_an_invitation_is_taken_or_declined",
            broken_by(active(), |_, turn| {
                turn.cause = told(Input::FocusInvited {
                    focus: "@fs_first".into(),
                    group: GROUP.into(),
                    room: GROUP.into(),
                    by: "@anna:one.example".into(),
                    via: vec![],
                });
            }),
        ),
        ("r2_a_removal_that_crosses_a_join_is_found", {
            let crossed = [Action::InviteToGroup { door: 0, by: 0 }, Action::RemoveFocus { door: 0 }];
            broken_by(after(0, &crossed), |seen, turn| {
                let id = *seen.doubtful_joins.first().unwrap();
                turn.cause = told(Input::RequestDone { id, outcome: RequestOutcome::Done });
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["doors"]["@conf_first"]["state"] = json!("Active");
                })];
            })
        }),
        (
            "r7_nobody_waits_in_an_empty_room",
            conference(hung_up(), &|record| record["linger_until"] = Value::Null),
        ),
        (
            "r7_the_time_is_whole_again",
            conference(active(), &|record| record["linger_until"] = json!(1_800_000_000_000_u64)),
        ),
        (
            "r7_the_time_is_as_set",
            conference(hung_up(), &|record| record["linger_until"] = json!(1_800_000_000_000_u64)),
        ),
        ("r7_the_focus_leaves_at_its_time", broken_by(hung_up(), |_, turn| turn.effects = vec![leave()])),
        (
            "an_encrypted_room_is_told_of_once",
            broken_by(active(), |_, turn| turn.cause = told(Input::RoomEncrypted { room: ANNAS.into() })),
        ),
        (
            "an_encrypted_group_room_is_told_of_once",
            broken_by(active(), |_, turn| turn.cause = told(Input::RoomEncrypted { room: GROUP.into() })),
        ),
        (
            "r8_who_waits_for_a_call_has_a_deadline",
            conference(waiting(0), &|record| {
                record["doors"]["@conf_first"]["state"]["Waiting"]["until"] = Value::Null;
            }),
        ),
        ("r7_a_room_with_calls_is_not_left", broken_by(active(), |_, turn| turn.effects = vec![leave()])),
        ("a_room_to_stay_in_is_not_left", broken_by(waiting(0b1000), |_, turn| turn.effects = vec![leave()])),
        (
            "nothing_is_said_where_the_focus_is_not",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![leave(), {
                    let notice = Notice::Encrypted { group: GROUP.into() };
                    let (focus, room) = (the_leg(seen).1.focus.clone(), GROUP.into());
                    Effect::Send {
                        id: RequestId(1_001),
                        request: SignalRequest::Notice { focus, room, notice },
                    }
                }];
            }),
        ),
        (
            "r10_each_command_gets_one_reply",
            broken_by(active(), |seen, turn| {
                let by = the_leg(seen).1.key.caller.clone();
                turn.cause = told(Input::Commanded { room: GROUP.into(), by, command: Command::Who });
            }),
        ),
        (
            "an_upgraded_room_is_told_of",
            broken_by(active(), |_, turn| {
                turn.cause = told(Input::RoomReplaced { room: GROUP.into(), by: "!next".into() });
            }),
        ),
    ]
}

pub(crate) fn cases_of_people() -> Vec<Case> {
    let roll = |change: &dyn Fn(&mut Turn)| broken_by(active(), |_, turn| change(turn));
    let the_roll = |turn: &mut Turn, change: &dyn Fn(&mut Roll)| {
        change(turn.rolls.get_mut(&RoomKey::from(GROUP)).unwrap());
    };
    let two = || {
        let berts = [BERTS_ROOM, DONE, BERT_CALLS, DONE];
        after(0, &[&ACTIVE[..], &berts].concat())
    };
    vec![
        ("there_is_a_roll_for_each_conference", roll(&|turn| turn.rolls.clear())),
        (
            "participants_are_those_let_in",
            roll(&|turn| the_roll(turn, &|roll| (roll.total, roll.present) = (0, Vec::new()))),
        ),
        (
            "nobody_is_let_in_against_the_rules",
            broken_by(ringing(), |seen, turn| {
                let StateView::Ringing { admission: Some(id), .. } = the_leg(seen).1.state else {
                    unreachable!()
                };
                let outcome =
                    RequestOutcome::Admission(Admission { joined: false, direct_members: 2, name: None });
                turn.cause = told(Input::RequestDone { id, outcome });
            }),
        ),
        ("who_was_kicked_does_not_ring", {
            let before = after(0, &[ROOM, DONE, CALL, DONE, BERTS_ROOM, BERT_CALLS]);
            let (leg, view) =
                before.after.legs.iter().find(|(_, leg)| leg.key.room.as_str() == "!direct-1-0").unwrap();
            let record =
                changed(&before, &leg_key(*leg), |record| record["leg"]["key"]["call"] = json!("again"));
            let key = CallKey { call: "again".into(), ..view.key.clone() };
            let mut seen = two();
            let kick = Command::Kick("@bert:one.example".into());
            let kicked = kick_of(&mut seen, kick);
            broken_by(kicked, |_, turn| {
                turn.cause = told(Input::CallInvited(invite(key)));
                turn.changes = vec![record];
            })
        }),
        ("voices_are_as_decided", roll(&|turn| present(turn).silenced = Some(Silenced::ByModerator))),
        ("roles_are_those_of_the_room", roll(&|turn| present(turn).role = Role::Member)),
        ("hands_are_in_order", roll(&|turn| present(turn).hand = Some(1))),
        ("the_floor_is_as_decided", roll(&|turn| the_roll(turn, &|roll| roll.locked = true))),
        ("microphones_are_as_told", roll(&|turn| present(turn).muted = true)),
        ("calls_are_counted", roll(&|turn| present(turn).calls = 2)),
        ("the_roll_is_in_order", broken_by(two(), |_, turn| the_roll(turn, &|roll| roll.present.reverse()))),
        (
            "r10_replies_are_as_expected",
            broken_by(active(), |seen, turn| {
                let by = the_leg(seen).1.key.caller.clone();
                let command = Command::Who;
                let (group, room): (RoomKey, RoomKey) = (GROUP.into(), GROUP.into());
                turn.cause = told(Input::Commanded { room: room.clone(), by, command: command.clone() });
                let notice = Notice::Reply { group, command, reply: Reply::Done };
                let focus = "@conf_first".into();
                turn.effects = vec![send(SignalRequest::Notice { focus, room, notice })];
            }),
        ),
        (
            "the_engine_hears_whom_the_roll_says",
            roll(&|turn| present(turn).silenced = Some(Silenced::Audience)),
        ),
        (
            "one_speaks_who_is_heard",
            roll(&|turn| {
                present(turn).silenced = Some(Silenced::Audience);
                present(turn).speaking = true;
            }),
        ),
        ("speakers_are_news", roll(&|turn| present(turn).speaking = true)),
        ("standings_are_news", roll(&|turn| present(turn).role = Role::Speaker)),
        ("the_floor_is_news", roll(&|turn| the_roll(turn, &|roll| roll.audience = true))),
        (
            "who_comes_in_is_welcomed",
            broken_by(active(), |seen, turn| {
                let (leg, view) = the_leg(seen);
                let to = Audience::Leg { leg, generation: view.generation };
                let conference = ConferenceId(1);
                turn.effects =
                    vec![Effect::Media(MediaCommand::Play { conference, to, sound: Sound::Welcome })];
            }),
        ),
    ]
}

/// A kick by Anna in the group room, as the machine did it.
pub(crate) fn kick_of(seen: &mut Seen, command: Command) -> Seen {
    let mut world = World::new(Setup::from_byte(0), BTreeSet::new());
    let berts = [BERTS_ROOM, DONE, BERT_CALLS, DONE];
    for action in [&ACTIVE[..], &berts].concat() {
        world.apply(&action).unwrap();
    }
    assert_eq!(world.seen.records, seen.records);
    world.say(Input::Commanded { room: GROUP.into(), by: "@anna:one.example".into(), command }).unwrap();
    assert_eq!(world.seen.after.legs.len(), 1, "bert is out");
    world.seen
}
