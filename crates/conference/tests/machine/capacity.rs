//! What is bounded, and what becomes of the one too many: each limit, each list, each rate.

use crate::support::{
    DOOR, GROUP, Run, candidate, direct, invite, is_join_group, is_leave_group, key, member, metadata,
    refusal,
};
use confocal_conference::{
    Admission, Agreed, CallInvite, Command, ConferenceEvent, Config, Input, Limits, MediaCommand,
    MediaReport, Millis, Notice, OfferNumber, OfferRefusal, Pattern, Policy, Refusal, RequestOutcome,
    RoomKey, Sdp, SecondDevice, SessionMemo, SignalRequest, Silence, TimerKind,
};

fn with(limits: Limits) -> Config {
    Config { limits, ..Config::default() }
}

fn ignored(run: &Run) -> Option<Silence> {
    run.news.iter().rev().find_map(|event| match event {
        ConferenceEvent::CallIgnored { why, .. } => Some(*why),
        _ => None,
    })
}

fn invited(door: &str, group: &str, room: &str, by: &str) -> Input {
    Input::FocusInvited {
        focus: door.into(),
        group: group.into(),
        room: room.into(),
        by: member(by),
        via: vec![],
    }
}

fn declined(run: &Run, room: &str) -> bool {
    run.has_sent(
        |request| matches!(request, SignalRequest::Leave { room: left, .. } if left.as_str() == room),
    )
}

// ---- calls ---------------------------------------------------------------------------------------------------------

#[test]
fn participants_are_counted_once_let_in_and_whatever_their_devices() {
    let limits = Limits { participants_per_conference: 2, ..Limits::default() };
    let mut run = Run::joined(Config { second_device: SecondDevice::Add, ..with(limits) });
    run.in_call("anna", "a1");
    run.in_call("bert", "b1");
    run.tell(Input::CallInvited(CallInvite { party: Some("PHONE".into()), ..invite("bert", "b2") }));
    run.admit(true);
    run.open_direct("carl");
    run.call("carl", "c1");
    run.admit(true);
    assert_eq!(refusal(&mut run), Refusal::Full);
    run.hang_up("anna", "a1");
    run.call("carl", "c2");
    run.admit(true);
    assert!(run.sent.is_empty());
}

#[test]
fn who_only_rings_takes_nobodys_place() {
    let mut run = Run::joined(with(Limits { participants_per_conference: 1, ..Limits::default() }));
    run.open_direct("eve");
    run.call("eve", "rings");
    let (question, _) = run.take(|request| matches!(request, SignalRequest::AskAdmission { .. }));
    run.in_call("anna", "a1");
    let outcome = RequestOutcome::Admission(Admission { joined: true, direct_members: 2, name: None });
    run.tell(Input::RequestDone { id: question, outcome });
    assert_eq!(refusal(&mut run), Refusal::Full);
}

#[test]
fn calls_of_a_user_and_of_a_homeserver_are_bounded_over_all_conferences() {
    let limits = Limits { calls_per_member: 1, calls_per_server: 2, ..Limits::default() };
    let mut run = Run::joined(with(limits));
    let users = ["anna:one.org", "bert:one.org", "carl:one.org", "dora:two.org"];
    for user in users {
        run.open_direct(user);
    }
    run.call(users[0], "a1");
    run.call(users[0], "a2");
    assert_eq!(refusal(&mut run), Refusal::TooManyCalls);
    run.call(users[1], "b1");
    run.call(users[2], "c1");
    assert_eq!(refusal(&mut run), Refusal::ServerFull);
    run.call(users[3], "d1");
    run.hang_up(users[0], "a1");
    run.call(users[2], "c2");
    assert!(!run.has_sent(|request| matches!(request, SignalRequest::Reject { .. })));
}

