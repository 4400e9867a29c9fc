//! What went wrong once: each test here failed before the machine was put right.

use crate::support::{
    DOOR, GROUP, Run, candidate, direct, invite, is_answer, is_join_group, is_leave_group, key, member,
    metadata,
};
use confocal_conference::{
    Agreed, CallInvite, Command, ConferenceEvent, Config, FocusName, Generation, Input, LegLevel, LegNews,
    LevelDbov, Limits, MediaCommand, MediaReport, Millis, OfferNumber, OfferRefusal, Pattern, Policy,
    RequestFailure, RequestOutcome, Role, RoomKey, Sdp, SignalRequest, TimerKind, Timestamp,
};

const fn is_ask(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::AskAdmission { .. })
}

// ---- another room's focus user in the group room -------------------------------------------------------------------

/// Someone invites the focus user of another room into the group room, which then is a 1:1 room to that one.
fn with_another_rooms_door() -> Run {
    let mut run = Run::joined(Config::default());
    run.tell(Input::FocusInvited {
        focus: "@conf_another".into(),
        group: "!another".into(),
        room: GROUP.into(),
        by: member("mallory"),
        via: vec![],
    });
    run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
    run
}

#[test]
fn who_leaves_the_group_room_goes_although_another_rooms_focus_user_is_in_it() {
    let mut run = with_another_rooms_door();
    let leg = run.in_call("bob", "c1");
    run.tell(Input::MemberRemoved { room: GROUP.into(), member: member("bob") });
    assert!(run.closed(leg), "rule R4 holds whoever else was invited");
}

#[test]
fn a_kicked_focus_ends_its_calls_although_another_rooms_focus_user_is_there() {
    let mut run = with_another_rooms_door();
    let leg = run.in_call("bob", "c1");
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert!(run.closed(leg));
}

// ---- renegotiation before media flows ------------------------------------------------------------------------------

#[test]
fn a_call_that_renegotiates_and_never_connects_ends() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    let (leg, _) = run.last_opened();
    run.tell(Input::CallNegotiated {
        key: key("bob", "c1"),
        party: Some("THEIRS".into()),
        offer: Sdp("changed".into()),
        expires_in: Millis::from_secs(10),
        metadata: None,
    });
    run.answered(leg, Agreed::default());
    run.take(|request| matches!(request, SignalRequest::NegotiateAnswer { .. }));
    run.pass(Millis::from_secs(31));
    assert!(run.closed(leg), "thirty seconds to connect, whatever was offered meanwhile");
}

// ---- restart -------------------------------------------------------------------------------------------------------

#[test]
fn after_a_restart_open_conferences_and_their_calls_are_news_again() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.news.clear();
    run.restart();
    let opened = |event: &ConferenceEvent| matches!(event, ConferenceEvent::Opened { .. });
    let rings =
        |event: &ConferenceEvent| matches!(event, ConferenceEvent::Leg { state: LegNews::Ringing, .. });
    assert!(run.news.iter().any(opened), "who watches has heard of no conference yet: {:?}", run.news);
    assert!(run.news.iter().any(rings), "{:?}", run.news);
}

#[test]
fn a_room_that_is_to_be_stayed_in_from_a_restart_on_is_not_left() {
    for used in [false, true] {
        let mut run = Run::joined(Config::default());
        if used {
            run.in_call("bob", "c1");
            run.hang_up("bob", "c1");
        }
        run.config.stay.insert(GROUP.into());
        run.restart();
        run.pass(Millis::from_secs(3600));
        assert!(!run.has_sent(is_leave_group), "used: {used}");
    }
}

#[test]
fn a_room_that_is_not_stayed_in_any_more_from_a_restart_on_is_left() {
    for used in [false, true] {
        let stay = [GROUP.into()].into();
        let mut run = Run::joined(Config { stay, ..Config::default() });
        if used {
            run.in_call("bob", "c1");
            run.hang_up("bob", "c1");
        }
        run.config.stay.clear();
        run.restart();
        run.pass(Millis::from_secs(3600));
        assert!(run.has_sent(is_leave_group), "used: {used}");
    }
}

// ---- an invitation that is told late -------------------------------------------------------------------------------

/// The homeserver may tell of the invitation only when the join that it allowed is long done.
#[test]
fn a_call_that_waits_for_a_second_join_is_asked_about_although_another_is_answered_meanwhile() {
    let mut run = Run::joined(Config::default());
    run.open_direct("alice");
    run.call("alice", "a1");
    run.admit(true);
    run.invite_to_group();
    run.open_direct("bob");
    run.call("bob", "b1");
    run.answer_ready();
    run.done(is_answer);
    run.done(is_join_group);
    run.admit(true);
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn a_caller_is_asked_about_once_however_often_the_focus_joins() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.invite_to_group();
    run.done(is_join_group);
    assert_eq!(run.sent.iter().filter(|(_, request)| is_ask(request)).count(), 1);
}

