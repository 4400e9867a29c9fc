//! Leaves that fail: nobody of ours stays in a room for which there is no conference.

use confocal_conference::{
    Config, Deadline, FocusUser, Input, Limits, Millis, RequestFailure, RequestId, RequestOutcome, RoomKey,
    SignalRequest, TimerKind,
};

use crate::support::{DOOR, GROUP, Run, direct, is_join_group, is_leave_group, member};

const TEN_MINUTES: Millis = Millis::from_secs(600);
const DAY: Millis = Millis::from_secs(86_400);

/// A focus user that nobody called is leaving the group room; the request is given back.
fn leaving(config: Config) -> (Run, RequestId) {
    let mut run = Run::joined(config);
    run.pass(Millis::from_secs(300));
    let (id, _) = run.take(is_leave_group);
    (run, id)
}

fn end(run: &mut Run, id: RequestId, failure: RequestFailure) {
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(failure) });
}

/// How long the machine waits for the next try of a leave; `None`: for none.
fn waits(run: &Run) -> Option<Millis> {
    match run.focus.poll_timeout()? {
        Deadline { at, why: TimerKind::LeaveAgain(_) } => Some(at.since(run.now)),
        _ => None,
    }
}

fn known(run: &Run) -> usize {
    run.records.keys().filter(|key| key.starts_with("leave/")).count()
}

#[test]
fn a_leave_that_was_given_up_is_tried_again_at_growing_intervals_and_once_a_day_for_good() {
    let (mut run, mut id) = leaving(Config::default());
    let mut intervals = Vec::new();
    for _ in 0..12 {
        assert!(run.focus.poll_timeout().is_none(), "it is under way");
        end(&mut run, id, RequestFailure::Expired);
        let interval = waits(&run).unwrap();
        intervals.push(interval.0 / 60_000);
        run.pass(Millis(interval.0 - 1));
        assert!(!run.has_sent(is_leave_group));
        run.pass(Millis(1));
        id = run.take(is_leave_group).0;
    }
    assert_eq!(intervals, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440, 1440]);
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Done });
    assert_eq!((run.focus.poll_timeout(), known(&run)), (None, 0));
}

#[test]
fn a_restart_forgets_neither_the_leave_nor_how_often_it_has_failed() {
    let (mut run, id) = leaving(Config::default());
    run.restart();
    end(&mut run, id, RequestFailure::Rejected);
    run.pass(TEN_MINUTES);
    let (id, _) = run.take(is_leave_group);
    end(&mut run, id, RequestFailure::Expired);
    run.restart();
    assert_eq!(waits(&run), Some(Millis(2 * TEN_MINUTES.0)));
    run.pass(Millis(2 * TEN_MINUTES.0));
    run.done(is_leave_group);
    run.restart();
    run.pass(DAY);
    assert!(!run.has_sent(is_leave_group));
}

#[test]
fn where_there_is_nothing_to_leave_it_is_not_tried_again() {
    for failure in [RequestFailure::Forbidden, RequestFailure::NotFound] {
        let (mut run, id) = leaving(Config::default());
        end(&mut run, id, failure);
        assert_eq!((waits(&run), known(&run)), (None, 0), "{failure:?}");
    }
}

#[test]
fn whoever_comes_again_leaves_no_more() {
    for under_way in [true, false] {
        let (mut run, id) = leaving(Config::default());
        if !under_way {
            end(&mut run, id, RequestFailure::Expired);
        }
        run.invite_to_group();
        run.done(is_join_group);
        end(&mut run, id, RequestFailure::Expired);
        assert_eq!(known(&run), 0);
        run.pass(Millis::from_secs(299));
        assert!(!run.has_sent(is_leave_group), "what was to be left is to be left no more");
    }
}

#[test]
fn whoever_was_removed_meanwhile_has_left() {
    let (mut run, id) = leaving(Config::default());
    end(&mut run, id, RequestFailure::Expired);
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: "!elsewhere".into() });
    assert_eq!(waits(&run), Some(TEN_MINUTES), "that was another room");
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert_eq!((waits(&run), known(&run)), (None, 0));
}

#[test]
fn a_private_room_is_left_as_surely_as_a_group_room() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.tell(Input::MemberRemoved { room: direct("bob"), member: member("bob") });
    let is_leave = |request: &SignalRequest| matches!(request, SignalRequest::Leave { room, .. } if *room == direct("bob"));
    run.fail(RequestFailure::Expired, is_leave);
    run.pass(TEN_MINUTES);
    run.fail(RequestFailure::Expired, is_leave);
    assert_eq!(known(&run), 2, "and the group room's");
    run.open_direct("bob");
    assert_eq!(known(&run), 1);
}

#[test]
fn an_outcome_that_comes_twice_or_late_changes_nothing() {
    let (mut run, id) = leaving(Config::default());
    end(&mut run, id, RequestFailure::Expired);
    run.pass(Millis::from_secs(60));
    end(&mut run, id, RequestFailure::Expired);
    assert_eq!(waits(&run), Some(Millis::from_secs(540)), "twice");
    run.pass(Millis::from_secs(540));
    let (second, _) = run.take(is_leave_group);
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Done });
    end(&mut run, second, RequestFailure::Expired);
    assert_eq!(waits(&run), Some(Millis(2 * TEN_MINUTES.0)), "late");
}

#[test]
fn of_too_many_rooms_to_leave_the_oldest_are_forgotten() {
    let limits = Limits { departures: 2, ..Limits::default() };
    let mut run = Run::new(Config { limits, ..Config::default() });
    let nobody = FocusUser::from("@conf_odd");
    for room in ["!1", "!2", "!3"] {
        run.tell(Input::NobodyInvited { focus: nobody.clone(), room: room.into() });
        run.fail(RequestFailure::Expired, |request| request.room().as_str() == room);
        run.pass(Millis(1_000));
    }
    assert_eq!(known(&run), 2);
    run.pass(TEN_MINUTES);
    let left: Vec<&RoomKey> = run.sent.iter().map(|(_, request)| request.room()).collect();
    assert_eq!(left, [&RoomKey::from("!2"), &"!3".into()]);
}