#[test]
fn ten_calls_at_once_and_then_one_in_six_seconds_and_what_is_too_fast_is_counted() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    let rings = |run: &mut Run, call: &str| {
        run.call("bob", call);
        run.hang_up("bob", call);
        let asked = run.has_sent(|request| matches!(request, SignalRequest::AskAdmission { .. }));
        run.sent.clear();
        asked
    };
    let at_once: Vec<bool> = (0..12).map(|call| rings(&mut run, &format!("c{call}"))).collect();
    assert_eq!(at_once.iter().filter(|rang| **rang).count(), 10);
    assert_eq!(ignored(&run), Some(Silence::TooFast));
    run.pass(Millis(5_999));
    assert!(!rings(&mut run, "too early"));
    run.pass(Millis(1));
    assert!(rings(&mut run, "in time") && !rings(&mut run, "once"));
    run.pass(Millis::from_secs(60));
    assert!(!run.records.keys().any(|key| key == "deeds/@eve"));
}

#[test]
fn a_call_for_which_there_is_no_word_has_its_reason() {
    let mut run = Run::joined(with(Limits { name_bytes: 10, ..Limits::default() }));
    run.open_direct("bob");
    let mut why = |invite: CallInvite| {
        run.news.clear();
        run.tell(Input::CallInvited(invite));
        ignored(&run)
    };
    assert_eq!(why(invite("bob", "c1")), None);
    assert_eq!(why(invite("bob", "c1")), Some(Silence::Repeated));
    assert_eq!(why(invite("bob", "more than ten")), Some(Silence::NameTooLong));
    assert_eq!(why(invite("stranger", "c1")), Some(Silence::NotInDirectRoom));
    assert_eq!(why(CallInvite { expires_in: Millis(0), ..invite("bob", "c2") }), Some(Silence::Expired));
    let someone_else = Some("@someone".into());
    assert_eq!(why(CallInvite { invitee: someone_else, ..invite("bob", "c3") }), Some(Silence::NotForUs));
    run.hang_up("bob", "c1");
    run.call("bob", "c1");
    assert_eq!(ignored(&run), Some(Silence::Ended));
}

#[test]
fn offers_and_candidates_are_not_taken_at_any_length() {
    let limits = Limits { sdp_bytes: 5, candidate_bytes: 5, candidates_per_call: 3, ..Limits::default() };
    let mut run = Run::joined(with(limits));
    run.open_direct("bob");
    run.tell(Input::CallInvited(CallInvite { offer: Sdp("123456".into()), ..invite("bob", "c1") }));
    assert_eq!(refusal(&mut run), Refusal::Offer(OfferRefusal::TooLarge));
    let candidates = ["12345", "123456", "1", "2", "3"].map(candidate).into();
    run.tell(Input::CallCandidates { key: key("bob", "c2"), party: None, candidates });
    let kept = run.records.iter().find(|(key, _)| key.starts_with("early/")).unwrap().1;
    let kept = String::from_utf8_lossy(kept).into_owned();
    assert_eq!(kept.matches("\"line\"").count(), 3, "{kept}");
    assert!(!kept.contains("123456"), "{kept}");
}

#[test]
fn candidates_ahead_of_too_many_calls_are_forgotten_from_the_oldest_on_and_outlive_a_restart() {
    let mut run = Run::joined(with(Limits { early_calls: 2, ..Limits::default() }));
    run.open_direct("bob");
    for call in ["c1", "c2", "c3"] {
        let candidates = vec![candidate(call)];
        run.tell(Input::CallCandidates { key: key("bob", call), party: None, candidates });
    }
    assert_eq!(run.records.keys().filter(|key| key.starts_with("early/")).count(), 2);
    run.restart();
    run.call("bob", "c2");
    assert!(
        run.records
            .iter()
            .any(|(key, leg)| key.starts_with("leg/") && String::from_utf8_lossy(leg).contains("\"c2\""))
    );
    run.pass(Millis::from_secs(60));
    run.call("bob", "c3");
    let kept = run.records.iter().filter(|(key, _)| key.starts_with("leg/"));
    let kept: String = kept.map(|(_, leg)| String::from_utf8_lossy(leg).into_owned()).collect();
    assert!(!kept.contains("\"line\":\"c3\""), "after a minute they are of no use: {kept}");
    assert!(!run.records.keys().any(|key| key.starts_with("early/")));
}

