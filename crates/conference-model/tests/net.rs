//! Each invariant is seen to fail: what a machine did is told otherwise, and the invariant says so by name.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::collections::{BTreeMap, BTreeSet};

use confocal_conference::{
    Admission, CallAddress, CallInvite, CallKey, CallVersion, Candidate, Change, Command, ConferenceEvent,
    Effect, EndReason, Generation, HangupReason, Input, LegId, LegNews, LevelDbov, MediaCommand, MediaReport,
    Millis, Notice, OfferNumber, Present, Reply, RequestId, RequestOutcome, Role, RoomKey, Sdp,
    SignalRequest, Silenced, Timestamp,
};
use confocal_conference_model::action::Action;
use confocal_conference_model::invariants::sameness::{self, Output, Records};
use confocal_conference_model::invariants::{self, ALL};
use confocal_conference_model::seen::{Cause, Seen, Turn};
use confocal_conference_model::setup::Setup;
use confocal_conference_model::view::{LegView, StateView};
use confocal_conference_model::world::World;
use serde_json::{Value, json};

const GROUP: &str = "!first";
const ANNAS: &str = "!direct-0-0";
const ROOM: Action = Action::InviteToDirect { user: 0, room: 0, door: 0 };
const CALL: Action = Action::Call { user: 0, place: 0, kind: 0, lifetime: 255 };
const BERTS_ROOM: Action = Action::InviteToDirect { user: 1, room: 0, door: 0 };
const BERT_CALLS: Action = Action::Call { user: 1, place: 0, kind: 0, lifetime: 255 };
const DONE: Action = Action::Outcome { which: 0, outcome: 0 };
const ANSWERED: Action = Action::Engine { which: 0, report: 0, shade: 0 };
const UP: Action = Action::Engine { which: 0, report: 6, shade: 0 };

/// A world after some actions, none of which breaks anything.
fn after(setup: u8, actions: &[Action]) -> Seen {
    let mut world = World::new(Setup::from_byte(setup), BTreeSet::new());
    for action in actions {
        world.apply(action).unwrap();
    }
    world.seen
}

/// Anna's call rings, and the homeserver is asked about her.
fn ringing() -> Seen {
    after(0, &[ROOM, DONE, CALL, DONE])
}

const ACTIVE: [Action; 8] = [ROOM, DONE, CALL, DONE, DONE, ANSWERED, DONE, UP];

/// Anna, a moderator, is in the conference.
fn active() -> Seen {
    after(0, &ACTIVE)
}

/// Anna was, and has hung up.
fn hung_up() -> Seen {
    after(0, &[&ACTIVE[..], &[Action::HangUp { call: 0, party: 0 }]].concat())
}

/// The focus has joined and waits.
fn waiting(setup: u8) -> Seen {
    after(setup, &[Action::InviteToGroup { door: 0, by: 0 }, DONE])
}

/// The same turn once more, in which nothing happens.
fn nothing(seen: &Seen) -> Turn {
    let Turn { now, deadline, rolls, .. } = seen.turn.clone();
    Turn { now, cause: Cause::Time, effects: Vec::new(), changes: Vec::new(), deadline, rolls }
}

/// What does not hold when a turn follows that is told otherwise than it was.
fn broken_by(mut seen: Seen, tell: impl FnOnce(&Seen, &mut Turn)) -> Vec<&'static str> {
    let mut turn = nothing(&seen);
    let mut calm = seen.clone();
    calm.look(turn.clone());
    assert_eq!(invariants::broken(&calm), [""; 0], "nothing happened, and nothing is broken");
    tell(&seen, &mut turn);
    seen.look(turn);
    invariants::broken(&seen)
}

fn the_leg(seen: &Seen) -> (LegId, &LegView) {
    seen.after.legs.iter().next().map(|(id, leg)| (*id, leg)).unwrap()
}

fn address(leg: &LegView) -> CallAddress {
    CallAddress {
        focus: leg.focus.clone(),
        room: leg.key.room.clone(),
        caller: leg.key.caller.clone(),
        call: leg.key.call.clone(),
        version: leg.version,
        party: leg.party.clone(),
    }
}

fn send(request: SignalRequest) -> Effect {
    Effect::Send { id: RequestId(1_000), request }
}

fn hangup(to: CallAddress) -> Effect {
    send(SignalRequest::Hangup { to, reason: HangupReason::UserHangup })
}

