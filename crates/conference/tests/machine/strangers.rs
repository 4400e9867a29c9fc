//! Calls of people who are not in the group room, at several focus users of it: whom the focus joins for, and whom it stays for.

use confocal_conference::{
    CallInvite, CallKey, Config, Input, Limits, Millis, Pattern, Policy, Refusal, RequestFailure,
    SignalRequest,
};

use crate::support::*;

/// Another focus user of the same group room.
const SECOND_DOOR: &str = "@fs_group";

fn second_direct(user: &str) -> confocal_conference::RoomKey {
    confocal_conference::RoomKey::new(format!("!second-{user}"))
}

/// A user's 1:1 room with the second focus user.
fn open_second(run: &mut Run, user: &str) {
    run.tell(Input::FocusInvited {
        focus: SECOND_DOOR.into(),
        group: GROUP.into(),
        room: second_direct(user),
        by: member(user),
        via: vec![],
    });
    run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
}

fn call_second(run: &mut Run, user: &str, call: &str) {
    let key = CallKey { room: second_direct(user), ..key(user, call) };
    run.tell(Input::CallInvited(CallInvite { key, ..invite(user, call) }));
}

fn is_leaving(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Leave { room, .. } if room.as_str() == GROUP)
}

#[test]
fn a_focus_user_that_is_there_asks_for_every_stranger_and_others_join_for_three_calls_an_hour() {
    let mut run = Run::joined(Config::default());
    run.open_direct("eve");
    open_second(&mut run, "eve");
    for round in 0..5 {
        run.call("eve", &format!("here-{round}"));
        run.admit(false);
        assert_eq!(refusal(&mut run), Refusal::NotAMember);
        run.pass(Millis::from_secs(30));
    }
    for round in 0..3 {
        call_second(&mut run, "eve", &format!("there-{round}"));
        run.done(is_join_group);
        run.admit(false);
        assert_eq!(refusal(&mut run), Refusal::NotAMember, "{round}");
        run.done(is_leaving);
        run.pass(Millis::from_secs(30));
    }
    call_second(&mut run, "eve", "there-3");
    assert!(!run.has_sent(is_join_group), "no fourth time");
    assert_eq!(refusal(&mut run), Refusal::NotAMember);
    run.call("eve", "here-5");
    run.admit(false);
    assert_eq!(refusal(&mut run), Refusal::NotAMember, "where the focus is, it asks as before");
}

#[test]
fn a_question_about_a_member_that_fails_counts_against_nobody() {
    let mut run = Run::joined(Config::default());
    open_second(&mut run, "bob");
    for round in 0..5 {
        call_second(&mut run, "bob", &format!("b{round}"));
        run.done(is_join_group);
        run.fail(RequestFailure::Expired, |request| matches!(request, SignalRequest::AskAdmission { .. }));
        assert_eq!(refusal(&mut run), Refusal::Unknown, "{round}");
        run.done(is_leaving);
        run.pass(Millis::from_secs(30));
    }
}

#[test]
fn an_invited_focus_does_not_leave_because_a_stranger_called() {
    let mut run = Run::joined(Config::default());
    run.open_direct("eve");
    run.call("eve", "c1");
    run.admit(false);
    assert_eq!(refusal(&mut run), Refusal::NotAMember);
    assert!(!run.has_sent(is_leaving));
}

#[test]
fn a_focus_that_was_called_by_a_stranger_stays_for_another_who_rings_there_and_not_elsewhere() {
    for elsewhere in [false, true] {
        let mut run = Run::new(Config::default());
        run.open_direct("eve");
        run.call("eve", "c1");
        run.done(is_join_group);
        if elsewhere {
            open_second(&mut run, "bob");
            call_second(&mut run, "bob", "b1");
        } else {
            run.open_direct("bob");
            run.call("bob", "b1");
        }
        run.admit(false);
        assert_eq!(refusal(&mut run), Refusal::NotAMember);
        assert_eq!(run.has_sent(is_leaving), elsewhere);
    }
}

#[test]
fn so_many_focus_users_and_no_more_come_into_one_room() {
    let limits = Limits { doors_per_conference: 1, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.open_direct("bob");
    open_second(&mut run, "bob");
    call_second(&mut run, "bob", "b1");
    assert_eq!(refusal(&mut run), Refusal::Full);
    run.call("bob", "b2");
    run.admit(true);
}

#[test]
fn an_invitation_by_who_is_not_allowed_is_declined_and_moves_nobody_who_is_there() {
    let policy = Policy { allow: Vec::new(), deny: vec![Pattern::new("@eve")] };
    let mut run = Run::joined(Config { policy, ..Config::default() });
    for (door, declined) in [(DOOR, false), (SECOND_DOOR, true)] {
        run.tell(Input::FocusInvited {
            focus: door.into(),
            group: GROUP.into(),
            room: GROUP.into(),
            by: member("eve"),
            via: vec![],
        });
        assert_eq!(run.has_sent(is_leaving), declined, "{door}");
    }
}
