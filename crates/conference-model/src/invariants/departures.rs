//! Leaving rooms: a leave that fails is tried again, and nobody is about to leave where they are.
//!
//! When a focus user leaves never lives here, see `rooms.rs`.

use confocal_conference::{
    Effect, FocusUser, Input, Millis, RequestFailure, RequestId, RequestOutcome, RoomKey, SignalRequest,
};

use super::ensure;
use crate::seen::{Cause, Seen};
use crate::view::DoorStateView;

/// The longest that a leave which has failed waits to be tried again.
const LONGEST: Millis = Millis::from_secs(86_400);

super::invariants! {
    each_leave_is_remembered: "R7: a focus user that was to leave a room does, however often that fails",
    a_leave_that_failed_is_tried_again: "R7: a focus user that was to leave a room does, however often that fails",
    who_is_in_a_room_is_not_about_to_leave_it: "design 1: a focus user that was called or invited anew stays",
}

/// Of the requests of a turn, those by which somebody leaves or joins: who, where, and whether it is a leave.
fn moves(seen: &Seen) -> impl Iterator<Item = (RequestId, &FocusUser, &RoomKey, bool)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Send { id, request: SignalRequest::Leave { focus, room } } => Some((*id, focus, room, true)),
        Effect::Send {
            id,
            request:
                SignalRequest::JoinGroup { focus, room, .. }
                | SignalRequest::JoinDirect { focus, room, .. }
                | SignalRequest::JoinAsBot { bot: focus, room, .. },
        } => Some((*id, focus, room, false)),
        Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => None,
    })
}

/// The last leave of a room is in the records while it is under way, as far as there is room for it.
fn each_leave_is_remembered(seen: &Seen) -> Result<(), String> {
    let full = seen.after.departures.len() >= seen.setup.config.limits.departures;
    for (id, focus, room, _) in moves(seen).filter(|(.., leaves)| *leaves) {
        let last =
            moves(seen).filter(|(_, who, place, _)| (*who, *place) == (focus, room)).all(|it| it.0 <= id);
        ensure(!last || full || seen.after.departures.contains_key(&id), || {
            format!("that {focus} leaves {room} is not remembered")
        })?;
    }
    Ok(())
}

/// One that failed, and not for want of something to leave, has a time within a day by which it is tried again; when that has come it
/// is.
fn a_leave_that_failed_is_tried_again(seen: &Seen) -> Result<(), String> {
    if let Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Failed(failure) }) =
        &seen.turn.cause
        && let Some(before) = seen.before.departures.get(id).filter(|departure| departure.again.is_none())
    {
        let denied = matches!(failure, RequestFailure::Forbidden | RequestFailure::NotFound);
        let again = seen.after.departures.get(id).and_then(|after| after.again);
        let soon = again.is_some_and(|at| seen.turn.now < at && at.since(seen.turn.now) <= LONGEST);
        ensure(soon != denied, || format!("{before:?} failed: {failure:?}, and then {again:?}"))?;
    }
    let due = seen.before.departures.iter().filter(|(_, departure)| {
        seen.turn.cause == Cause::Time && departure.again.is_some_and(|at| at <= seen.turn.now)
    });
    for (id, due) in due {
        let left =
            moves(seen).any(|(_, focus, room, leaves)| leaves && *focus == due.focus && *room == due.room);
        // Others that are to be left may have taken its place, where there are many.
        let full = seen.after.departures.len() >= seen.setup.config.limits.departures;
        let done = (left || full) && !seen.after.departures.contains_key(id);
        ensure(done, || format!("{due:?} is due and not done"))?;
    }
    Ok(())
}

/// Where a focus user has joined, or is about to, or the bot, no leave waits.
fn who_is_in_a_room_is_not_about_to_leave_it(seen: &Seen) -> Result<(), String> {
    for departure in seen.after.departures.values() {
        let (focus, room) = (&departure.focus, &departure.room);
        let door = seen.after.conferences.get(room).and_then(|it| it.doors.get(focus));
        let in_group =
            door.is_some_and(|door| door.is_joined() || matches!(door.state, DoorStateView::Joining { .. }));
        let in_direct = seen.after.directs.get(room).is_some_and(|it| it.doors.contains_key(focus));
        let bot = seen.after.bots.get(room).is_some_and(|it| it.bot == *focus);
        ensure(!in_group && !in_direct && !bot, || format!("{departure:?}, who is there"))?;
    }
    Ok(())
}
