//! Calls: each invite gets exactly one word, and whoever is let in was let in by the homeserver.
//!
//! Why calls end never lives here, see `endings.rs`.

use confocal_conference::{
    Admission, CallVersion, ConferenceEvent, Effect, Input, RequestOutcome, SignalRequest, Timestamp,
};

use super::ensure;
use crate::reference::is_the_caller;
use crate::seen::{CallFact, Cause, REMEMBERED, Seen};
use crate::view::StateView;

super::invariants! {
    an_invite_gets_a_word_or_a_reason: "design 3: exactly one of answer, reject, hangup, or silence for a reason",
    an_invite_is_answered_once: "design 3: every invite gets exactly one answer",
    no_answer_after_the_end: "design 3: exactly one of answer, reject, hangup",
    a_hangup_ends_an_answered_call: "design 3: an answered call is ended by a hangup",
    a_reject_refuses_an_unanswered_call: "design 3: an unanswered call is ended by a reject",
    a_call_ends_once: "design 3: exactly one end",
    an_ended_call_rings_no_more: "design 5: a late invite of an ended call is not answered",
    only_the_homeserver_lets_in: "R1, R3: only joined members of the group room may be in the conference",
    another_partys_events_change_nothing: "facts of the protocol: an event of another party is not the caller's",
    a_caller_is_spoken_to_in_its_dialect: "R3: answers are in the caller's version and by one party of ours",
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    AnsweredTwice,
    AnsweredAfterTheEnd,
    HungUpUnanswered,
    RejectedAnswered,
    EndedTwice,
}

/// What is wrong with the facts of a call.
fn problem(facts: &[CallFact]) -> Option<Problem> {
    let (mut goes_on, mut answered, mut ended) = (false, false, false);
    for fact in facts {
        match fact {
            CallFact::Rang(_) => (goes_on, answered, ended) = (true, false, false),
            CallFact::Answered if answered => return Some(Problem::AnsweredTwice),
            CallFact::Answered if !goes_on || ended => return Some(Problem::AnsweredAfterTheEnd),
            CallFact::Answered => answered = true,
            CallFact::Rejected | CallFact::HungUp if ended => return Some(Problem::EndedTwice),
            // Refused without ringing.
            CallFact::Rejected if !goes_on => {}
            CallFact::Rejected if answered => return Some(Problem::RejectedAnswered),
            CallFact::HungUp if !goes_on => return Some(Problem::EndedTwice),
            CallFact::HungUp if !answered => return Some(Problem::HungUpUnanswered),
            CallFact::Rejected | CallFact::HungUp => ended = true,
            CallFact::Left(_) if !goes_on => return Some(Problem::EndedTwice),
            CallFact::Left(_) => (goes_on, ended) = (false, false),
            CallFact::Ignored(_) => {}
        }
    }
    None
}

fn without(seen: &Seen, unwanted: Problem) -> Result<(), String> {
    for key in &seen.calls_touched {
        let facts = seen.calls.get(key).map_or(&[][..], |facts| facts);
        ensure(problem(facts) != Some(unwanted), || format!("the call {key:?}: {facts:?}"))?;
    }
    Ok(())
}

/// An invite rings, is rejected at once, or is ignored for a stated reason: exactly one of the three.
fn an_invite_gets_a_word_or_a_reason(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::CallInvited(invite)) = &seen.turn.cause else { return Ok(()) };
    let of_it = |effect: &&Effect| match effect {
        Effect::Send { request: SignalRequest::Reject { to }, .. } => {
            to.call == invite.key.call && to.room == invite.key.room && to.caller == invite.key.caller
        }
        Effect::Notify(ConferenceEvent::CallIgnored { key, .. }) => *key == invite.key,
        Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => false,
    };
    let rang = seen.after.leg_of(&invite.key).is_some() && seen.before.leg_of(&invite.key).is_none();
    let words = seen.turn.effects.iter().filter(of_it).count() + usize::from(rang);
    ensure(words == 1, || format!("{words} words for {:?}: {:?}", invite.key, seen.turn.effects))
}

/// At most one answer.
fn an_invite_is_answered_once(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::AnsweredTwice)
}

/// No answer after a reject, a hangup, or a silent end.
fn no_answer_after_the_end(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::AnsweredAfterTheEnd)
}

/// A hangup is said of an answered call only.
fn a_hangup_ends_an_answered_call(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::HungUpUnanswered)
}

/// A reject is said of an unanswered call only.
fn a_reject_refuses_an_unanswered_call(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::RejectedAnswered)
}

/// One end, and nothing after it.
fn a_call_ends_once(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::EndedTwice)
}