// ---- rooms ---------------------------------------------------------------------------------------------------------

#[test]
fn too_many_conferences_doors_and_private_rooms_are_declined() {
    let limits = Limits {
        conferences: 1,
        doors_per_conference: 2,
        direct_rooms: 3,
        direct_rooms_per_member: 2,
        doors_per_direct_room: 1,
        ..Limits::default()
    };
    let mut run = Run::joined(with(limits));
    run.tell(invited("@conf_other", "!other", "!other", "anna"));
    assert!(declined(&run, "!other"), "a second conference");
    run.tell(invited("@fs_group", GROUP, GROUP, "anna"));
    run.tell(invited("@third", GROUP, GROUP, "anna"));
    assert!(run.has_sent(|request| is_leave_group(request) && request.focus().as_str() == "@third"));
    for (room, by, fits) in [("!d1", "anna", true), ("!d2", "anna", true), ("!d3", "anna", false)] {
        run.tell(invited(DOOR, GROUP, room, by));
        assert_eq!(declined(&run, room), !fits, "{room}");
    }
    run.tell(invited(DOOR, GROUP, "!d4", "bert"));
    run.tell(invited(DOOR, GROUP, "!d5", "carl"));
    assert_eq!((declined(&run, "!d4"), declined(&run, "!d5")), (false, true), "rooms of all people");
    run.tell(invited("@fs_group", GROUP, "!d1", "anna"));
    assert!(run.has_sent(|request| {
        matches!(request, SignalRequest::Leave { focus, room } if focus.as_str() == "@fs_group" && room.as_str() == "!d1")
    }));
}

#[test]
fn a_private_room_that_is_over_makes_room_for_another() {
    let limits = Limits { direct_rooms_per_member: 2, ..Limits::default() };
    let mut run = Run::joined(with(limits));
    for room in ["!d1", "!d2"] {
        run.tell(invited(DOOR, GROUP, room, "anna"));
    }
    for (over, next) in [("!d1", "!d3"), ("!d2", "!d4"), ("!d3", "!d5")] {
        run.tell(Input::FocusRemoved { focus: DOOR.into(), room: over.into() });
        run.tell(invited(DOOR, GROUP, next, "anna"));
        assert!(!declined(&run, next), "{next}");
        run.tell(invited(DOOR, GROUP, "!one-too-many", "anna"));
        assert!(declined(&run, "!one-too-many"));
        run.sent.clear();
    }
}

#[test]
fn ended_calls_are_remembered_for_ten_minutes_and_only_so_many() {
    let ended = |run: &Run| run.records.keys().filter(|key| key.starts_with("ended/")).count();
    let mut run = Run::joined(with(Limits { ended_calls: 2, ..Limits::default() }));
    run.open_direct("bob");
    for call in ["c1", "c2", "c2", "c3"] {
        run.hang_up("bob", call);
    }
    assert_eq!(ended(&run), 2);
    run.call("bob", "c3");
    assert_eq!(ignored(&run), Some(Silence::Ended));
    run.call("bob", "c1");
    assert!(run.has_sent(|request| matches!(request, SignalRequest::AskAdmission { .. })), "forgotten");
    run.pass(Millis(599_999));
    run.hang_up("bob", "c4");
    assert_eq!(ended(&run), 2);
    run.pass(Millis(1));
    run.hang_up("bob", "c5");
    assert_eq!(ended(&run), 2, "c3 and c2 were over their time, c4 and c5 are not");
}

