//! Legs ending: who must go goes at once, nobody goes for no cause, and the caller is told what there is to tell.
//!
//! What is said of a call before its end never lives here, see `calls.rs`.

use confocal_conference::{
    Command, ConferenceEvent, Effect, EndReason, Input, LegId, LegNews, MediaReport, Notice, Refusal, Reply,
    RequestOutcome, SecondDevice, SignalRequest,
};

use super::ensure;
use super::membership::{is_found_absent, is_of_absent_focus};
use crate::reference::is_the_caller;
use crate::seen::{CallFact, Cause, Seen};
use crate::view::{LegView, RecoveryView, StateView};

super::invariants! {
    r4_who_leaves_the_group_room_is_out: "R4: a user who leaves the group room is ejected",
    r5_who_leaves_the_direct_room_is_out: "R5: a user who leaves the 1:1 room is ejected",
    a_removed_focus_has_no_calls: "R2, R5: calls of a focus user that is in the rooms no more end",
    who_hangs_up_is_out: "design 3: a call that its caller ended is over",
    a_call_taken_elsewhere_is_out: "design 3: a call whose caller chose another answer is over",
    a_kick_removes: "R10: a moderator's kick removes the member",
    one_call_of_a_device: "design 3: the same party replaces its call, another device by policy",
    an_end_is_said_in_words: "design 3: a reason the caller can read",
    an_end_has_a_cause: "design 3: Left(reason) has that reason",
    an_end_is_told_where_there_is_something_to_tell: "design 3: hangup or reject, or silence for a reason",
}

fn nobody_left(seen: &Seen, goes: impl Fn(&LegView) -> bool) -> Result<(), String> {
    let left = seen.before.legs.iter().find(|(id, leg)| goes(leg) && seen.after.legs.contains_key(id));
    ensure(left.is_none(), || format!("{:?} goes on after {:?}", left, seen.turn.cause))
}

/// Whoever is said to have left the group room has no call there any more.
fn r4_who_leaves_the_group_room_is_out(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::MemberRemoved { room, member }) = &seen.turn.cause else { return Ok(()) };
    nobody_left(seen, |leg| leg.group == *room && leg.key.caller == *member)
}

/// Whoever is said to have left a 1:1 room has no call there any more.
fn r5_who_leaves_the_direct_room_is_out(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::MemberRemoved { room, member }) = &seen.turn.cause else { return Ok(()) };
    nobody_left(seen, |leg| leg.key.room == *room && leg.key.caller == *member)
}

/// A focus user that is said to be out of a room has no call there; one whose join is under way will see.
fn a_removed_focus_has_no_calls(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::FocusRemoved { focus, room }) = &seen.turn.cause else { return Ok(()) };
    nobody_left(seen, |leg| leg.key.room == *room && leg.focus == *focus)?;
    let door = seen.before.conferences.get(room).and_then(|conference| conference.doors.get(focus));
    if door.is_some_and(crate::view::DoorView::is_joined) {
        nobody_left(seen, |leg| leg.group == *room && leg.focus == *focus)?;
    }
    Ok(())
}

/// The caller hung up.
fn who_hangs_up_is_out(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::CallHungUp { key, party, .. }) = &seen.turn.cause else { return Ok(()) };
    nobody_left(seen, |leg| leg.key == *key && is_the_caller(leg, party.as_ref()))
}

/// The caller chose another party's answer; or ours, and then the call goes on.
fn a_call_taken_elsewhere_is_out(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::CallSelected { key, selected }) = &seen.turn.cause else { return Ok(()) };
    nobody_left(seen, |leg| leg.key == *key && leg.party != *selected)?;
    let Some((id, leg)) = seen.before.leg_of(key) else { return Ok(()) };
    let goes_on = leg.party != *selected || seen.after.legs.contains_key(&id);
    ensure(goes_on, || format!("leg {id} ended though its answer was chosen"))
}

/// Whoever was kicked has no call in the conference any more.
fn a_kick_removes(seen: &Seen) -> Result<(), String> {
    for effect in &seen.turn.effects {
        let Effect::Send { request: SignalRequest::Notice { notice, .. }, .. } = effect else { continue };
        let Notice::Reply { group, command: Command::Kick(member), reply: Reply::Done } = notice else {
            continue;
        };
        nobody_left(seen, |leg| leg.group == *group && leg.key.caller == *member)?;
    }
    Ok(())
}

