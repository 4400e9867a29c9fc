//! Rule R4 where no event tells of a leaving: those who are in a conference are compared with the members of its group room.

use std::collections::BTreeSet;

use crate::support::{DOOR, GROUP, Run, is_hangup, member};
use confocal_conference::{
    Config, EndReason, Input, LegId, MemberId, Membership, Millis, Notice, RequestFailure, RequestId,
    RequestOutcome, SignalRequest, TimerKind,
};

fn is_comparison(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::CompareMembers { .. })
}

/// The one question under way, and about whom it is.
fn asked(run: &mut Run) -> (RequestId, Vec<MemberId>) {
    let (id, request) = run.take(is_comparison);
    let SignalRequest::CompareMembers { focus, room, members, .. } = request else { unreachable!() };
    assert_eq!((focus.as_str(), room.as_str()), (DOOR, GROUP));
    (id, members.into_iter().collect())
}

fn answer(run: &mut Run, id: RequestId, focus_joined: bool, absent: &[&str]) {
    let absent: BTreeSet<MemberId> = absent.iter().map(|user| member(user)).collect();
    let outcome = RequestOutcome::Membership(Membership { focus_joined, absent });
    run.tell(Input::RequestDone { id, outcome });
}

/// Two people in a conference, a minute later.
fn two_for_a_minute() -> (Run, LegId, LegId) {
    let mut run = Run::joined(Config::default());
    let (anna, bob) = (run.in_call("anna", "c1"), run.in_call("bob", "c2"));
    run.pass(Millis(59_999));
    assert!(!run.has_sent(is_comparison), "a minute is not over");
    run.pass(Millis(1));
    (run, anna, bob)
}

#[test]
fn r4_who_is_found_absent_is_ejected_and_told_and_the_others_stay() {
    let (mut run, anna, bob) = two_for_a_minute();
    let (id, about) = asked(&mut run);
    assert_eq!(about, [member("anna"), member("bob")]);
    answer(&mut run, id, true, &["bob"]);
    assert!(run.closed(bob) && !run.closed(anna));
    run.take(is_hangup);
    let is_why = |request: &SignalRequest| {
        matches!(
            request,
            SignalRequest::Notice { notice: Notice::Ended { why: EndReason::LeftGroup, .. }, .. }
        )
    };
    run.take(is_why);
    assert!(run.sent.is_empty(), "{:?}", run.sent);
}

#[test]
fn it_is_compared_each_minute_as_long_as_someone_is_in_and_by_one_question_at_a_time() {
    let (mut run, ..) = two_for_a_minute();
    let (id, _) = asked(&mut run);
    run.pass(Millis::from_secs(180));
    assert!(!run.has_sent(is_comparison), "the last question is not answered yet");
    answer(&mut run, id, true, &[]);
    run.pass(Millis::from_secs(60));
    let (id, _) = asked(&mut run);
    answer(&mut run, id, true, &[]);
    run.hang_up("anna", "c1");
    run.hang_up("bob", "c2");
    assert_eq!(run.waits_for(), Some(TimerKind::Linger(GROUP.into())));
    run.pass(Millis::from_secs(180));
    assert!(!run.has_sent(is_comparison), "nobody is in it");
}

#[test]
fn who_only_rings_is_not_compared() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.pass(Millis::from_secs(59));
    assert!(!matches!(run.waits_for(), Some(TimerKind::Compare(_))), "{:?}", run.waits_for());
}

#[test]
fn a_question_that_was_not_answered_decides_nothing() {
    let (mut run, anna, bob) = two_for_a_minute();
    for failure in [RequestFailure::Expired, RequestFailure::Forbidden, RequestFailure::Rejected] {
        run.fail(failure, is_comparison);
        assert!(run.sent.is_empty() && !run.closed(anna) && !run.closed(bob), "{failure:?}");
        run.pass(Millis::from_secs(60));
    }
    run.done(is_comparison);
    assert!(run.sent.is_empty() && !run.closed(anna), "not an answer to what was asked");
}

#[test]
fn a_call_that_came_after_the_question_is_not_ended_by_its_answer() {
    let (mut run, _, first) = two_for_a_minute();
    let (id, _) = asked(&mut run);
    // Bob has left when the homeserver answers; he comes back and calls, and the answer is slow.
    run.tell(Input::MemberRemoved { room: GROUP.into(), member: member("bob") });
    assert!(run.closed(first));
    run.call("bob", "c3");
    run.admit(true);
    let (second, _) = run.last_opened();
    answer(&mut run, id, true, &["bob"]);
    assert!(!run.closed(second));
}

#[test]
fn a_focus_user_that_is_found_absent_ends_its_calls_and_can_be_called_again() {
    let (mut run, anna, bob) = two_for_a_minute();
    let (id, _) = asked(&mut run);
    answer(&mut run, id, false, &[]);
    assert!(run.closed(anna) && run.closed(bob));
    run.take(is_hangup);
    run.take(is_hangup);
    run.sent.clear();
    run.call("bob", "c3");
    run.done(|request| matches!(request, SignalRequest::JoinGroup { .. }));
    run.admit(true);
}

#[test]
fn after_a_restart_it_is_compared_at_once_and_a_question_under_way_is_still_answered() {
    let (mut run, anna, _) = two_for_a_minute();
    let (id, _) = asked(&mut run);
    run.restart();
    assert!(!run.has_sent(is_comparison), "the question of before is still in the outbox");
    answer(&mut run, id, true, &["anna"]);
    let ended = run.sent.iter().any(|(_, request)| {
        matches!(request, SignalRequest::Notice { focus: _, room, .. } if room.as_str() == "!direct-anna")
    });
    assert!(ended, "{anna} goes on: {:?}", run.sent);
    run.restart();
    let (_, about) = asked(&mut run);
    assert_eq!(about, [member("bob")]);
}

#[test]
fn who_still_rings_is_not_asked_about() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "c1");
    run.pass(Millis::from_secs(30));
    run.open_direct("bob");
    run.call("bob", "c2");
    run.pass(Millis::from_secs(30));
    assert_eq!(asked(&mut run).1, [member("anna")]);
}
