//! Memory: what a peer can make grow is bounded, ids are never used again, and what need not be kept is not.
//!
//! What is kept never lives here, see `view.rs`.

use std::collections::BTreeMap;

use confocal_conference::{MemberId, RoomKey};

use super::ensure;
use crate::seen::{Cause, REMEMBERED, Seen};
use crate::setup::CANDIDATE;
use crate::view::{LegView, RecoveryView, StateView};

super::invariants! {
    records_can_be_read: "design 3: durable state is a map of records",
    request_ids_grow: "design 4: transaction ids derive from request ids",
    leg_ids_grow: "design 3: a leg's id is a counter that is never used again",
    memory_is_bounded: "design 3: everything that a peer can make grow is bounded",
    participants_are_within_the_limit: "design 3: everything that a peer can make grow is bounded",
    no_description_outlives_its_use: "design 3: an SDP leaves the record once answered",
    no_candidate_outlives_its_call: "design 7: addresses leave the store when the call ends",
}

/// Each record has a kind that is known, and is what its kind is.
fn records_can_be_read(seen: &Seen) -> Result<(), String> {
    seen.unreadable.clone().map_or(Ok(()), Err)
}

/// Each request has a higher id than all before.
fn request_ids_grow(seen: &Seen) -> Result<(), String> {
    let (before, now) = &seen.requests;
    let grow = now.windows(2).all(|pair| pair[0] < pair[1])
        && now.first().is_none_or(|first| Some(*first) > *before);
    ensure(grow, || format!("after {before:?} come {now:?}"))
}

/// Each new leg has a higher id than all before.
fn leg_ids_grow(seen: &Seen) -> Result<(), String> {
    let new = |id: &&confocal_conference::LegId| seen.legs_touched.get(id) == Some(&0);
    let last = seen.legs.keys().rfind(|id| !new(id));
    let first = seen.legs.keys().find(new);
    let fits = first.is_none() || first > last || seen.turn.cause == Cause::Restored;
    ensure(fits, || format!("leg {first:?} comes after {last:?}"))
}

fn at_most(what: &str, is: usize, limit: usize) -> Result<(), String> {
    ensure(is <= limit, || format!("{what}: {is} of at most {limit}"))
}

/// Records count no more than the limits say.
fn memory_is_bounded(seen: &Seen) -> Result<(), String> {
    let (limits, view) = (&seen.setup.config.limits, &seen.after);
    at_most("conferences", view.conferences.len(), limits.conferences)?;
    at_most("1:1 rooms", view.directs.len(), limits.direct_rooms)?;
    at_most("rooms of the bot", view.bots.len(), limits.bot_rooms)?;
    for bot in view.bots.values() {
        let brought = view.bots.values().filter(|other| other.by == bot.by).count();
        at_most(&format!("rooms of the bot by {}", bot.by), brought, limits.bot_rooms_per_member)?;
    }
    let stay = view.conferences.values().filter(|conference| conference.stay).count();
    at_most("rooms to stay in", stay, limits.stay_rooms)?;
    at_most("made-up names", view.names.len(), limits.made_up_names)?;
    at_most("ended calls", view.ended.len(), limits.ended_calls)?;
    at_most("rooms to leave", view.departures.len(), limits.departures)?;
    at_most("early candidates", view.early.len(), limits.early_calls)?;
    at_most("members whose deeds are counted", view.deeds.len(), limits.counted_members)?;
    for early in view.early.values() {
        at_most("candidates of an early call", early.candidates.len(), limits.candidates_per_call)?;
    }
    let mut rooms_of: BTreeMap<&MemberId, usize> = BTreeMap::new();
    for direct in view.directs.values() {
        at_most("focus users in a 1:1 room", direct.doors.len(), limits.doors_per_direct_room)?;
        *rooms_of.entry(&direct.with).or_default() += 1;
    }
    for (member, rooms) in rooms_of {
        at_most(&format!("1:1 rooms of {member}"), rooms, limits.direct_rooms_per_member)?;
    }
    let (mut members, mut servers): (BTreeMap<&MemberId, usize>, BTreeMap<&str, usize>) = Default::default();
    let mut legs_in: BTreeMap<&RoomKey, usize> = BTreeMap::new();
    for leg in view.legs.values() {
        *members.entry(&leg.key.caller).or_default() += 1;
        *servers.entry(leg.key.caller.server()).or_default() += 1;
        *legs_in.entry(&leg.group).or_default() += 1;
    }
    for (member, calls) in members {
        at_most(&format!("calls of {member}"), calls, limits.calls_per_member)?;
    }
    for (server, calls) in servers {
        at_most(&format!("calls of {server}"), calls, limits.calls_per_server)?;
    }
    for (room, legs) in legs_in {
        at_most(&format!("calls in {room}"), legs, limits.legs_per_conference)?;
    }
    for (room, conference) in &view.conferences {
        at_most("doors", conference.doors.len(), limits.doors_per_conference)?;
        at_most("roles", conference.floor.roles.len(), limits.roles)?;
        let here = |member: &&MemberId| {
            view.legs.values().any(|leg| leg.group == *room && leg.key.caller == **member)
        };
        let remembered = conference.floor.people.keys().filter(|member| !here(member)).count();
        at_most("people remembered", remembered, limits.remembered_members)?;
    }
    Ok(())
}

