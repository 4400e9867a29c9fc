//! Where our users are, as the homeserver says it after a time away, compared with the records.

use confocal_conference::{
    Command, Config, FocusName, FocusUser, Input, LegId, RequestId, RequestOutcome, RoomKey, SignalRequest,
};

use crate::support::{DOOR, GROUP, Run, direct, member};

fn is_question(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::AskRooms { .. })
}

fn is_leave(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Leave { .. })
}

/// Asks, and returns the question that is asked for the one focus user.
fn ask(run: &mut Run) -> RequestId {
    run.tell(Input::CameBack);
    let (id, request) = run.take(is_question);
    assert_eq!(request.focus(), &FocusUser::from(DOOR));
    assert!(!run.has_sent(is_question), "each user is asked for once, whatever rooms it is in");
    id
}

fn tell(run: &mut Run, id: RequestId, rooms: &[RoomKey]) {
    let outcome = RequestOutcome::Rooms(rooms.iter().cloned().collect());
    run.tell(Input::RequestDone { id, outcome });
}

fn in_conference() -> (Run, LegId, [RoomKey; 2]) {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    (run, leg, [GROUP.into(), direct("bob")])
}

#[test]
fn nothing_is_done_where_the_homeserver_agrees() {
    let (mut run, leg, rooms) = in_conference();
    let id = ask(&mut run);
    tell(&mut run, id, &rooms);
    assert!(run.sent.is_empty() && !run.closed(leg), "{:?}", run.sent);
}

#[test]
fn a_room_without_a_reason_to_be_in_is_left() {
    let (mut run, leg, [group, direct]) = in_conference();
    let id = ask(&mut run);
    tell(&mut run, id, &[group, direct, "!ghost:hs".into()]);
    let (_, leave) = run.take(is_leave);
    assert_eq!(leave.room(), &RoomKey::from("!ghost:hs"));
    assert!(!run.has_sent(is_leave) && !run.closed(leg));
}

#[test]
fn a_group_room_that_the_focus_is_no_longer_in_ends_its_calls() {
    let (mut run, leg, [_, direct]) = in_conference();
    let id = ask(&mut run);
    tell(&mut run, id, &[direct]);
    assert!(run.closed(leg));
}

#[test]
fn a_private_room_that_the_focus_is_no_longer_in_ends_the_calls_there() {
    let (mut run, leg, [group, _]) = in_conference();
    let id = ask(&mut run);
    tell(&mut run, id, &[group]);
    assert!(run.closed(leg));
    assert_eq!(run.focus.roll(&GROUP.into()).map(|roll| roll.total), Some(0));
}

#[test]
fn what_changes_while_the_question_is_under_way_is_left_alone() {
    let (mut run, _, rooms) = in_conference();
    let id = ask(&mut run);
    // Joined since.
    run.open_direct("carol");
    tell(&mut run, id, &rooms);
    assert!(!run.has_sent(is_leave));

    // A join that is under way, and has come through already.
    run.tell(Input::FocusInvited {
        focus: DOOR.into(),
        group: GROUP.into(),
        room: direct("dave"),
        by: member("dave"),
        via: vec![],
    });
    let id = ask(&mut run);
    let all = [GROUP.into(), direct("bob"), direct("carol"), direct("dave")];
    tell(&mut run, id, &all);
    assert!(!run.has_sent(is_leave));
}

#[test]
fn the_bot_is_asked_for_its_rooms_too_and_forgets_those_it_is_out_of() {
    let mut run = Run::new(Config::default());
    for room in ["!one:hs", "!two:hs"] {
        let (focus, by) = (FocusName::Id(DOOR.into()), member("anna"));
        run.tell(Input::BotInvited { bot: "@bot".into(), focus, room: room.into(), by, via: vec![] });
        let (id, _) = run.take(|request| matches!(request, SignalRequest::JoinAsBot { .. }));
        run.tell(Input::RequestDone { id, outcome: RequestOutcome::Joined { encrypted: false } });
    }
    run.sent.clear();
    run.restart();
    run.tell(Input::CameBack);
    let (id, request) = run.take(is_question);
    assert_eq!(request.focus(), &FocusUser::from("@bot"));
    // As the user of a bridge it may be in rooms that are none of ours.
    tell(&mut run, id, &["!two:hs".into(), "!bridged:hs".into()]);
    assert!(run.sent.is_empty(), "{:?}", run.sent);
    for (room, heard) in [("!one:hs", false), ("!two:hs", true)] {
        run.tell(Input::Commanded { room: room.into(), by: member("anna"), command: Command::Help });
        assert_eq!(run.has_sent(|request| request.room().as_str() == room), heard);
    }
}

#[test]
fn a_question_of_before_a_restart_counts_no_more() {
    let (mut run, leg, _) = in_conference();
    let id = ask(&mut run);
    run.restart();
    tell(&mut run, id, &["!ghost:hs".into()]);
    assert!(!run.closed(leg) && !run.has_sent(is_leave), "what was believed then is known no more");
}