fn reject(to: CallAddress) -> Effect {
    send(SignalRequest::Reject { to })
}

fn answer(to: CallAddress) -> Effect {
    let (answer, streams, expires) = (Sdp("sdp:answer".into()), Some(BTreeMap::new()), at(0));
    send(SignalRequest::Answer { to, answer, streams, expires })
}

fn news(seen: &Seen, leg: LegId, state: LegNews) -> Effect {
    let log = &seen.legs[&leg];
    let member = log.key.clone().unwrap().caller;
    let (conference, participant) = (log.conference, log.participant);
    Effect::Notify(ConferenceEvent::Leg { conference, participant, member, leg, state })
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn told(input: Input) -> Cause {
    Cause::Input(input)
}

/// A record as it is, but for what is changed.
fn changed(seen: &Seen, key: &str, change: impl FnOnce(&mut Value)) -> Change {
    let mut value: Value = serde_json::from_slice(&seen.records[key]).unwrap();
    change(&mut value);
    Change { key: key.into(), value: Some(value.to_string().into_bytes()) }
}

fn leg_key(leg: LegId) -> String {
    format!("leg/{:020}", leg.0)
}

fn conference_key() -> String {
    format!("conf/{GROUP}")
}

fn invite(key: CallKey) -> CallInvite {
    let (offer, expires_in) = (Sdp("sdp:offer".into()), Millis(60_000));
    let (version, party) = (CallVersion::V1, None);
    CallInvite { key, invitee: None, version, party, offer, expires_in, metadata: None }
}

fn present(turn: &mut Turn) -> &mut Present {
    turn.rolls.get_mut(&RoomKey::from(GROUP)).unwrap().present.first_mut().unwrap()
}

type Case = (&'static str, Vec<&'static str>);

fn cases_of_calls() -> Vec<Case> {
    let another = || CallKey { room: ANNAS.into(), caller: "@anna:one.example".into(), call: "new".into() };
    vec![
        (
            "an_invite_gets_a_word_or_a_reason",
            broken_by(active(), |_, turn| turn.cause = told(Input::CallInvited(invite(another())))),
        ),
        (
            "an_invite_is_answered_once",
            broken_by(active(), |seen, turn| turn.effects = vec![answer(address(the_leg(seen).1))]),
        ),
        ("no_answer_after_the_end", {
            let to = address(the_leg(&ringing()).1);
            let hung_up = after(0, &[ROOM, DONE, CALL, DONE, Action::HangUp { call: 0, party: 0 }]);
            broken_by(hung_up, |_, turn| turn.effects = vec![answer(to)])
        }),
        (
            "a_hangup_ends_an_answered_call",
            broken_by(ringing(), |seen, turn| turn.effects = vec![hangup(address(the_leg(seen).1))]),
        ),
        (
            "a_reject_refuses_an_unanswered_call",
            broken_by(active(), |seen, turn| turn.effects = vec![reject(address(the_leg(seen).1))]),
        ),
        (
            "a_call_ends_once",
            broken_by(ringing(), |seen, turn| {
                let to = address(the_leg(seen).1);
                turn.effects = vec![reject(to.clone()), reject(to)];
            }),
        ),
        ("an_ended_call_rings_no_more", {
            let before = ringing();
            let (leg, view) = the_leg(&before);
            let key = view.key.clone();
            let record = changed(&before, &leg_key(leg), |_| {});
            broken_by(hung_up(), |_, turn| {
                turn.cause = told(Input::CallInvited(invite(key)));
                turn.changes = vec![record];
            })
        }),
        (
            "only_the_homeserver_lets_in",
            broken_by(ringing(), |seen, turn| {
                let (leg, _) = the_leg(seen);
                let change = changed(seen, &leg_key(leg), |record| record["leg"]["state"] = json!("Active"));
                turn.changes = vec![change];
            }),
        ),
        (
            "another_partys_events_change_nothing",
            broken_by(active(), |seen, turn| {
                let (leg, view) = the_leg(seen);
                let (key, party) = (view.key.clone(), Some("OTHER".into()));
                turn.cause = told(Input::CallHungUp { key, party, reason: HangupReason::UserHangup });
                turn.effects = vec![news(seen, leg, LegNews::Held)];
            }),
        ),
        (
            "a_caller_is_spoken_to_in_its_dialect",
            broken_by(active(), |seen, turn| {
                let to = CallAddress { version: CallVersion::V0, ..address(the_leg(seen).1) };
                turn.effects = vec![hangup(to)];
            }),
        ),
    ]
}

fn cases_of_endings() -> Vec<Case> {
    let caused_by = |input: &dyn Fn(&LegView) -> Input| {
        broken_by(active(), |seen, turn| turn.cause = told(input(the_leg(seen).1)))
    };
    vec![
        (
            "r4_who_leaves_the_group_room_is_out",
            caused_by(&|leg| Input::MemberRemoved { room: GROUP.into(), member: leg.key.caller.clone() }),
        ),
        (
            "r5_who_leaves_the_direct_room_is_out",
            caused_by(&|leg| Input::MemberRemoved { room: ANNAS.into(), member: leg.key.caller.clone() }),
        ),
        (
            "a_removed_focus_has_no_calls",
            caused_by(&|leg| Input::FocusRemoved { focus: leg.focus.clone(), room: GROUP.into() }),
        ),
        (
            "who_hangs_up_is_out",
            caused_by(&|leg| Input::CallHungUp {
                key: leg.key.clone(),
                party: None,
                reason: HangupReason::UserHangup,
            }),
        ),
        (
            "a_call_taken_elsewhere_is_out",
            caused_by(&|leg| Input::CallSelected { key: leg.key.clone(), selected: "OTHER".into() }),
        ),
        (
            "a_kick_removes",
            broken_by(active(), |seen, turn| {
                let command = Command::Kick(the_leg(seen).1.key.caller.clone());
                let notice = Notice::Reply { group: GROUP.into(), command, reply: Reply::Done };
                let (focus, room) = ("@conf_first".into(), GROUP.into());
                turn.effects = vec![send(SignalRequest::Notice { focus, room, notice })];
            }),
        ),
        (
            "an_end_has_a_cause",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![news(seen, the_leg(seen).0, LegNews::Left(EndReason::CallerHungUp))];
            }),
        ),
        (
            "an_end_is_told_where_there_is_something_to_tell",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![news(seen, the_leg(seen).0, LegNews::Left(EndReason::MediaLost))];
            }),
        ),
    ]
}

