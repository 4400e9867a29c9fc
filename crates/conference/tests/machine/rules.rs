//! The rules of a conference, one test each: what the machine does when people come, call, leave and are thrown out.

use crate::support::{
    DOOR, GROUP, Run, candidate, direct, invite, is_answer, is_hangup, is_join_group, is_leave_group, key,
    refusal,
};
use confocal_conference::{
    CallInvite, CallVersion, ConferenceEvent, Config, Input, MediaCommand, Millis, Notice, Refusal,
    RequestFailure, RequestOutcome, SecondDevice, SignalRequest, TimerKind,
};

#[test]
fn an_invitation_to_an_id_that_names_no_room_is_declined() {
    let mut run = Run::new(Config::default());
    let (focus, room) = ("@conf_odd".into(), direct("bob"));
    run.tell(Input::NobodyInvited { focus, room: room.clone() });
    let (id, request) = run.take(|request| matches!(request, SignalRequest::Leave { .. }));
    assert_eq!((request.focus().as_str(), request.room()), ("@conf_odd", &room));
    // Neither declining it nor the failure of that leads to more, and no room or conference is kept of it.
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(RequestFailure::Forbidden) });
    run.call("bob", "c1");
    assert!(run.sent.is_empty() && run.media.is_empty(), "{:?}", run.sent);
    assert_eq!(run.records.keys().collect::<Vec<_>>(), ["focus"]);
}

// ---- R1, R2, R3: coming in -----------------------------------------------------------------------------------------

#[test]
fn r2_an_invited_focus_user_joins_its_group_room() {
    let mut run = Run::new(Config::default());
    run.invite_to_group();
    let (_, request) = run.take(is_join_group);
    assert_eq!((request.room().as_str(), request.focus().as_str()), (GROUP, DOOR));
}

#[test]
fn r3_a_members_call_is_answered_once_admission_is_known() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    assert!(run.media.is_empty(), "nothing is opened for someone not yet admitted");
    run.admit(true);
    run.answer_ready();
    let (_, request) = run.take(is_answer);
    let SignalRequest::Answer { to, streams, .. } = request else { unreachable!() };
    assert_eq!(to.call.as_str(), "c1");
    assert_ne!(to.party.as_str(), "THEIRS", "js-sdk drops events that carry its own party id");
    assert!(streams.is_some(), "the client described its streams");
    assert!(run.sent.is_empty(), "exactly one answer and nothing else: {:?}", run.sent);
}

#[test]
fn r2_a_call_that_comes_first_makes_the_focus_join_and_rings_meanwhile() {
    let mut run = Run::new(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    assert!(!run.has_sent(|request| matches!(request, SignalRequest::AskAdmission { .. })));
    run.done(is_join_group);
    run.admit(true);
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn r2_a_call_rings_while_the_join_is_refused_and_the_invitation_is_late() {
    let mut run = Run::new(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.fail(RequestFailure::Forbidden, is_join_group);
    run.pass(Millis(4_900));
    run.invite_to_group();
    run.done(is_join_group);
    run.admit(true);
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn r2_an_invitation_that_crosses_a_refused_join_makes_it_try_again() {
    let mut run = Run::new(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.invite_to_group();
    run.fail(RequestFailure::Forbidden, is_join_group);
    run.done(is_join_group);
    run.admit(true);
}

#[test]
fn r2_a_focus_that_is_never_let_in_says_so() {
    let mut run = Run::new(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.fail(RequestFailure::Forbidden, is_join_group);
    run.pass(Millis::from_secs(5));
    assert_eq!(refusal(&mut run), Refusal::FocusNotInvited);
}

#[test]
fn only_joined_members_are_let_in_and_the_others_are_told() {
    let mut run = Run::joined(Config::default());
    run.open_direct("eve");
    run.call("eve", "c1");
    run.admit(false);
    assert_eq!(refusal(&mut run), Refusal::NotAMember);
    assert!(run.media.is_empty());
}

#[test]
fn a_focus_that_only_a_stranger_called_leaves_again() {
    let mut run = Run::new(Config::default());
    run.open_direct("eve");
    run.call("eve", "c1");
    run.done(is_join_group);
    run.admit(false);
    run.take(is_leave_group);
}

#[test]
fn candidates_before_with_and_after_the_invite_reach_the_engine_in_order() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    let candidates = |line: &str| Input::CallCandidates {
        key: key("bob", "c1"),
        party: Some("THEIRS".into()),
        candidates: vec![candidate(line)],
    };
    run.tell(candidates("before"));
    run.call("bob", "c1");
    run.tell(candidates("ringing"));
    run.admit(true);
    run.tell(candidates("answering"));
    let lines: Vec<String> = run
        .media
        .iter()
        .filter_map(|command| match command {
            MediaCommand::AddCandidates { candidates, .. } => Some(candidates),
            _ => None,
        })
        .flatten()
        .map(|candidate| candidate.line.clone())
        .collect();
    assert_eq!(lines, ["before", "ringing", "answering"]);
}

#[test]
fn version_0_is_refused_and_answered_in_its_own_dialect() {
    let mut run = Run::joined(Config::default());
    run.open_direct("old");
    run.tell(Input::CallInvited(CallInvite {
        version: CallVersion::V0,
        party: None,
        metadata: None,
        ..invite("old", "c1")
    }));
    run.admit(true);
    run.answer_ready();
    let (_, SignalRequest::Answer { to, streams, .. }) = run.take(is_answer) else { unreachable!() };
    assert_eq!((to.version, streams), (CallVersion::V0, None));
}

// ---- invites that must stay unanswered -----------------------------------------------------------------------------

#[test]
fn an_invite_for_another_invitee_gets_silence() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.tell(Input::CallInvited(CallInvite { invitee: Some("@someone".into()), ..invite("bob", "c1") }));
    assert!(run.sent.is_empty() && run.media.is_empty());
}

#[test]
fn an_expired_invite_gets_silence() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.tell(Input::CallInvited(CallInvite { expires_in: Millis(0), ..invite("bob", "c1") }));
    assert!(run.sent.is_empty() && run.media.is_empty());
}

#[test]
fn an_invite_that_runs_out_while_it_rings_gets_silence() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.pass(Millis::from_secs(60));
    run.sent.clear();
    run.call("bob", "c1");
    assert!(run.sent.is_empty() && run.media.is_empty(), "and its repetition too");
}

#[test]
fn an_invite_hung_up_in_the_same_batch_gets_silence() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.hang_up("bob", "c1");
    run.admit(true);
    assert!(run.sent.is_empty() && run.media.is_empty());
}

#[test]
fn an_invite_that_its_hangup_overtook_gets_silence() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.hang_up("bob", "c1");
    run.call("bob", "c1");
    assert!(run.sent.is_empty() && run.media.is_empty());
}