// ---- a 1:1 room that could not be joined again ---------------------------------------------------------------------

/// A call that is pushed shows that the focus was in its room; a join that fails afterwards, that it is there no more.
#[test]
fn a_call_in_a_room_whose_join_then_fails_does_not_outlive_the_room() {
    let mut run = Run::joined(Config::default());
    run.tell(Input::FocusInvited {
        focus: DOOR.into(),
        group: GROUP.into(),
        room: direct("bob"),
        by: member("bob"),
        via: vec![],
    });
    run.call("bob", "c1");
    run.admit(true);
    let leg = run.last_opened().0;
    run.fail(RequestFailure::Forbidden, |request| matches!(request, SignalRequest::JoinDirect { .. }));
    assert!(run.closed(leg));
}

// ---- found by the model --------------------------------------------------------------------------------------------

#[test]
fn the_new_time_of_a_focus_that_waits_on_is_in_its_record() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.pass(Millis::from_secs(290));
    run.call("bob", "c1");
    run.pass(Millis::from_secs(20));
    let before = run.waits_for();
    run.pass(Millis::from_secs(60));
    run.restart();
    let idle = run.focus.poll_timeout().unwrap();
    assert!(matches!(idle.why, TimerKind::Idle(..)), "{before:?} {idle:?}");
    assert!(idle.at > run.now);
}

#[test]
fn the_time_that_is_stored_is_that_of_the_last_change() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.pass(Millis::from_secs(60));
    let now = run.now;
    run.now = Timestamp::from_unix_millis(0);
    run.restart();
    assert_eq!(run.focus.now(), now, "the call ran out, without a request");
}

#[test]
fn a_call_that_rings_counts_for_nothing_in_the_roll() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.tell(Input::CallMetadataChanged { key: key("bob", "c1"), party: None, metadata: metadata(true) });
    run.tell(Input::CallInvited(CallInvite { party: Some("PHONE".into()), ..invite("bob", "c2") }));
    let roll = run.focus.roll(&GROUP.into()).unwrap();
    assert_eq!((roll.present[0].calls, roll.present[0].muted), (1, true));
}

#[test]
fn a_new_role_is_news() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    for role in [Role::Moderator, Role::Speaker] {
        run.news.clear();
        let members = [(member("bob"), role)].into();
        run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
        let told: Vec<Role> = run
            .news
            .iter()
            .filter_map(|event| match event {
                ConferenceEvent::Standing { role, .. } => Some(*role),
                _ => None,
            })
            .collect();
        assert_eq!(told, [role]);
    }
}

#[test]
fn an_invitation_of_one_who_may_not_take_part_does_not_throw_the_focus_out() {
    let policy = Policy { allow: vec![], deny: vec![Pattern::new("@eve")] };
    let mut run = Run::joined(Config { policy, ..Config::default() });
    let leg = run.in_call("bob", "c1");
    for room in [RoomKey::from(GROUP), direct("bob")] {
        let (focus, group, by) = (DOOR.into(), GROUP.into(), member("eve"));
        run.tell(Input::FocusInvited { focus, group, room, by, via: vec![] });
    }
    assert!(run.sent.is_empty() && !run.closed(leg), "{:?}", run.sent);
}

#[test]
fn no_address_and_no_name_outlives_its_use_also_where_nothing_happens_any_more() {
    let config = Config { limits: Limits { calls_per_member: 0, ..Limits::default() }, ..Config::default() };
    let mut run = Run::joined(config);
    run.open_direct("bob");
    for call in ["refused", "hung up", "never placed"] {
        let candidates = vec![candidate("an address")];
        run.tell(Input::CallCandidates { key: key("bob", call), party: None, candidates });
    }
    run.call("bob", "refused");
    run.hang_up("bob", "hung up");
    let kept = |run: &Run, kind: &str| run.records.keys().filter(|key| key.starts_with(kind)).count();
    assert_eq!(kept(&run, "early/"), 1, "of the calls that are over none");
    run.pass(Millis(59_999));
    assert_eq!(kept(&run, "early/"), 1);
    run.pass(Millis(1));
    assert_eq!(kept(&run, "early/"), 0);
    run.restart();
    assert_eq!(kept(&run, "ended/"), 2);
    run.pass(Millis::from_secs(540));
    assert_eq!((kept(&run, "ended/"), kept(&run, "deeds/")), (0, 0));
}

