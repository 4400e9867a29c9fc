//! Calls and legs that do what they must not.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::seen::Seen;
use confocal_conference_model::view::LegView;
use serde_json::json;

pub(crate) fn cases_of_calls() -> Vec<Case> {
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

pub(crate) fn cases_of_endings() -> Vec<Case> {
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
        ("one_call_of_a_device", {
            let call_again = [&ACTIVE[..], &[CALL]].concat();
            broken_by(after(0, &call_again), |seen, turn| {
                let (leg, _) = seen.after.legs.iter().next_back().unwrap();
                let change = changed(seen, &leg_key(*leg), |record| record["leg"]["state"] = json!("Active"));
                turn.changes = vec![change];
            })
        }),
        (
            "an_end_is_said_in_words",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![news(seen, the_leg(seen).0, LegNews::Left(EndReason::Kicked))];
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

pub(crate) fn cases_of_media() -> Vec<Case> {
    let command = |seen: Seen, command: &dyn Fn(LegId) -> MediaCommand| {
        broken_by(seen, |seen, turn| turn.effects = vec![Effect::Media(command(the_leg(seen).0))])
    };
    let open = |leg, generation| MediaCommand::Open {
        leg,
        generation: Generation(generation),
        conference: ConferenceId(1),
        participant: ParticipantId(1),
        number: OfferNumber(0),
        offer: Sdp("sdp:offer".into()),
        theirs: None,
        name: "anna".into(),
        memo: None,
    };
    let close = |leg| Effect::Media(MediaCommand::Close { leg, generation: Generation(0) });
    let lost = || after(0, &[&ACTIVE[..], &[Action::EngineLost]].concat());
    vec![
        ("an_ended_leg_is_never_named_again", {
            let leg = the_leg(&active()).0;
            broken_by(hung_up(), |_, turn| {
                let conference = ConferenceId(1);
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
                theirs: None,
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
            "candidates_are_passed_on",
            broken_by(active(), |seen, turn| {
                let candidates = vec![Candidate { line: "candidate:1".into(), mid: None, line_index: None }];
                let key = the_leg(seen).1.key.clone();
                turn.cause = told(Input::CallCandidates { key, party: None, candidates });
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