#[test]
fn an_invite_that_comes_twice_is_one_call() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.call("bob", "c1");
    run.admit(true);
    assert!(run.sent.is_empty());
    run.call("bob", "c1");
    let opened = run.media.iter().filter(|command| matches!(command, MediaCommand::Open { .. }));
    assert_eq!(opened.count(), 1);
}

#[test]
fn a_call_in_the_group_room_is_not_ours() {
    let mut run = Run::joined(Config::default());
    let mut call = invite("bob", "c1");
    call.key.room = GROUP.into();
    run.tell(Input::CallInvited(call));
    assert!(run.sent.is_empty());
}

#[test]
fn an_answer_taken_elsewhere_ends_without_a_word() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.tell(Input::CallSelected { key: key("bob", "c1"), selected: "OTHER".into() });
    assert!(run.closed(leg));
    assert!(run.sent.is_empty());
}

#[test]
fn in_an_encrypted_direct_room_people_are_told_once_that_it_cannot_be_read() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.tell(Input::RoomEncrypted { room: direct("bob") });
    let encrypted = |request: &SignalRequest| {
        matches!(request, SignalRequest::Notice { notice: Notice::Encrypted { .. }, .. })
    };
    run.take(encrypted);
    run.restart();
    run.tell(Input::RoomEncrypted { room: direct("bob") });
    assert!(run.sent.is_empty(), "once: {:?}", run.sent);
}

// ---- R4, R5: going out ---------------------------------------------------------------------------------------------

#[test]
fn r4_who_leaves_the_group_room_is_ejected_with_all_devices() {
    let mut run = Run::joined(Config { second_device: SecondDevice::Add, ..Config::default() });
    let first = run.in_call("bob", "c1");
    run.tell(Input::CallInvited(CallInvite { party: Some("SECOND".into()), ..invite("bob", "c2") }));
    run.admit(true);
    let second = run.last_opened().0;
    let other = run.in_call("carol", "c3");
    run.tell(Input::MemberRemoved { room: GROUP.into(), member: "@bob".into() });
    assert!(run.closed(first) && run.closed(second) && !run.closed(other));
    run.take(|request| matches!(request, SignalRequest::Hangup { to, .. } if to.call.as_str() == "c1"));
    run.take(|request| matches!(request, SignalRequest::Reject { to } if to.call.as_str() == "c2"));
    assert!(!run.has_sent(is_hangup));
}

#[test]
fn r4_leaving_while_ringing_is_never_answered() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.tell(Input::MemberRemoved { room: GROUP.into(), member: "@bob".into() });
    run.take(|request| matches!(request, SignalRequest::Reject { .. }));
    run.admit(true);
    assert!(run.media.is_empty(), "the homeserver's older word does not bring them back");
}

#[test]
fn r5_who_leaves_the_direct_room_is_ejected_and_the_focus_leaves_it_too() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.tell(Input::MemberRemoved { room: direct("bob"), member: "@bob".into() });
    assert!(run.closed(leg));
    run.take(is_hangup);
    run.take(|request| matches!(request, SignalRequest::Leave { room, .. } if *room == direct("bob")));
    run.sent.clear();
    run.call("bob", "c2");
    assert!(run.sent.is_empty(), "the room is not ours any more");
}