/// A conference has no more participants than it may.
fn participants_are_within_the_limit(seen: &Seen) -> Result<(), String> {
    let limit = seen.setup.config.limits.participants_per_conference;
    for (room, roll) in &seen.turn.rolls {
        at_most(&format!("participants in {room}"), roll.total, limit)?;
    }
    Ok(())
}

/// Only the record of a leg that has an offer to be answered holds a description.
fn no_description_outlives_its_use(seen: &Seen) -> Result<(), String> {
    for change in &seen.turn.changes {
        let text = String::from_utf8_lossy(change.value.as_deref().unwrap_or_default());
        if !text.contains("sdp:") {
            continue;
        }
        let id =
            change.key.strip_prefix("leg/").and_then(|id| id.parse().ok()).map(confocal_conference::LegId);
        let leg = id.and_then(|id| seen.after.legs.get(&id));
        // An offer of ours takes the place of one of the caller's that was not answered.
        let offering = |leg: &LegView| {
            use RecoveryView::{Offered, Offering};
            matches!(leg.state, StateView::Recovering(Offering { .. } | Offered { .. }))
        };
        let answering = |leg: &LegView| leg.negotiating.is_some() && !offering(leg);
        let needed = leg.is_some_and(|leg| !leg.is_answered() || answering(leg));
        ensure(needed && !text.contains("sdp:answer"), || {
            format!("{} holds a description: {text}", change.key)
        })?;
    }
    Ok(())
}

/// Candidates are kept for calls that are expected or go on: addresses leave the store when the call ends.
fn no_candidate_outlives_its_call(seen: &Seen) -> Result<(), String> {
    for early in seen.after.early.values() {
        // Where memory is small an ended call may be forgotten, and its candidates are then taken for a new one's.
        let ended = seen.ended_at.get(&early.key).filter(|_| !seen.setup.small);
        let lately = ended.is_some_and(|at| seen.turn.now.since(*at) < REMEMBERED);
        let over = seen.ending.contains(&early.key) || lately;
        ensure(!over, || format!("candidates of {:?} are kept, which is over", early.key))?;
    }
    for change in &seen.turn.changes {
        let text = String::from_utf8_lossy(change.value.as_deref().unwrap_or_default());
        if !text.contains(CANDIDATE) || change.key.starts_with("early/") {
            continue;
        }
        let id =
            change.key.strip_prefix("leg/").and_then(|id| id.parse().ok()).map(confocal_conference::LegId);
        let leg = id.and_then(|id| seen.after.legs.get(&id));
        let needed = leg
            .is_some_and(|leg| matches!(leg.state, StateView::Ringing { .. } | StateView::Answering { .. }));
        ensure(needed, || format!("{} holds candidates: {text}", change.key))?;
    }
    Ok(())
}