#[test]
fn a_room_to_stay_in_that_is_upgraded_while_a_call_rings_is_left() {
    let config = Config { stay: [GROUP.into()].into(), ..Config::default() };
    let mut run = Run::joined(config);
    run.open_direct("bob");
    run.call("bob", "c1");
    run.tell(Input::RoomReplaced { room: GROUP.into(), by: "!new".into() });
    run.admit(true);
    run.pass(Millis::from_secs(300));
    run.take(is_leave_group);
}

#[test]
fn the_end_is_replied_to_before_the_focus_leaves() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Moderator, members: [].into() });
    let room = GROUP.into();
    run.tell(Input::Commanded { room, by: member("bob"), command: Command::End });
    let in_group: Vec<&SignalRequest> = run
        .sent
        .iter()
        .map(|(_, request)| request)
        .filter(|request| request.room().as_str() == GROUP)
        .collect();
    assert!(
        matches!(in_group[..], [SignalRequest::Notice { .. }, SignalRequest::Leave { .. }]),
        "{in_group:?}"
    );
}

#[test]
fn who_can_be_heard_by_no_leg_has_not_the_word() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    for _ in 0..5 {
        run.pass(Millis(200));
        let level = LegLevel { leg, level: LevelDbov(-20), speaking: true };
        run.tell(Input::Media(MediaReport::Levels(vec![level])));
    }
    let speaks = |run: &Run| run.focus.roll(&GROUP.into()).unwrap().present[0].speaking;
    assert!(speaks(&run));
    run.call("bob", "c2");
    run.admit(true);
    assert!(run.closed(leg) && !speaks(&run), "the new call is not connected yet");
}

#[test]
fn an_offer_that_another_has_replaced_may_be_refused() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    for sdp in ["first", "second"] {
        let (offer, expires_in) = (Sdp(sdp.into()), Millis::from_secs(10));
        run.tell(Input::CallNegotiated {
            key: key("bob", "c1"),
            party: None,
            offer,
            expires_in,
            metadata: None,
        });
    }
    let refused = |number| {
        let (generation, why) = (Generation(0), OfferRefusal::NoAudio);
        Input::Media(MediaReport::OfferRefused { leg, generation, offer: OfferNumber(number), why })
    };
    run.tell(refused(1));
    assert!(!run.closed(leg));
    run.tell(refused(2));
    assert!(run.closed(leg));
}

#[test]
fn of_those_who_are_gone_no_more_are_remembered_than_may_be() {
    let config =
        Config { limits: Limits { remembered_members: 1, ..Limits::default() }, ..Config::default() };
    let mut run = Run::joined(config);
    run.tell(Input::RolesChanged {
        room: GROUP.into(),
        everyone: Role::Member,
        members: [(member("anna"), Role::Moderator)].into(),
    });
    for user in ["anna", "bert", "carl"] {
        run.in_call(user, "c");
    }
    for command in [Command::Grant(member("carl")), Command::Kick(member("bert"))] {
        run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command });
    }
    run.hang_up("carl", "c");
    let record = String::from_utf8_lossy(&run.records[&format!("conf/{GROUP}")]).into_owned();
    assert!(record.contains("@bert") && !record.contains("@carl"), "{record}");
}

#[test]
fn when_the_maker_of_a_private_room_leaves_it_the_others_calls_there_end() {
    let mut run = Run::joined(Config::default());
    run.open_direct("carl");
    let mut call = invite("bert", "b1");
    call.key.room = direct("carl");
    run.tell(Input::CallInvited(call));
    run.admit(true);
    let (leg, _) = run.last_opened();
    run.tell(Input::MemberRemoved { room: direct("carl"), member: member("carl") });
    assert!(run.closed(leg), "the focus leaves this room, and could say nothing there any more");
}

#[test]
fn a_private_room_is_written_down_before_it_is_joined_and_has_its_time() {
    let mut run = Run::joined(Config::default());
    let (focus, group, room, by) = (DOOR.into(), GROUP.into(), direct("bob"), member("bob"));
    run.tell(Input::FocusInvited { focus, group, room, by, via: vec![] });
    run.restart();
    run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
    run.call("bob", "c1");
    run.admit(true);
    run.hang_up("bob", "c1");
    run.sent.clear();
    run.pass(Millis::from_secs(90 * 24 * 3600));
    run.take(|request| matches!(request, SignalRequest::Leave { room, .. } if *room == direct("bob")));
}