fn cases_of_media() -> Vec<Case> {
    let command = |seen: Seen, command: &dyn Fn(LegId) -> MediaCommand| {
        broken_by(seen, |seen, turn| turn.effects = vec![Effect::Media(command(the_leg(seen).0))])
    };
    let open = |leg, generation| MediaCommand::Open {
        leg,
        generation: Generation(generation),
        conference: confocal_conference::ConferenceId(1),
        participant: confocal_conference::ParticipantId(1),
        number: OfferNumber(0),
        offer: Sdp("sdp:offer".into()),
    };
    let close = |leg| Effect::Media(MediaCommand::Close { leg, generation: Generation(0) });
    let lost = || after(0, &[&ACTIVE[..], &[Action::EngineLost]].concat());
    vec![
        ("an_ended_leg_is_never_named_again", {
            let leg = the_leg(&active()).0;
            broken_by(hung_up(), |_, turn| {
                let conference = confocal_conference::ConferenceId(1);
                let level = LevelDbov(-20);
                let event = ConferenceEvent::Level { conference, leg, level, speaking: true };
                turn.effects = vec![Effect::Notify(event)];
            })
        }),
        (
            "commands_are_for_the_open_session",
            command(active(), &|leg| MediaCommand::SetHeard { leg, generation: Generation(5), heard: true }),
        ),
        ("a_session_is_opened_where_none_is", command(active(), &|leg| open(leg, 1))),
        ("generations_grow", command(lost(), &|leg| open(leg, 0))),
        (
            "offer_numbers_grow",
            command(active(), &|leg| MediaCommand::Renegotiate {
                leg,
                generation: Generation(0),
                number: OfferNumber(0),
                offer: Sdp("sdp:offer".into()),
            }),
        ),
        (
            "a_session_ends_with_its_leg",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![news(seen, the_leg(seen).0, LegNews::Left(EndReason::Ended))];
            }),
        ),
        (
            "a_session_is_where_the_state_has_one",
            broken_by(active(), |seen, turn| turn.effects = vec![close(the_leg(seen).0)]),
        ),
        (
            "a_stale_report_changes_nothing",
            broken_by(active(), |seen, turn| {
                let (leg, _) = the_leg(seen);
                let report = MediaReport::TransportUp { leg, generation: Generation(9) };
                turn.cause = told(Input::Media(report));
                turn.effects = vec![news(seen, leg, LegNews::Held)];
            }),
        ),
        (
            "states_follow_the_diagram",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![news(seen, the_leg(seen).0, LegNews::Ringing)];
            }),
        ),
        (
            "candidates_are_bounded",
            command(active(), &|leg| {
                let candidate = Candidate { line: String::new(), mid: None, line_index: None };
                let candidates = vec![candidate; 129];
                MediaCommand::AddCandidates { leg, generation: Generation(0), candidates }
            }),
        ),
        (
            "only_a_starved_session_ends_for_want_of_packets",
            broken_by(active(), |seen, turn| {
                let (leg, _) = the_leg(seen);
                turn.effects = vec![close(leg), news(seen, leg, LegNews::Left(EndReason::NoMedia))];
            }),
        ),
    ]
}

