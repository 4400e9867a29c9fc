//! How well packets get through: told on of live sessions, on the roll while it is poor, and no reason for anything.
//!
//! When a connection is poor never lives here, see `reference/losses.rs`.

use confocal_conference::{ConferenceEvent, Effect, Input, MediaReport};

use super::ensure;
use crate::reference::is_of_a_live_session;
use crate::seen::{Cause, Seen};

super::invariants! {
    quality_is_told_on_and_changes_nothing: "design 4: a stale report is dropped; input: nothing is decided by how well packets get through",
    the_roll_says_whose_connection_is_poor: "R10: who is here, and how they are",
    quality_is_no_record: "design 3: levels and other ephemera are not records",
}

/// Each measurement of a live session is news, in the order of the report; one of a leg that is gone, or of another session, is
/// not; and nothing else comes of it.
fn quality_is_told_on_and_changes_nothing(seen: &Seen) -> Result<(), String> {
    let is_news = |effect: &&Effect| matches!(effect, Effect::Notify(ConferenceEvent::Quality { .. }));
    let measured = match &seen.turn.cause {
        Cause::Input(Input::Media(MediaReport::Quality(measured))) => measured,
        Cause::Input(_) | Cause::Time | Cause::Restored => {
            let untold = seen.turn.effects.iter().find(is_news);
            return ensure(untold.is_none(), || format!("nothing was measured, and told is {untold:?}"));
        }
    };
    let expected: Vec<Effect> = measured
        .iter()
        .filter(|measured| is_of_a_live_session(seen, measured))
        .zip(seen.reference.losses.told())
        .filter_map(|(measured, poor)| {
            let leg = seen.after.legs.get(&measured.leg)?;
            let conference = seen.after.conferences.get(&leg.group)?.id;
            let (poor, quality) = (*poor, measured.quality);
            Some(Effect::Notify(ConferenceEvent::Quality { conference, leg: measured.leg, quality, poor }))
        })
        .collect();
    let (effects, changes) = (&seen.turn.effects, &seen.turn.changes);
    ensure(*effects == expected && changes.is_empty(), || {
        format!("measured was {measured:?}, which led to {effects:?} and {changes:?}")
    })
}

/// Those on the roll have a poor connection who have one by one of their legs.
fn the_roll_says_whose_connection_is_poor(seen: &Seen) -> Result<(), String> {
    for (room, roll) in &seen.turn.rolls {
        for person in &roll.present {
            let poor = seen.after.legs.iter().any(|(id, leg)| {
                leg.group == *room
                    && leg.key.caller == person.member
                    && seen.reference.losses.make_poor(*id, leg)
            });
            ensure(person.poor_connection == poor, || format!("in {room}: {person:?}, expected {poor}"))?;
        }
    }
    Ok(())
}

/// No record of a leg says anything of its connection.
fn quality_is_no_record(seen: &Seen) -> Result<(), String> {
    for change in seen.turn.changes.iter().filter(|change| change.key.starts_with("leg/")) {
        let text = String::from_utf8_lossy(change.value.as_deref().unwrap_or_default());
        ensure(!text.contains("\"connection\""), || format!("{} says: {text}", change.key))?;
    }
    Ok(())
}