/// The legs that ended in this turn.
fn ended(seen: &Seen) -> impl Iterator<Item = (LegId, EndReason)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Notify(ConferenceEvent::Leg { leg, state: LegNews::Left(reason), .. }) => {
            Some((*leg, *reason))
        }
        Effect::Notify(_) | Effect::Send { .. } | Effect::Media(_) => None,
    })
}

/// Each end is for something that happened, or for a time that is over.
fn an_end_has_a_cause(seen: &Seen) -> Result<(), String> {
    for (id, reason) in ended(seen) {
        let Some(leg) = seen.before.legs.get(&id) else {
            return Err(format!("leg {id} ended ({reason:?}) and was never there"));
        };
        ensure(is_caused(seen, id, leg, reason), || {
            format!("leg {id} ({leg:?}) ended: {reason:?} by {:?}", seen.turn.cause)
        })?;
    }
    Ok(())
}

fn is_caused(seen: &Seen, id: LegId, leg: &LegView, reason: EndReason) -> bool {
    let due = seen.turn.cause == Cause::Time && leg.deadline().is_some_and(|at| at <= seen.turn.now);
    let input = match &seen.turn.cause {
        Cause::Input(input) => Some(input),
        Cause::Time | Cause::Restored => None,
    };
    let report = match input {
        Some(Input::Media(report)) => Some(report),
        _ => None,
    };
    let refused = matches!(report, Some(MediaReport::OfferRefused { .. }));
    let no_offer = matches!(report, Some(MediaReport::NoOffer { .. }));
    let failed = matches!(report, Some(MediaReport::TransportFailed { .. }));
    let undone = matches!(input, Some(Input::RequestDone { outcome: RequestOutcome::Failed(_), .. }));
    let lost = matches!(input, Some(Input::EngineLost));
    let removed = match input {
        Some(Input::MemberRemoved { room, member }) => Some((room, member)),
        _ => None,
    };
    let focus_removed = match input {
        Some(Input::FocusRemoved { focus, room }) if *focus == leg.focus => Some(room),
        _ => None,
    };
    // The homeserver was asked for the rooms of one of us, and this one is not among them.
    let not_among = |room| matches!(input, Some(Input::RequestDone { outcome: RequestOutcome::Rooms(rooms), .. }) if !rooms.contains(room));
    let command = match input {
        Some(Input::Commanded { command, .. }) => Some(command),
        _ => None,
    };
    let of_this_call = match input {
        Some(Input::CallHungUp { key, .. } | Input::CallSelected { key, .. }) => *key == leg.key,
        _ => false,
    };
    match reason {
        EndReason::CallerHungUp => of_this_call && matches!(input, Some(Input::CallHungUp { .. })),
        EndReason::AnsweredElsewhere => of_this_call && matches!(input, Some(Input::CallSelected { .. })),
        EndReason::LeftGroup => {
            removed.is_some_and(|(room, who)| *room == leg.group && *who == leg.key.caller)
                || is_found_absent(seen, id, leg)
        }
        EndReason::LeftDirect => removed.is_some_and(|(room, _)| *room == leg.key.room),
        EndReason::FocusRemoved => {
            focus_removed == Some(&leg.group) || is_of_absent_focus(seen, leg) || not_among(&leg.group)
        }
        EndReason::FocusRemovedFromDirect => {
            focus_removed == Some(&leg.key.room)
                || undone
                || not_among(&leg.key.room)
                || removed.is_some_and(|(room, _)| *room == leg.key.room)
        }
        EndReason::Replaced => matches!(
            input,
            Some(Input::RequestDone { outcome: RequestOutcome::Admission(admission), .. }) if admission.joined
        ),
        EndReason::NeverConnected => matches!(leg.state, StateView::Connecting { .. }) && (due || failed),
        EndReason::MediaLost => matches!(leg.state, StateView::Reconnecting { .. }) && due,
        EndReason::Restarted => {
            let recovering = matches!(leg.state, StateView::Recovering(_));
            (leg.is_answered() && lost)
                || (recovering && (due || refused || no_offer || failed))
                || (matches!(leg.state, StateView::Recovering(RecoveryView::Offered { request, .. })
                    if matches!(input, Some(Input::RequestDone { id, .. }) if *id == request))
                    && undone)
        }
        EndReason::NoMedia => {
            seen.turn.cause == Cause::Time && leg.media_until.is_some_and(|at| at <= seen.turn.now)
        }
        EndReason::Kicked => matches!(command, Some(Command::Kick(who)) if *who == leg.key.caller),
        EndReason::Ended => matches!(command, Some(Command::End)),
        EndReason::Expired => {
            !leg.is_answered() && (due || (lost && leg.deadline().is_some_and(|at| at <= seen.turn.now)))
        }
        EndReason::Refused(_) => {
            let asked = matches!(input, Some(Input::RequestDone { .. }));
            asked || (refused && !leg.is_answered()) || seen.turn.cause == Cause::Time
        }
        EndReason::AnswerUndeliverable => {
            undone && matches!(input, Some(Input::RequestDone { id, .. }) if leg.answer == Some(*id))
        }
        EndReason::Renegotiation(_) => refused && leg.is_answered(),
    }
}