fn cases_of_rooms() -> Vec<Case> {
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
        (
            "r7_nobody_waits_in_an_empty_room",
            conference(hung_up(), &|record| record["linger_until"] = Value::Null),
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

fn cases_of_people() -> Vec<Case> {
    let roll = |change: &dyn Fn(&mut Turn)| broken_by(active(), |_, turn| change(turn));
    let the_roll = |turn: &mut Turn, change: &dyn Fn(&mut confocal_conference::Roll)| {
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
                let outcome = RequestOutcome::Admission(Admission { joined: false, direct_members: 2 });
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
    ]
}

/// A kick by Anna in the group room, as the machine did it.
fn kick_of(seen: &mut Seen, command: Command) -> Seen {
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

fn cases_of_time_and_memory() -> Vec<Case> {
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

#[test]
fn each_invariant_fails_where_it_should() {
    let cases = [
        cases_of_calls(),
        cases_of_endings(),
        cases_of_media(),
        cases_of_rooms(),
        cases_of_people(),
        cases_of_time_and_memory(),
    ];
    let mut seen_to_fail = BTreeSet::new();
    for (name, broken) in cases.into_iter().flatten() {
        assert!(broken.contains(&name), "{name} held; what did not: {broken:?}");
        seen_to_fail.insert(name);
    }
    let all: BTreeSet<&str> = ALL.into_iter().flatten().map(|invariant| invariant.name).collect();
    assert_eq!(seen_to_fail, all, "each one was seen to fail, and there is no other");
}

#[test]
fn machines_that_differ_are_told_apart() {
    let (nothing, none) = (Output::default(), Records::new());
    let effects = vec![Effect::Media(MediaCommand::Close { leg: LegId(1), generation: Generation(0) })];
    let something = Output { effects, ..Output::default() };
    let news = Output {
        effects: vec![Effect::Notify(ConferenceEvent::Closed {
            conference: confocal_conference::ConferenceId(1),
        })],
        ..Output::default()
    };
    let records = |text: &str| Records::from([("conf/!a".to_owned(), text.as_bytes().to_vec())]);
    let (one, two) = (records("1"), records("2"));

    let same = sameness::as_if_never_restarted;
    assert!(same((&nothing, &one), (&news, &one)).is_ok(), "news are told anew after a restart");
    for differs in [
        same((&nothing, &none), (&something, &none)),
        same((&nothing, &one), (&nothing, &two)),
        same((&nothing, &one), (&nothing, &none)),
    ] {
        assert_eq!(differs.unwrap_err().name, "a_restart_changes_nothing_but_the_sessions");
    }
    let broken = sameness::nothing_more(&something).unwrap_err();
    assert_eq!(broken.name, "telling_the_time_twice_changes_nothing");
    assert_eq!(sameness::equal(&nothing, &something).unwrap_err().name, "equal_inputs_give_equal_effects");
    let broken = sameness::readable::<(), _>(Err("damaged")).unwrap_err();
    assert_eq!((broken.name, broken.what.as_str()), ("what_was_written_can_be_restored", "damaged"));
    assert_eq!(sameness::no_circles(2_000, None).unwrap_err().name, "the_machine_does_not_run_in_circles");
}
