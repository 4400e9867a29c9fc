//! Where a rule begins and ends to the millisecond, to the byte, to the one: each border from both its sides.

use confocal_conference::{
    CallInvite, CallKey, Command, ConferenceEvent, Config, Focus, FocusUser, HangupReason, Input, Limits,
    MediaCommand, MemberId, Millis, PartyId, Role, Sdp, SecondDevice, ServerName, SignalRequest, Silence,
    Silenced, Whom,
};

use crate::support::*;

fn negotiate(user: &str, call: &str, expires_in: Millis) -> Input {
    let offer = Sdp("change".into());
    Input::CallNegotiated {
        key: key(user, call),
        party: Some("THEIRS".into()),
        offer,
        expires_in,
        metadata: None,
    }
}

fn is_change(command: &MediaCommand) -> bool {
    matches!(command, MediaCommand::Renegotiate { .. })
}

fn is_opening(command: &MediaCommand) -> bool {
    matches!(command, MediaCommand::Open { .. })
}

/// Why the last call was ignored.
fn silence(run: &mut Run) -> Option<Silence> {
    run.news.drain(..).rev().find_map(|event| match event {
        ConferenceEvent::CallIgnored { why, .. } => Some(why),
        _ => None,
    })
}

fn has_record(run: &Run, kind: &str) -> bool {
    run.records.keys().any(|key| key.starts_with(kind))
}

#[test]
fn a_change_is_made_of_an_answered_call_while_its_offer_lives() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.tell(negotiate("bob", "c1", Millis::from_secs(10)));
    run.admit(true);
    run.tell(negotiate("bob", "c1", Millis::from_secs(10)));
    assert!(!run.media.iter().any(is_change), "not before the answer");
    run.answer_ready();
    run.tell(negotiate("bob", "c1", Millis(0)));
    assert!(!run.media.iter().any(is_change), "it has run out");
    run.tell(negotiate("bob", "c1", Millis(1)));
    assert!(run.media.iter().any(is_change));
}

#[test]
fn who_has_two_calls_is_there_until_the_second_ends() {
    let config = Config { second_device: SecondDevice::Add, ..Config::default() };
    let mut run = Run::joined(config);
    run.in_call("anna", "a1");
    run.tell(Input::CallInvited(CallInvite { party: Some("PHONE".into()), ..invite("anna", "a2") }));
    run.admit(true);
    let present = |run: &Run| run.focus.roll(&GROUP.into()).map_or(0, |roll| roll.total);
    run.hang_up("anna", "a1");
    assert_eq!(present(&run), 1);
    let (key, party) = (key("anna", "a2"), Some("PHONE".into()));
    run.tell(Input::CallHungUp { key, party, reason: HangupReason::UserHangup });
    assert_eq!(present(&run), 0);
}

#[test]
fn the_floor_is_told_when_it_changes() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    let members = [(member("anna"), Role::Moderator)].into();
    let everyone = Role::Member;
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone, members });
    run.news.clear();
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::Lock });
    assert!(run.news.iter().any(|event| matches!(event, ConferenceEvent::Floor { locked: true, .. })));
}

#[test]
fn at_a_loss_a_call_that_runs_out_now_is_over_and_one_that_does_not_yet_is_opened_anew() {
    for (late, opened) in [(0, false), (1, true)] {
        let mut run = Run::joined(Config::default());
        run.open_direct("bob");
        run.call("bob", "c1");
        run.admit(true);
        run.now = run.now + Millis(60_000 - late);
        run.media.clear();
        run.tell(Input::EngineLost);
        assert_eq!(run.media.iter().any(is_opening), opened, "{late}");
    }
}

#[test]
fn at_a_loss_an_offer_is_answered_by_a_new_session_as_long_as_it_lives() {
    for (late, opened) in [(0, false), (1, true)] {
        let mut run = Run::joined(Config::default());
        run.in_call("bob", "c1");
        run.tell(negotiate("bob", "c1", Millis::from_secs(10)));
        run.now = run.now + Millis(10_000 - late);
        run.media.clear();
        run.tell(Input::EngineLost);
        assert_eq!(run.media.iter().any(is_opening), opened, "{late}");
    }
}

#[test]
fn the_callers_server_is_one_more_way_into_the_group_room_if_it_is_not_known() {
    let ways = |user: &str, known: &[&str]| {
        let mut run = Run::new(Config::default());
        let via = known.iter().map(|server| ServerName::from(*server)).collect();
        let (focus, group) = (FocusUser::from(DOOR), GROUP.into());
        run.tell(Input::FocusInvited { focus, group, room: direct(user), by: member(user), via });
        run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
        run.call(user, "c1");
        let (_, SignalRequest::JoinGroup { via, .. }) = run.take(is_join_group) else { unreachable!() };
        via.iter().map(|server| server.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ways("anna:one.example", &[]), ["one.example"]);
    assert_eq!(ways("anna:one.example", &["one.example"]), ["one.example"]);
    assert_eq!(ways("anna:one.example", &["two.example"]), ["two.example", "one.example"]);
    assert_eq!(ways("anna", &["two.example"]), ["two.example"], "who has no server");
}

#[test]
fn of_two_focus_users_in_a_room_a_call_must_name_one() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    let (focus, group) = (FocusUser::from("@fs_group"), GROUP.into());
    let by: MemberId = member("bob");
    run.tell(Input::FocusInvited { focus, group, room: direct("bob"), by, via: vec![] });
    run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
    run.call("bob", "c1");
    assert_eq!(silence(&mut run), Some(Silence::Ambiguous));
    run.tell(Input::CallInvited(CallInvite { invitee: Some(DOOR.into()), ..invite("bob", "c2") }));
    run.admit(true);
}

