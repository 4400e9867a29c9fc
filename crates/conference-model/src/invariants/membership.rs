//! Memberships compared: who is in a conference is asked about at its time, and whoever is found absent is out (R4).
//!
//! What events say of people who leave never lives here, see `endings.rs`.

use std::collections::BTreeSet;

use confocal_conference::{
    Effect, FocusUser, Input, LegId, MemberId, Membership, Millis, RequestOutcome, RoomKey, SignalRequest,
};

use super::ensure;
use crate::seen::{Cause, Seen};
use crate::view::{ComparisonView, DoorView, LegView, View};

super::invariants! {
    r4_memberships_are_compared_in_time: "R4: while someone is in a conference memberships are compared",
    r4_everyone_is_asked_about: "R4: the question is about those who are in, and it is asked when it is due",
    r4_who_is_found_absent_is_out: "R4: who is in the conference and not joined to the group room is ejected",
    r4_a_focus_found_absent_has_no_calls: "R2, R4: calls of a focus user that is not in the group room end",
}

/// The answer of this turn to a comparison, with whom it was asked by and for which room.
pub(crate) fn answered(seen: &Seen) -> Option<(&RoomKey, &FocusUser, &ComparisonView, &Membership)> {
    let Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Membership(answer) }) =
        &seen.turn.cause
    else {
        return None;
    };
    seen.before.conferences.iter().find_map(|(room, conference)| {
        let doors = &conference.doors;
        let asked = |(_, door): &(&FocusUser, &DoorView)| {
            door.comparing.as_ref().is_some_and(|comparing| comparing.request == *id)
        };
        let (focus, door) = doors.iter().find(asked)?;
        Some((room, focus, door.comparing.as_ref()?, answer))
    })
}

/// Whether a leg ends because its caller was found absent.
pub(super) fn is_found_absent(seen: &Seen, id: LegId, leg: &LegView) -> bool {
    answered(seen).is_some_and(|(room, _, comparison, answer)| {
        *room == leg.group
            && answer.focus_joined
            && answer.absent.contains(&leg.key.caller)
            && id <= comparison.newest
    })
}

/// Whether a leg ends because its focus user was found absent.
pub(super) fn is_of_absent_focus(seen: &Seen, leg: &LegView) -> bool {
    answered(seen).is_some_and(|(room, focus, _, answer)| {
        *room == leg.group && *focus == leg.focus && !answer.focus_joined
    })
}

/// A conference with someone in it has a time for it, not further away than it may be; one without has none.
fn r4_memberships_are_compared_in_time(seen: &Seen) -> Result<(), String> {
    let interval = seen.setup.config.compare_interval.max(Millis::from_secs(1));
    for (room, conference) in &seen.after.conferences {
        let anyone = seen.after.legs.values().any(|leg| leg.group == *room && leg.is_admitted());
        let planned = conference.compare_at.is_some_and(|at| at <= seen.turn.now + interval);
        let fits = if anyone { planned } else { conference.compare_at.is_none() };
        ensure(fits, || format!("anyone in {room}: {anyone}; compared at {:?}", conference.compare_at))?;
    }
    Ok(())
}

/// Those who are in a room's conference by calls of a focus user.
fn callers<'a>(view: &'a View, room: &RoomKey, focus: &FocusUser) -> BTreeSet<&'a MemberId> {
    let legs = view.legs.values();
    let legs = legs.filter(|leg| leg.group == *room && leg.focus == *focus && leg.is_admitted());
    legs.map(|leg| &leg.key.caller).collect()
}

/// A question names those who are in, and when it is due each focus user has asked, or waits for an answer.
fn r4_everyone_is_asked_about(seen: &Seen) -> Result<(), String> {
    for effect in &seen.turn.effects {
        let Effect::Send { request: SignalRequest::CompareMembers { focus, room, members, .. }, .. } = effect
        else {
            continue;
        };
        let asked: BTreeSet<&MemberId> = members.iter().collect();
        let mut known = callers(&seen.before, room, focus);
        let now = callers(&seen.after, room, focus);
        known.extend(&now);
        ensure(!asked.is_empty() && now.is_subset(&asked) && asked.is_subset(&known), || {
            format!("{focus} asks in {room} about {asked:?}; there are {now:?}")
        })?;
    }
    for (room, conference) in seen.before.conferences.iter().filter(|_| seen.turn.cause == Cause::Time) {
        let due = conference.compare_at.is_some_and(|at| at <= seen.turn.now);
        let Some(after) = seen.after.conferences.get(room).filter(|_| due) else { continue };
        for (focus, door) in &after.doors {
            let was_joined = conference.doors.get(focus).is_some_and(DoorView::is_joined);
            let anyone = !callers(&seen.after, room, focus).is_empty();
            let asked = door.comparing.is_some() || !(was_joined && door.is_joined() && anyone);
            ensure(asked, || format!("nobody is asked about the callers of {focus} in {room}"))?;
        }
    }
    Ok(())
}

/// Whoever is found absent has no call that was there when it was asked.
fn r4_who_is_found_absent_is_out(seen: &Seen) -> Result<(), String> {
    let still = |(id, leg): &(&LegId, &LegView)| {
        seen.before.legs.contains_key(id) && is_found_absent(seen, **id, leg)
    };
    let still = seen.after.legs.iter().find(still);
    ensure(still.is_none(), || format!("{still:?} goes on after {:?}", seen.turn.cause))
}

/// A focus user that is found absent, though it was taken to be in the room, is a door no more.
fn r4_a_focus_found_absent_has_no_calls(seen: &Seen) -> Result<(), String> {
    let Some((room, focus, ..)) = answered(seen).filter(|(.., answer)| !answer.focus_joined) else {
        return Ok(());
    };
    let door = |view: &View| view.conferences.get(room).and_then(|it| it.doors.get(focus)).cloned();
    if !door(&seen.before).is_some_and(|door| door.is_joined()) {
        return Ok(());
    }
    let leg = seen.after.legs.values().find(|leg| leg.group == *room && leg.focus == *focus);
    ensure(door(&seen.after).is_none() && leg.is_none(), || format!("{focus} is not in {room}: {leg:?}"))
}