/// A call that has ended, or was hung up before it came, does not ring; where memory is small it may be forgotten.
fn an_ended_call_rings_no_more(seen: &Seen) -> Result<(), String> {
    if seen.setup.small {
        return Ok(());
    }
    let Cause::Input(Input::CallInvited(invite)) = &seen.turn.cause else { return Ok(()) };
    let rings = seen.after.leg_of(&invite.key).is_some() && seen.before.leg_of(&invite.key).is_none();
    let Some(ended) = seen.ended_at.get(&invite.key).filter(|_| rings) else { return Ok(()) };
    let ago = seen.turn.now.since(*ended);
    ensure(ago >= REMEMBERED, || format!("{:?} rings though it ended {ago} ago", invite.key))
}

/// A leg is let in by the homeserver's word on its caller, and by nothing else.
fn only_the_homeserver_lets_in(seen: &Seen) -> Result<(), String> {
    if seen.turn.cause == Cause::Restored {
        return Ok(());
    }
    for (id, leg) in seen.after.legs.iter().filter(|(_, leg)| leg.is_admitted()) {
        let before = seen.before.legs.get(id);
        if before.is_some_and(crate::view::LegView::is_admitted) {
            continue;
        }
        let asked = before.and_then(|leg| match leg.state {
            StateView::Ringing { admission, .. } => admission,
            StateView::Answering { .. }
            | StateView::Connecting { .. }
            | StateView::Active
            | StateView::Reconnecting { .. }
            | StateView::Recovering(_) => None,
        });
        let word = match &seen.turn.cause {
            Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Admission(admission) }) => {
                Some((*id, admission))
            }
            Cause::Input(_) | Cause::Time | Cause::Restored => None,
        };
        let may = word.is_some_and(|(answered, Admission { joined, direct_members, .. })| {
            asked == Some(answered) && *joined && *direct_members <= 2
        });
        ensure(may, || format!("leg {id} of {:?} is let in: asked {asked:?}, word {word:?}", leg.key))?;
    }
    Ok(())
}

/// An event of a party that did not place the call is as if it had not come.
fn another_partys_events_change_nothing(seen: &Seen) -> Result<(), String> {
    let Cause::Input(
        Input::CallHungUp { key, party, .. }
        | Input::CallCandidates { key, party, .. }
        | Input::CallNegotiated { key, party, .. }
        | Input::CallNegotiateAnswered { key, party, .. }
        | Input::CallMetadataChanged { key, party, .. },
    ) = &seen.turn.cause
    else {
        return Ok(());
    };
    let Some((id, leg)) = seen.before.leg_of(key) else { return Ok(()) };
    let nothing = seen.turn.effects.is_empty() && seen.turn.changes.is_empty();
    // What was due before the machine was told the time is done with the next event, whatever that is.
    let late = |due: Timestamp| due <= seen.turn.now;
    let overdue = seen.before.conferences.values().any(|it| it.announcing.due.is_some_and(late));
    ensure(nothing || overdue || is_the_caller(leg, party.as_ref()), || {
        format!(
            "leg {id} is {:?}'s, yet an event of {party:?} led to {:?}",
            leg.caller_party, seen.turn.effects
        )
    })
}

/// Version, party and description of streams are those of the call.
fn a_caller_is_spoken_to_in_its_dialect(seen: &Seen) -> Result<(), String> {
    for effect in &seen.turn.effects {
        let Effect::Send { request, .. } = effect else { continue };
        let (to, described, negotiates) = match request {
            SignalRequest::Answer { to, streams, .. } => (to, Some(streams.is_some()), false),
            SignalRequest::NegotiateAnswer { to, streams, .. } => (to, Some(streams.is_some()), true),
            SignalRequest::NegotiateOffer { to, .. } | SignalRequest::DescribeStreams { to, .. } => {
                (to, Some(true), true)
            }
            SignalRequest::Hangup { to, .. } | SignalRequest::Reject { to } => (to, None, false),
            SignalRequest::AssertIdentity { to, .. } => (to, None, true),
            SignalRequest::JoinGroup { .. }
            | SignalRequest::JoinDirect { .. }
            | SignalRequest::JoinAsBot { .. }
            | SignalRequest::Leave { .. }
            | SignalRequest::CompareMembers { .. }
            | SignalRequest::LeaveIfAlone { .. }
            | SignalRequest::InviteFocus { .. }
            | SignalRequest::Announce { .. }
            | SignalRequest::CountOut { .. }
            | SignalRequest::AskAdmission { .. }
            | SignalRequest::AskRooms { .. }
            | SignalRequest::Notice { .. } => continue,
        };
        let is_it = |leg: &&crate::view::LegView| {
            leg.key.call == to.call && leg.key.room == to.room && leg.key.caller == to.caller
        };
        let Some(leg) = seen.before.legs.values().find(is_it) else { continue };
        let fits = to.version == leg.version
            && to.party == leg.party
            && to.focus == leg.focus
            && Some(&to.party) != leg.caller_party.as_ref()
            && described.is_none_or(|described| described == leg.wants_metadata)
            && !(negotiates && leg.version == CallVersion::V0);
        ensure(fits, || format!("{request:?} is said to {leg:?}"))?;
    }
    Ok(())
}