#[test]
fn names_may_be_as_long_as_the_limit_says() {
    let limits = Limits { name_bytes: 8, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.open_direct("bob");
    let mut call = |call: &str, party: &str| {
        let party = Some(PartyId::from(party));
        run.tell(Input::CallInvited(CallInvite { party, ..invite("bob", call) }));
        silence(&mut run)
    };
    assert_eq!(call("12345678", "12345678"), None);
    assert_eq!(call("123456789", "12345678"), Some(Silence::NameTooLong));
    assert_eq!(call("1234567", "123456789"), Some(Silence::NameTooLong));
    assert_eq!(call("123456", "1234567"), None);
}

#[test]
fn what_comes_ahead_of_an_invite_is_kept_for_calls_that_may_still_come() {
    let limits = Limits { name_bytes: 8, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.open_direct("bob");
    let candidates =
        |key: CallKey| Input::CallCandidates { key, party: None, candidates: vec![candidate("one")] };
    let hangup = |key: CallKey| Input::CallHungUp { key, party: None, reason: HangupReason::UserHangup };
    for unfit in [key("carol", "c1"), key("bob", "too-long-a-name")] {
        run.tell(candidates(unfit.clone()));
        assert!(!has_record(&run, "early/"), "{unfit:?}");
        run.tell(hangup(unfit.clone()));
        assert!(!has_record(&run, "ended/"), "{unfit:?}");
    }
    run.tell(hangup(key("bob", "c1")));
    assert!(has_record(&run, "ended/"));
    run.tell(candidates(key("bob", "c1")));
    assert!(!has_record(&run, "early/"), "it is over");
    run.tell(candidates(key("bob", "c2")));
    assert!(has_record(&run, "early/"));
}

#[test]
fn records_of_todays_format_are_taken_up_without_being_written_anew() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    let mut restored = Focus::restore(run.config.clone(), 8, run.now, run.records.clone()).unwrap();
    let changed: Vec<String> =
        core::iter::from_fn(|| restored.poll_change()).map(|change| change.key).collect();
    assert!(changed.iter().all(|key| key == "focus"), "{changed:?}");
}

#[test]
fn a_room_in_use_is_written_down_once_a_day_or_in_an_eighth_of_its_time() {
    let hour = Millis::from_secs(3_600);
    let minute = Millis::from_secs(60);
    for (idle, unchanged, changed) in [
        (Config::default().direct_idle, Millis(hour.0 * 24 - 1), Millis(1)),
        (Millis(hour.0 * 8), Millis(hour.0 - minute.0), minute),
    ] {
        let mut run =
            Run::joined(Config { direct_idle: idle, stay: [GROUP.into()].into(), ..Config::default() });
        run.open_direct("bob");
        let record = |run: &Run| {
            run.records.iter().find(|(key, _)| key.starts_with("direct/")).map(|(_, value)| value.clone())
        };
        let before = record(&run);
        for (round, (span, expected)) in [(unchanged, true), (changed, false)].into_iter().enumerate() {
            run.pass(span);
            run.call("bob", &format!("c{round}"));
            assert_eq!(record(&run) == before, expected, "{idle:?}, {round}");
            run.hang_up("bob", &format!("c{round}"));
        }
    }
}

#[test]
fn an_invitation_to_a_room_it_is_in_already_does_not_count_as_one_more() {
    let limits = Limits { doors_per_direct_room: 1, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.open_direct("bob");
    run.open_direct("bob");
    let (group, by) = (GROUP.into(), member("bob"));
    run.tell(Input::FocusInvited { focus: "@fs_group".into(), group, room: direct("bob"), by, via: vec![] });
    run.take(|request| matches!(request, SignalRequest::Leave { room, .. } if *room == direct("bob")));
}

#[test]
fn who_is_not_heard_for_another_reason_now_is_not_switched_off_twice() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("anna", "a1");
    run.in_call("bert", "b1");
    let members = [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    let whom = Whom::Oneself;
    run.media.clear();
    run.tell(Input::Commanded { room: GROUP.into(), by: member("bert"), command: Command::Mute(whom) });
    let whom = Whom::Member(member("bert"));
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::Mute(whom) });
    let switched =
        run.media.iter().filter(|it| matches!(it, MediaCommand::SetHeard { leg: it, .. } if *it != leg));
    assert_eq!(switched.count(), 1);
    assert_eq!(run.focus.roll(&GROUP.into()).unwrap().present[1].silenced, Some(Silenced::ByModerator));
}

#[test]
fn a_leg_without_a_session_is_not_switched() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("anna", "a1");
    run.tell(Input::EngineLost);
    run.media.clear();
    let whom = Whom::Oneself;
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::Mute(whom) });
    assert!(run.media.is_empty(), "{leg:?} has none: {:?}", run.media);
}
