//! Recordings: who starts one, who knows of it, and when it is over.
//!
//! What becomes of a recording never lives here.

use confocal_conference::{
    Command, Effect, Input, MediaCommand, MediaReport, Notice, RecordingId, Reply, Role, RoomKey,
    SignalRequest, Sound,
};

use super::ensure;
use crate::seen::{Cause, Seen};
use crate::view::ConferenceView;

super::invariants! {
    only_moderators_start_recordings: "R10: nobody but a moderator has a conference recorded",
    nobody_is_recorded_unawares: "everyone in a recorded conference has been told in words, before or at coming in",
    a_recording_is_heard_before_it_begins: "everyone hears that a recording begins before it does",
    nothing_is_recorded_without_participants: "a recording ends with the last participant",
    the_engine_records_what_the_record_says: "a recording is started once, stopped once, and lost with the engine",
}

/// Conferences that go on, before and after the turn.
fn conferences(seen: &Seen) -> impl Iterator<Item = (&RoomKey, Option<&ConferenceView>, &ConferenceView)> {
    seen.after.conferences.iter().map(|(room, after)| {
        let before = seen.before.conferences.get(room).filter(|before| before.id == after.id);
        (room, before, after)
    })
}

fn began(before: Option<&ConferenceView>, after: &ConferenceView) -> bool {
    after.recording.is_some()
        && before.and_then(|before| before.recording.as_ref()) != after.recording.as_ref()
}

/// A recording begins with the command of a moderator, who is named as the one who wants it.
fn only_moderators_start_recordings(seen: &Seen) -> Result<(), String> {
    for (room, before, after) in conferences(seen) {
        let Some(recording) = after.recording.as_ref().filter(|_| began(before, after)) else { continue };
        let by = match &seen.turn.cause {
            Cause::Input(Input::Commanded { by, command: Command::Record, .. }) => Some(by),
            Cause::Input(_) | Cause::Time | Cause::Restored => None,
        };
        let role = seen.reference.groups.get(room).map(|group| group.role(&recording.by));
        let by_moderator = by == Some(&recording.by) && (role == Some(Role::Moderator) || seen.setup.small);
        ensure(by_moderator, || {
            format!("{room} is recorded by {recording:?}, a {role:?}; asked for by {by:?}")
        })?;
    }
    Ok(())
}

/// Whoever was greeted before is told when it begins, whoever is greeted while it goes on is told with the greeting.
fn nobody_is_recorded_unawares(seen: &Seen) -> Result<(), String> {
    let told = |room: &RoomKey, wanted: &dyn Fn(&Notice) -> bool| {
        seen.turn.effects.iter().any(|effect| match effect {
            Effect::Send { request: SignalRequest::Notice { room: said, notice, .. }, .. } => {
                said == room && wanted(notice)
            }
            Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => false,
        })
    };
    for (room, before, after) in conferences(seen) {
        let Some(recording) = &after.recording else { continue };
        let begins = began(before, after);
        let started =
            |notice: &Notice| matches!(notice, Notice::RecordingStarted { by, .. } if *by == recording.by);
        let greeted = |notice: &Notice| matches!(notice, Notice::Joined { recorded_by, .. } if recorded_by.as_ref() == Some(&recording.by));
        for (id, leg) in seen.after.legs.iter().filter(|(_, leg)| leg.group == *room && leg.greeted) {
            let known = seen.before.legs.get(id).is_some_and(|before| before.greeted);
            let ok = match (known, begins) {
                (true, false) => true,
                (true, true) => told(&leg.key.room, &started),
                (false, _) => told(&leg.key.room, &greeted) || seen.turn.cause == Cause::Restored,
            };
            ensure(ok, || format!("leg {id} in {room} is recorded, and was not told"))?;
        }
        let joined = after.doors.values().any(crate::view::DoorView::is_joined);
        ensure(!begins || !joined || told(room, &started), || {
            format!("{room} is recorded, and was not told")
        })?;
    }
    Ok(())
}

/// The sound that says so is played before the recording begins.
fn a_recording_is_heard_before_it_begins(seen: &Seen) -> Result<(), String> {
    let mut heard = None;
    for effect in &seen.turn.effects {
        match effect {
            Effect::Media(MediaCommand::Play { conference, sound: Sound::RecordingStarted, .. }) => {
                heard = Some(*conference);
            }
            Effect::Media(MediaCommand::Record { conference, .. }) => {
                ensure(heard == Some(*conference), || {
                    format!("conference {conference} is recorded without a sound")
                })?;
            }
            Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => {}
        }
    }
    Ok(())
}

/// Where there is a recording somebody is in the conference.
fn nothing_is_recorded_without_participants(seen: &Seen) -> Result<(), String> {
    for (room, _, after) in conferences(seen).filter(|(_, _, after)| after.recording.is_some()) {
        let present = seen.turn.rolls.get(room).is_some_and(|roll| roll.total > 0);
        ensure(present, || format!("nobody is in {room}, and it is recorded: {:?}", after.recording))?;
        let told = seen.turn.rolls.get(room).and_then(|roll| roll.recorded_by.as_ref());
        let is = after.recording.as_ref().map(|recording| &recording.by);
        ensure(told == is, || format!("the roll of {room} says {told:?}, the record {is:?}"))?;
    }
    Ok(())
}

/// What the engine is told follows from what the records say.
fn the_engine_records_what_the_record_says(seen: &Seen) -> Result<(), String> {
    let commands = |record: bool| -> Vec<RecordingId> {
        let named = seen.turn.effects.iter().filter_map(|effect| match effect {
            Effect::Media(MediaCommand::Record { recording, .. }) if record => Some(*recording),
            Effect::Media(MediaCommand::StopRecording { recording, .. }) if !record => Some(*recording),
            Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => None,
        });
        named.collect()
    };
    let recordings = |conferences: &std::collections::BTreeMap<RoomKey, ConferenceView>| -> Vec<RecordingId> {
        let all = conferences.values().filter_map(|it| Some(it.recording.as_ref()?.id));
        all.collect()
    };
    let (before, after) = (recordings(&seen.before.conferences), recordings(&seen.after.conferences));
    let new: Vec<RecordingId> = after.iter().filter(|id| !before.contains(id)).copied().collect();
    let gone: Vec<RecordingId> = before.iter().filter(|id| !after.contains(id)).copied().collect();
    let lost = seen.turn.cause == Cause::Input(Input::EngineLost);
    ensure(commands(true) == new, || {
        format!("told to record {:?}, the records say {new:?}", commands(true))
    })?;
    let stopped = if lost { Vec::new() } else { gone.clone() };
    ensure(commands(false) == stopped, || format!("told to stop {:?}, gone are {gone:?}", commands(false)))?;
    ensure(!lost || after.is_empty(), || format!("recordings outlive the engine: {after:?}"))?;
    let failed = match &seen.turn.cause {
        Cause::Input(Input::Media(MediaReport::RecordingFailed { recording, .. })) => Some(recording),
        Cause::Input(_) | Cause::Time | Cause::Restored => None,
    };
    ensure(failed.is_none_or(|id| !after.contains(id)), || format!("{failed:?} goes on, though it failed"))?;
    let refused = seen.turn.effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Send {
                request: SignalRequest::Notice {
                    notice: Notice::Reply { command: Command::Record, reply: Reply::Denied(_), .. },
                    ..
                },
                ..
            }
        )
    });
    ensure(!refused || new.is_empty(), || format!("{new:?} was refused, and begins"))
}