/// Whether the caller is told of such an end: not where it knows, or can't be told.
const fn is_told(reason: EndReason) -> bool {
    !matches!(
        reason,
        EndReason::CallerHungUp
            | EndReason::AnsweredElsewhere
            | EndReason::FocusRemovedFromDirect
            | EndReason::Expired
    )
}

/// A call ends by a word, or silently where its caller ended it, or it ran out, or no word could arrive.
fn an_end_is_told_where_there_is_something_to_tell(seen: &Seen) -> Result<(), String> {
    for (id, reason) in ended(seen) {
        let Some(key) = seen.legs.get(&id).and_then(|leg| leg.key.as_ref()) else { continue };
        let Some(facts) = seen.calls.get(key) else { continue };
        let rang = facts.iter().rposition(|fact| *fact == CallFact::Rang(id)).unwrap_or_default();
        let told = facts[rang..].iter().any(|fact| matches!(fact, CallFact::Rejected | CallFact::HungUp));
        ensure(told == is_told(reason), || format!("leg {id} ended ({reason:?}), told: {told}; {facts:?}"))?;
    }
    Ok(())
}

/// Whoever is let in with a call has no older one: of the same device, or, where devices replace each other, of any.
fn one_call_of_a_device(seen: &Seen) -> Result<(), String> {
    let add = seen.setup.config.second_device == SecondDevice::Add;
    for (new, leg) in seen.after.legs.iter().filter(|(_, leg)| leg.is_admitted()) {
        let replaced = |(old, other): &(&LegId, &LegView)| {
            let same_device = other.key.room == leg.key.room && other.caller_party == leg.caller_party;
            *old < new
                && other.group == leg.group
                && other.key.caller == leg.key.caller
                && (same_device || !add)
        };
        let old = seen.after.legs.iter().find(replaced);
        ensure(old.is_none(), || format!("leg {new} was let in, and {old:?} goes on"))?;
    }
    Ok(())
}

/// A call that we end is explained in the 1:1 room, to whoever can read it there.
fn an_end_is_said_in_words(seen: &Seen) -> Result<(), String> {
    for (id, reason) in ended(seen) {
        let Some(leg) = seen.before.legs.get(&id) else { continue };
        let explained = seen.turn.effects.iter().any(|effect| {
            let Effect::Send { request: SignalRequest::Notice { focus, room, notice }, .. } = effect else {
                return false;
            };
            let why = match notice {
                Notice::Refused { why, .. } => Some(EndReason::Refused(*why)),
                Notice::Ended { why, .. } => Some(*why),
                Notice::RoomReplaced { .. } => Some(EndReason::Refused(Refusal::RoomReplaced)),
                Notice::Encrypted { .. }
                | Notice::GroupEncrypted { .. }
                | Notice::Joined { .. }
                | Notice::Welcome { .. }
                | Notice::Deaf { .. }
                | Notice::Began { .. }
                | Notice::Over { .. }
                | Notice::RecordingStarted { .. }
                | Notice::RecordingStopped { .. }
                | Notice::FellBack { .. }
                | Notice::Screen { .. }
                | Notice::Voice { .. }
                | Notice::Reply { .. } => None,
            };
            *focus == leg.focus && *room == leg.key.room && why == Some(reason)
        });
        let due = is_told(reason) && reason != EndReason::LeftDirect;
        ensure(explained == due, || format!("leg {id} ended ({reason:?}), explained: {explained}"))?;
    }
    Ok(())
}