#[test]
fn a_short_time_of_private_rooms_is_kept_too() {
    let hour = Millis::from_secs(3600);
    let mut run = Run::joined(Config { direct_idle: hour, ..Config::default() });
    run.in_call("bob", "c1");
    run.pass(Millis(hour.0 * 5));
    run.hang_up("bob", "c1");
    run.sent.clear();
    run.pass(Millis(hour.0 / 2));
    run.call("bob", "c2");
    run.hang_up("bob", "c2");
    run.sent.clear();
    let left = |run: &Run| {
        run.has_sent(|it| matches!(it, SignalRequest::Leave { room, .. } if *room == direct("bob")))
    };
    run.pass(Millis(hour.0 - 1));
    assert!(!left(&run));
    run.pass(Millis(1));
    assert!(left(&run));
}

#[test]
fn parties_do_not_add_up_to_more_candidates_than_a_call_may_have() {
    let limits = Limits { candidates_per_call: 2, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.open_direct("bob");
    for party in [None, Some("THEIRS".into())] {
        let candidates = vec![candidate("one"), candidate("two")];
        run.tell(Input::CallCandidates { key: key("bob", "c1"), party, candidates });
    }
    run.call("bob", "c1");
    run.admit(true);
    let Some(MediaCommand::AddCandidates { candidates, .. }) = run.media.last() else { panic!() };
    assert_eq!(candidates.len(), 2);
}

#[test]
fn that_no_packets_came_in_one_session_is_not_held_against_the_next() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    let offer = |sdp: &str| Input::CallNegotiated {
        key: key("bob", "c1"),
        party: None,
        offer: Sdp(sdp.into()),
        expires_in: Millis::from_secs(10),
        metadata: None,
    };
    run.tell(offer("first"));
    run.tell(Input::Media(MediaReport::Flow { leg, generation: Generation(1), flowing: false }));
    run.tell(offer("second"));
    run.answered(leg, Agreed::default());
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation: Generation(2) }));
    run.pass(Millis::from_secs(60));
    assert!(!run.has_sent(|request| matches!(request, SignalRequest::Hangup { .. })));
}

#[test]
fn a_focus_that_comes_in_anew_while_a_call_is_answered_leaves_by_r7_and_not_by_r8() {
    let config = Config { linger: Millis::from_secs(600), idle: Millis::from_secs(300), ..Config::default() };
    let mut run = Run::joined(config);
    run.open_direct("anna");
    run.call("anna", "a1");
    run.admit(true);
    run.invite_to_group();
    run.answer_ready();
    run.done(is_answer);
    run.done(is_join_group);
    run.hang_up("anna", "a1");
    run.pass(Millis(599_999));
    assert!(!run.has_sent(is_leave_group), "there was a conference, and its time is not over");
    run.pass(Millis(1));
    run.take(is_leave_group);
}

/// A bot that is invited anew is asked for anew, and what was asked of the old one is nobody's any more. Told of it a moment after something
/// was to be announced, and before the deadline, the machine has the same to do as one that was restored, and has never heard of it.
#[test]
fn an_outcome_that_nobody_waits_for_is_no_occasion_to_announce() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    let told = |run: &Run, wanted: fn(&SignalRequest) -> bool| {
        let mut told = run.telling.iter().filter(|(_, request)| wanted(request));
        (told.clone().count(), told.next_back().map(|(id, _)| *id))
    };
    let is_announcement = |request: &SignalRequest| matches!(request, SignalRequest::Announce { .. });
    let done = |id| Input::RequestDone { id, outcome: RequestOutcome::Done };
    run.tell(done(told(&run, is_announcement).1.unwrap()));
    let invited = |run: &mut Run, by: &str| {
        let (bot, focus, room) = ("@conference".into(), FocusName::Id(DOOR.into()), GROUP.into());
        run.tell(Input::BotInvited { bot, focus, room, by: member(by), via: vec![] });
        run.take(|request| matches!(request, SignalRequest::JoinAsBot { .. })).0
    };
    let id = invited(&mut run, "anna");
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Joined { encrypted: false } });
    let (_, late) = told(&run, |request| matches!(request, SignalRequest::CountOut { .. }));
    invited(&mut run, "bob");
    run.in_call("carl", "c1");
    let (announced, _) = told(&run, is_announcement);
    // The time is told with an input, later than the deadline.
    run.now = run.now + Millis::from_secs(60);
    run.tell(done(late.unwrap()));
    assert_eq!(told(&run, is_announcement).0, announced);
    run.pass(Millis(1));
    assert_eq!(told(&run, is_announcement).0, announced + 1, "it is made at its deadline");
}