#[test]
fn early_candidates_are_those_of_the_party_that_calls() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    for (party, line) in [(Some("THEIRS"), "theirs"), (Some("OTHER"), "another's"), (None, "anyone's")] {
        let party = party.map(Into::into);
        run.tell(Input::CallCandidates { key: key("bob", "c1"), party, candidates: vec![candidate(line)] });
    }
    run.restart();
    run.tell(Input::CallCandidates {
        key: key("bob", "c2"),
        party: None,
        candidates: vec![candidate("of c2")],
    });
    assert_eq!(run.records.keys().filter(|key| key.starts_with("early/")).count(), 4);
    run.call("bob", "c1");
    run.admit(true);
    let Some(MediaCommand::AddCandidates { candidates, .. }) = run.media.last() else { panic!() };
    let lines: Vec<&str> = candidates.iter().map(|candidate| candidate.line.as_str()).collect();
    assert_eq!(lines, ["theirs", "anyone's"]);
    assert_eq!(run.records.keys().filter(|key| key.starts_with("early/")).count(), 1);
}

#[test]
fn who_was_too_fast_is_so_after_a_restart() {
    let mut run = Run::joined(with(Limits { invites_at_once: 1, ..Limits::default() }));
    run.open_direct("bob");
    run.call("bob", "c1");
    run.restart();
    run.call("bob", "c2");
    assert_eq!(ignored(&run), Some(Silence::TooFast));
}

#[test]
fn a_call_for_one_conference_too_many_is_told_so() {
    let mut run = Run::joined(with(Limits { conferences: 1, ..Limits::default() }));
    run.tell(invited("@conf_other", "!other", "!d", "anna"));
    run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
    let mut call = invite("anna", "c1");
    call.key.room = "!d".into();
    run.tell(Input::CallInvited(call));
    assert_eq!(refusal(&mut run), Refusal::Busy);
}

#[test]
fn after_ninety_days_without_a_call_the_focus_leaves_a_private_room() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    let day = Millis::from_secs(24 * 3600);
    let days = |count: u64| Millis(day.0 * count);
    run.pass(days(89));
    run.call("bob", "c1");
    run.hang_up("bob", "c1");
    run.sent.clear();
    run.pass(days(89));
    assert!(!declined(&run, direct("bob").as_str()));
    assert!(matches!(run.focus.poll_timeout().unwrap().why, TimerKind::DirectIdle(_)));
    run.pass(days(1));
    assert!(declined(&run, direct("bob").as_str()));
    assert_eq!(run.focus.poll_timeout(), None);
    assert!(!run.records.keys().any(|key| key.starts_with("direct/")));
}

#[test]
fn a_call_of_ninety_days_keeps_its_private_room() {
    let compare_interval = Millis::from_secs(365 * 24 * 3600);
    let mut run = Run::joined(Config { compare_interval, ..Config::default() });
    let leg = run.in_call("bob", "c1");
    run.pass(Millis::from_secs(200 * 24 * 3600));
    assert!(!run.closed(leg) && !declined(&run, direct("bob").as_str()));
}

// ---- people --------------------------------------------------------------------------------------------------------

#[test]
fn who_is_not_let_take_part_by_the_operator_is_told_and_invites_nobody() {
    let policy = Policy { allow: vec![], deny: vec![Pattern::new("*:evil.org")] };
    let mut run = Run::joined(Config { policy, ..Config::default() });
    run.tell(invited(DOOR, GROUP, "!d", "eve:evil.org"));
    assert!(declined(&run, "!d"));
    run.open_direct("bob");
    let mut call = invite("bob", "c1");
    call.key.caller = member("eve:evil.org");
    run.tell(Input::CallInvited(call));
    assert_eq!(refusal(&mut run), Refusal::NotAllowed);
}

#[test]
fn for_a_stranger_the_focus_joins_three_rooms_an_hour_and_for_members_as_often_as_they_call() {
    let mut run = Run::new(Config::default());
    run.open_direct("eve");
    let call = |run: &mut Run, call: &str, is_member: bool| {
        run.call("eve", call);
        if !run.has_sent(is_join_group) {
            return false;
        }
        run.done(is_join_group);
        run.admit(is_member);
        if is_member {
            run.hang_up("eve", call);
            run.pass(Millis::from_secs(300));
        }
        run.done(is_leave_group);
        run.sent.clear();
        true
    };
    for round in 0..5 {
        assert!(call(&mut run, &format!("member-{round}"), true), "{round}");
    }
    let joined: Vec<bool> = (0..5).map(|round| call(&mut run, &format!("stranger-{round}"), false)).collect();
    assert_eq!(joined, [true, true, true, false, false]);
    assert_eq!(refusal(&mut run), Refusal::NotAMember);
    run.sent.clear();
    run.pass(Millis::from_secs(20 * 60));
    assert!(call(&mut run, "later", false));
}

