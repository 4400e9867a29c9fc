//! Deadlines: the machine asks to be told the time when the first of its records' deadlines is due, and then does what is due.
//!
//! Which deadlines there are never lives here, see `view.rs`.

use confocal_conference::{RequestId, TimerKind, Timestamp};

use super::ensure;
use super::pictures::picture_is_free;
use crate::seen::{Cause, Seen};
use crate::view::{AloneView, DoorStateView, RecoveryView, StateView};

super::invariants! {
    the_deadline_is_the_records_first: "design 3: deadlines survive a restart; none that is set is forgotten",
    what_is_due_is_done: "style 7: no deadline lies in the past after the time was told",
    who_waits_without_a_deadline_waits_for_an_outcome: "design 3: every leg that waits has a deadline, or waits for a request",
    an_outcome_that_is_waited_for_will_come: "design 4: what a record waits for is under way",
}

/// The deadlines of legs, conferences and doors in the records: those that lead to something.
pub(crate) fn deadlines_of_calls_and_rooms(seen: &Seen) -> impl Iterator<Item = Timestamp> {
    let legs = seen.after.legs.values();
    let legs = legs.flat_map(|leg| [leg.deadline(), leg.media_until, leg.second.asking.deadline()]).flatten();
    // Of a grid that only a moderator asks for again there is nothing more to wait for.
    let rests = seen.after.conferences.values().map(|conference| &conference.showing);
    let rests = rests.filter(|showing| !showing.rested).filter_map(|showing| showing.rests_until);
    let lingers = seen.after.conferences.values();
    let lingers = lingers.flat_map(|conference| [conference.linger_until, conference.compare_at]).flatten();
    let doors = seen.after.conferences.values().flat_map(|conference| conference.doors.values());
    let doors = doors.filter_map(|door| match door.state {
        DoorStateView::Uninvited { until } => Some(until),
        DoorStateView::Waiting { until } => until,
        DoorStateView::Joining { .. } | DoorStateView::Active | DoorStateView::Leaving { .. } => None,
    });
    let announcements = seen.after.conferences.values().filter_map(|conference| conference.announcing.due);
    let alone = seen.after.conferences.values().filter_map(|conference| match conference.alone {
        AloneView::At(at) => Some(at),
        AloneView::No | AloneView::Told => None,
    });
    let sights = seen.after.conferences.values().filter_map(|conference| conference.sight.due());
    let looks = seen.after.bots.values().filter_map(|bot| bot.look_at);
    let leaves = seen.after.departures.values().filter_map(|departure| departure.again);
    legs.chain(rests)
        .chain(lingers)
        .chain(doors)
        .chain(announcements)
        .chain(alone)
        .chain(sights)
        .chain(looks)
        .chain(leaves)
}

/// The deadlines of what is remembered in the records: those that end with its being forgotten, or with leaving a 1:1 room.
fn deadlines_of_memory(seen: &Seen) -> impl Iterator<Item = Timestamp> {
    let directs = seen.after.directs.values().map(|direct| direct.until);
    let ended = seen.after.ended.values().map(|ended| ended.until);
    let early = seen.after.early.values().map(|early| early.until);
    let deeds = seen.after.deeds.values().filter_map(crate::view::DeedsView::until);
    directs.chain(ended).chain(early).chain(deeds)
}

/// `Focus::poll_timeout` names the earliest deadline that is in the records.
fn the_deadline_is_the_records_first(seen: &Seen) -> Result<(), String> {
    let (asked, first) = (
        seen.turn.deadline.as_ref(),
        deadlines_of_calls_and_rooms(seen).chain(deadlines_of_memory(seen)).min(),
    );
    // Who speaks is not in the records, and so is not when they may have the picture.
    let earlier = asked.is_some_and(|deadline| {
        let TimerKind::Picture(room) = &deadline.why else { return false };
        picture_is_free(seen, room) == Some(deadline.at) && first.is_none_or(|first| deadline.at < first)
    });
    ensure(earlier || asked.map(|deadline| deadline.at) == first, || {
        format!("asked for {asked:?}, recorded {first:?}")
    })
}

/// After the time was told no deadline is due.
fn what_is_due_is_done(seen: &Seen) -> Result<(), String> {
    let overdue = seen.turn.deadline.as_ref().filter(|deadline| deadline.at <= seen.turn.now);
    ensure(seen.turn.cause != Cause::Time || overdue.is_none(), || {
        format!("{overdue:?} is due at {:?}", seen.turn.now)
    })
}

/// A leg that waits for its answer to arrive has one under way; every other one that waits has a deadline.
fn who_waits_without_a_deadline_waits_for_an_outcome(seen: &Seen) -> Result<(), String> {
    for (id, leg) in &seen.after.legs {
        let waits = leg.deadline().is_some()
            || match leg.state {
                StateView::Active => true,
                StateView::Recovering(RecoveryView::Delivering) => leg.answer.is_some(),
                StateView::Ringing { .. }
                | StateView::Answering { .. }
                | StateView::Connecting { .. }
                | StateView::Reconnecting { .. }
                | StateView::Recovering(_) => false,
            };
        ensure(waits, || format!("leg {id} waits for nothing: {leg:?}"))?;
    }
    Ok(())
}

/// Each request that a record names as under way is: its outcome is not known yet.
fn an_outcome_that_is_waited_for_will_come(seen: &Seen) -> Result<(), String> {
    let legs = seen.after.legs.values().flat_map(|leg| {
        let admission = match leg.state {
            StateView::Ringing { admission, .. } => admission,
            StateView::Answering { .. }
            | StateView::Connecting { .. }
            | StateView::Active
            | StateView::Reconnecting { .. }
            | StateView::Recovering(_) => None,
        };
        [leg.answer, admission]
    });
    let doors = seen.after.conferences.values().flat_map(|conference| conference.doors.values());
    let doors = doors.flat_map(|door| {
        let moving = match door.state {
            DoorStateView::Joining { request } | DoorStateView::Leaving { request } => Some(request),
            DoorStateView::Uninvited { .. } | DoorStateView::Waiting { .. } | DoorStateView::Active => None,
        };
        [moving, door.comparing.as_ref().map(|comparing| comparing.request)]
    });
    let directs = seen.after.directs.values().flat_map(|direct| direct.doors.values());
    let doors_counted = seen.after.conferences.values().flat_map(|conference| conference.doors.values());
    let counted =
        doors_counted.map(|door| door.counted_out).chain(seen.after.bots.values().map(|bot| bot.counted_out));
    let counted = counted.map(crate::view::CountedOutView::asked);
    let announcements = seen.after.conferences.values().map(|conference| conference.announcing.request);
    let bots = seen.after.bots.values().flat_map(|bot| [bot.joining, bot.inviting, bot.looking]);
    let leaves = seen.after.departures.iter().filter(|(_, departure)| departure.again.is_none());
    let told = counted.chain(announcements).chain(bots).chain(leaves.map(|(id, _)| Some(*id)));
    let waited_for = legs.chain(doors).chain(directs.map(|door| door.joining)).chain(told).flatten();
    let known: Vec<RequestId> = waited_for.filter(|id| !seen.outstanding.contains(id)).collect();
    ensure(known.is_empty(), || format!("{known:?} are waited for, and are not under way"))
}