#[test]
fn someone_else_leaving_ends_nobodys_call() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.tell(Input::MemberRemoved { room: GROUP.into(), member: "@zoe".into() });
    run.tell(Input::MemberRemoved { room: direct("bob"), member: "@zoe".into() });
    assert!(!run.closed(leg) && run.sent.is_empty());
}

#[test]
fn a_kicked_focus_ends_all_calls_and_may_come_back() {
    let mut run = Run::joined(Config::default());
    let (bob, carol) = (run.in_call("bob", "c1"), run.in_call("carol", "c2"));
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert!(run.closed(bob) && run.closed(carol));
    assert_eq!(run.sent.iter().filter(|(_, request)| is_hangup(request)).count(), 2);
    assert_eq!(run.waits_for(), None, "nothing to wait for in a room we are not in");
    run.sent.clear();
    run.invite_to_group();
    run.take(is_join_group);
}

#[test]
fn a_focus_removed_from_a_direct_room_ends_the_calls_placed_there() {
    let mut run = Run::joined(Config::default());
    let (bob, carol) = (run.in_call("bob", "c1"), run.in_call("carol", "c2"));
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: direct("bob") });
    assert!(run.closed(bob) && !run.closed(carol));
    assert!(run.sent.is_empty(), "it can say nothing there any more");
}

// ---- R7, R8: leaving -----------------------------------------------------------------------------------------------

#[test]
fn r7_the_focus_leaves_when_all_have_left_and_lingered() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis(9_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.done(is_leave_group);
    assert!(run.news.iter().any(|event| matches!(event, ConferenceEvent::Closed { .. })));
    assert_eq!(run.waits_for(), None);
}

#[test]
fn r7_a_call_during_the_linger_keeps_the_focus() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(9));
    run.call("bob", "c2");
    run.admit(true);
    run.answer_ready();
    run.pass(Millis::from_secs(20));
    assert!(!run.has_sent(is_leave_group));
}

#[test]
fn r7_each_time_that_all_have_left_the_linger_is_whole_again() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(9));
    run.call("bob", "c2");
    run.admit(true);
    run.answer_ready();
    run.hang_up("bob", "c2");
    run.pass(Millis(9_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn r7_calls_that_are_refused_do_not_keep_the_focus() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.open_direct("eve");
    run.pass(Millis::from_secs(6));
    run.call("eve", "c2");
    run.admit(false);
    run.sent.clear();
    run.pass(Millis::from_secs(4));
    run.take(is_leave_group);
}

#[test]
fn a_kick_that_crosses_the_join_is_found_by_joining_again() {
    let mut run = Run::new(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    run.done(is_join_group);
    run.fail(RequestFailure::Forbidden, is_join_group);
    run.pass(Millis::from_secs(5));
    assert_eq!(refusal(&mut run), Refusal::FocusNotInvited);
}

#[test]
fn waiting_no_time_at_all_does_not_run_in_circles() {
    let config = Config { idle: Millis(0), linger: Millis(0), ..Config::default() };
    let mut run = Run::joined(config);
    run.open_direct("bob");
    run.call("bob", "c1");
    run.pass(Millis::from_secs(10));
    run.admit(true);
    run.answer_ready();
    run.hang_up("bob", "c1");
    run.call("bob", "c2");
    run.pass(Millis::from_secs(10));
    assert!(!run.has_sent(is_leave_group), "a call rings");
}

#[test]
fn r8_the_focus_leaves_when_nobody_calls() {
    let mut run = Run::joined(Config::default());
    run.pass(Millis(299_999));
    assert!(run.sent.is_empty());
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn r8_a_call_that_rings_is_given_its_time() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.pass(Millis(299_990));
    run.call("bob", "c1");
    run.pass(Millis(100));
    assert!(!run.has_sent(is_leave_group));
    run.admit(true);
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn stay_switches_r7_and_r8_off() {
    let mut run = Run::joined(Config { stay: [GROUP.into()].into(), ..Config::default() });
    run.pass(Millis::from_secs(3600));
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(3600));
    assert!(!run.has_sent(is_leave_group));
}

#[test]
fn each_invited_door_joins_and_all_leave_together() {
    let mut run = Run::joined(Config::default());
    run.tell(Input::FocusInvited {
        focus: "@fs_group".into(),
        group: GROUP.into(),
        room: GROUP.into(),
        by: "@alice".into(),
        via: vec![],
    });
    run.done(is_join_group);
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(10));
    assert_eq!(run.sent.iter().filter(|(_, request)| is_leave_group(request)).count(), 2);
}

#[test]
fn a_call_while_the_focus_leaves_brings_it_back() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(10));
    let leave = run.take(is_leave_group).0;
    run.call("bob", "c2");
    run.done(is_join_group);
    run.tell(Input::RequestDone { id: leave, outcome: RequestOutcome::Done });
    run.admit(true);
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn a_focus_that_was_removed_waits_for_nothing_any_more() {
    let mut run = Run::joined(Config::default());
    assert!(matches!(run.waits_for(), Some(TimerKind::Idle(..))));
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert_eq!(run.waits_for(), None);
}