// ---- upgrades ------------------------------------------------------------------------------------------------------

#[test]
fn an_upgraded_room_keeps_who_is_in_tells_where_to_go_and_lets_nobody_new_in() {
    let config = Config { stay: [GROUP.into()].into(), ..Config::default() };
    let mut run = Run::joined(config);
    let leg = run.in_call("anna", "a1");
    run.open_direct("bert");
    let replaced = Input::RoomReplaced { room: GROUP.into(), by: "!new".into() };
    run.tell(replaced.clone());
    let says_where = |request: &SignalRequest| {
        let new = RoomKey::from("!new");
        matches!(request, SignalRequest::Notice { notice: Notice::RoomReplaced { by, .. }, .. } if *by == new)
    };
    run.take(says_where);
    run.tell(replaced);
    assert!(run.sent.is_empty(), "told once");
    run.call("bert", "b1");
    run.admit(true);
    run.take(|request| matches!(request, SignalRequest::Reject { .. }));
    run.take(says_where);
    assert!(!run.closed(leg));
    run.hang_up("anna", "a1");
    run.pass(Millis::from_secs(10));
    run.done(is_leave_group);
    assert_eq!(run.focus.roll(&GROUP.into()), None, "also where the focus was to stay");
}

#[test]
fn a_focus_that_waits_in_an_upgraded_room_leaves_it() {
    let mut run = Run::joined(Config::default());
    run.tell(Input::RoomReplaced { room: GROUP.into(), by: "!new".into() });
    run.take(is_leave_group);
}

#[test]
fn how_often_someone_gave_a_command_is_forgotten_in_time() {
    let mut run = Run::joined(Config::default());
    run.tell(Input::Commanded { room: GROUP.into(), by: member("bert"), command: Command::Help });
    let remembered = |run: &Run| run.records.contains_key("deeds/@bert");
    run.pass(Millis(1_999));
    assert!(remembered(&run));
    run.pass(Millis(1));
    assert!(!remembered(&run));
}

#[test]
fn a_changed_offer_and_an_answer_may_be_as_long_as_they_may_be_and_no_longer() {
    let limits = Limits { sdp_bytes: 9, ..Limits::default() };
    let mut run = Run::joined(with(limits));
    let leg = run.in_call("bob", "c1");
    let offer = |sdp: &str| Input::CallNegotiated {
        key: key("bob", "c1"),
        party: None,
        offer: Sdp(sdp.into()),
        expires_in: Millis::from_secs(10),
        metadata: None,
    };
    let answer = |sdp: &str| Input::CallNegotiateAnswered {
        key: key("bob", "c1"),
        party: None,
        answer: Sdp(sdp.into()),
        metadata: None,
    };
    run.tell(offer("1234567890"));
    assert!(!run.media.iter().any(|command| matches!(command, MediaCommand::Renegotiate { .. })));
    run.tell(offer("123456789"));
    assert_eq!(run.last_offer(leg), OfferNumber(1));
    run.answered(leg, Agreed::default());
    run.restart();
    run.pass(Millis::from_secs(2));
    let (generation, offer, streams) = (run.generation(leg), Sdp("ours".into()), metadata(false));
    let memo = SessionMemo::default();
    run.tell(Input::Media(MediaReport::OfferReady {
        leg,
        generation,
        number: run.number(leg),
        offer,
        streams,
        memo,
    }));
    run.done(|request| matches!(request, SignalRequest::NegotiateOffer { .. }));
    let accepted = |run: &Run| run.media.iter().any(|command| matches!(command, MediaCommand::Accept { .. }));
    run.tell(answer("1234567890"));
    assert!(!accepted(&run));
    run.tell(answer("123456789"));
    assert!(accepted(&run));
}
