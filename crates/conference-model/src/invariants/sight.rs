//! Whether callers know that there is something to see.
//!
//! Who is shown never lives here (`pictures.rs`).

use std::collections::BTreeSet;

use confocal_conference::{CallKey, CallVersion, Effect, ParticipantId, SignalRequest, StreamPurpose};

use super::ensure;
use super::pictures::grid_is_due;
use crate::seen::{Cause, Seen};
use crate::view::{APART, ConferenceView, LegView, SightView, ToldView};

super::invariants! {
    what_there_is_to_see_is_known: "video: there is something to see in the grid, or of whoever has a camera on or a screen, for all but themselves",
    who_can_see_is_told_so: "video: a client that shows pictures was told whether there is something to see beside its line for screens, as all were last or as it is",
    what_there_is_to_see_is_told_in_time: "video: what has changed is told within five seconds, and not twice in five",
}

/// What there is to see in a conference.
fn due(seen: &Seen, conference: &ConferenceView) -> SightView {
    let showing = &conference.showing;
    if grid_is_due(seen, showing) {
        return SightView { any: true, but: None, screen: None };
    }
    let in_it =
        |leg: &&LegView| seen.after.conferences.get(&leg.group).is_some_and(|it| it.id == conference.id);
    let cameras = seen.after.legs.values().filter(in_it).filter(|leg| leg.shows_camera());
    let screen = showing.screen.and_then(|leg| seen.after.legs.get(&leg)).map(|leg| leg.participant);
    let cameras: BTreeSet<ParticipantId> = cameras.map(|leg| leg.participant).collect();
    let but = cameras.first().copied().filter(|_| cameras.len() == 1);
    SightView { any: !cameras.is_empty(), but, screen }
}

fn what_there_is_to_see_is_known(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        // In an empty one nobody is told.
        if !seen.after.legs.values().any(|leg| leg.group == *room) {
            continue;
        }
        let due = due(seen, conference);
        ensure(conference.sight.seen == due, || format!("{:?} in {room}, not {due:?}", conference.sight))?;
    }
    Ok(())
}

/// What a request says of a call's pictures, if it says something: whether there are none.
pub(crate) fn said(request: &SignalRequest) -> Option<(CallKey, bool)> {
    let (SignalRequest::Answer { to, streams: Some(streams), .. }
    | SignalRequest::NegotiateAnswer { to, streams: Some(streams), .. }
    | SignalRequest::NegotiateOffer { to, streams, .. }
    | SignalRequest::DescribeStreams { to, streams, .. }) = request
    else {
        return None;
    };
    let camera = streams.values().find(|stream| stream.purpose == StreamPurpose::UserMedia)?;
    Some((to.key(), camera.video_muted))
}

fn who_can_see_is_told_so(seen: &Seen) -> Result<(), String> {
    for (id, leg) in &seen.after.legs {
        let shows = leg.version == CallVersion::V1 && leg.wants_metadata && leg.agreed.pictures;
        let Some(conference) = seen.after.conferences.get(&leg.group) else { continue };
        if !shows || !leg.is_answered() {
            continue;
        }
        let now = seen.turn.effects.iter().rev().find_map(|effect| match effect {
            Effect::Send { request, .. } => said(request).filter(|(key, _)| *key == leg.key),
            Effect::Media(_) | Effect::Notify(_) => None,
        });
        let dark = now.map(|(_, dark)| dark).or_else(|| seen.dark.get(&leg.key).copied());
        // Where somebody sees screens elsewhere by now, they may know what is so already, and no third thing.
        let ToldView { told, seen: is, loose, .. } = &conference.sight;
        let knows = |sight: &SightView| dark == Some(!sight.of(leg));
        ensure(knows(told) || (*loose && knows(is)), || {
            format!("leg {id} was told {dark:?} of there being nothing to see: {:?}", conference.sight)
        })?;
    }
    Ok(())
}

fn what_there_is_to_see_is_told_in_time(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        let sight = &conference.sight;
        if sight.told != sight.seen {
            let latest = sight.since.map(|since| since + APART);
            let waits = sight.due().is_some_and(|due| Some(due) <= latest);
            // Time may have passed that the machine was not told.
            let late = latest.is_none_or(|at| at <= seen.turn.now) && seen.turn.cause == Cause::Time;
            ensure(waits && !late, || format!("{sight:?} in {room} at {:?}", seen.turn.now))?;
        }
        let before = seen.before.conferences.get(room).filter(|before| before.id == conference.id);
        let Some(before) = before.map(|before| &before.sight).filter(|before| before.told != sight.told)
        else {
            continue;
        };
        let lately = before.at.is_some_and(|at| seen.turn.now < at + APART);
        ensure(!lately, || format!("{before:?} has become {sight:?} in {room}"))?;
    }
    Ok(())
}
