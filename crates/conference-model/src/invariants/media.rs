//! The engine's sessions: commands are for open ones, each has its generation, none outlives its leg.
//!
//! Who may be heard never lives here, see `people.rs`.

use confocal_conference::{
    Effect, EndReason, Generation, Input, LegNews, MediaReport, OfferNumber, SignalRequest,
};

use super::ensure;
use crate::seen::{Cause, LegFact, LegLog, Seen};
use crate::view::{RecoveryView, StateView};

super::invariants! {
    an_ended_leg_is_never_named_again: "style 7: no effect names a leg that has left",
    commands_are_for_the_open_session: "design 4: each media command carries leg and generation of an open session",
    a_session_is_opened_where_none_is: "design 4: one session a leg at a time",
    generations_grow: "ids: a generation grows each time the leg's media is set up anew",
    offer_numbers_grow: "ids: an offer's number grows with each later one",
    a_session_ends_with_its_leg: "design 4: on an ejection the media closes at once",
    a_session_is_where_the_state_has_one: "design 3: no session for one who was not let in",
    a_stale_report_changes_nothing: "design 4: a stale report is dropped",
    states_follow_the_diagram: "design 3: the leg's lifecycle",
    candidates_are_bounded: "design 3: candidates per call are bounded",
    candidates_are_passed_on: "design 3: candidates up to the limit reach the engine",
    only_a_starved_session_ends_for_want_of_packets: "input: Flow is of one session",
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    NamedAfterTheEnd,
    NotOpen,
    OpenAlready,
    GenerationNotGrown,
    NumberNotGrown,
    LeftOpen,
    TooManyCandidates,
    NotInTheDiagram,
    EndedThoughItFlowed,
    CandidatesNotPassedOn,
}

/// Goes through what was seen of a leg and gives the problems that showed from the `from`th fact on.
fn problems(log: &LegLog, from: usize, candidates: usize) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut open: Option<Generation> = None;
    let mut last: Option<Generation> = None;
    let mut number: Option<OfferNumber> = None;
    let mut state: Option<LegNews> = None;
    let mut flow: Option<bool> = None;
    let (mut taken, mut told, mut gone) = (0, 0, false);
    for (at, fact) in log.facts.iter().enumerate() {
        let mut note = |problem, is: bool| {
            if is && at >= from {
                found.push(problem);
            }
        };
        note(Problem::NamedAfterTheEnd, gone);
        match fact {
            LegFact::Open(generation, new) | LegFact::Offer(generation, new) => {
                note(Problem::OpenAlready, open.is_some());
                note(Problem::GenerationNotGrown, last.is_some_and(|last| *generation <= last));
                (open, last, taken, flow) = (Some(*generation), Some(*generation), 0, None);
                // The same offer of the caller's may be answered once more, in a new session; each of ours is a new one.
                let ours = matches!(fact, LegFact::Offer(..));
                note(
                    Problem::NumberNotGrown,
                    number.is_some_and(|number| *new < number || (ours && *new == number)),
                );
                number = Some(*new);
            }
            LegFact::Renegotiate(generation, new) => {
                note(Problem::NotOpen, open != Some(*generation));
                note(Problem::NumberNotGrown, number.is_some_and(|number| *new <= number));
                (number, taken, told) = (Some(*new), 0, 0);
            }
            LegFact::OfferAgain(generation, new, _) => {
                note(Problem::NotOpen, open != Some(*generation));
                note(Problem::NumberNotGrown, number.is_some_and(|number| *new <= number));
                number = Some(*new);
            }
            LegFact::Accept(generation) | LegFact::Heard(generation, _) | LegFact::Describe(generation) => {
                note(Problem::NotOpen, open != Some(*generation));
            }
            LegFact::Candidates(generation, new) => {
                note(Problem::NotOpen, open != Some(*generation));
                taken += new;
                note(Problem::TooManyCandidates, taken > candidates);
            }
            LegFact::Close(generation) => {
                note(Problem::NotOpen, open != Some(*generation));
                open = None;
            }
            LegFact::EngineLost => open = None,
            LegFact::Flow(generation, flows) if Some(*generation) == last => flow = Some(*flows),
            LegFact::Flow(..) => {}
            LegFact::Told(new) => {
                told += new;
                // Those that came before the invite count towards the limit too: they are seen only as passed on.
                // What came while no session was open counts, though none was passed on.
                let passed_on =
                    matches!(log.facts.get(at + 1), Some(LegFact::Candidates(_, passed)) if passed == new);
                let room = told.max(taken + new) <= candidates;
                let due = open.is_some() && *new > 0 && room;
                note(Problem::CandidatesNotPassedOn, due && !passed_on);
            }
            LegFact::News(news) => {
                note(Problem::NotInTheDiagram, !may_follow(state, *news));
                state = Some(*news);
                let starved = *news == LegNews::Left(EndReason::NoMedia);
                note(Problem::EndedThoughItFlowed, starved && flow != Some(false));
                gone = matches!(news, LegNews::Left(_));
                note(Problem::LeftOpen, gone && open.is_some());
            }
            LegFact::Level | LegFact::Quality => {}
        }
    }
    found
}

/// Whether a state may follow another; each may be told again.
fn may_follow(before: Option<LegNews>, after: LegNews) -> bool {
    let Some(before) = before else { return true };
    let connected = |state| matches!(state, LegNews::Active { .. } | LegNews::Held | LegNews::Reconnecting);
    match (before, after) {
        (LegNews::Left(_), _) => false,
        (_, LegNews::Left(_)) => true,
        (LegNews::Ringing, LegNews::Ringing | LegNews::Answering) => true,
        (LegNews::Answering, LegNews::Answering | LegNews::Connecting) => true,
        (LegNews::Connecting, LegNews::Connecting) => true,
        (LegNews::Connecting | LegNews::Active { .. } | LegNews::Held | LegNews::Reconnecting, after) => {
            connected(after)
        }
        (LegNews::Ringing | LegNews::Answering, _) => false,
    }
}

fn without(seen: &Seen, unwanted: Problem) -> Result<(), String> {
    let limit = seen.setup.config.limits.candidates_per_call;
    for (id, from) in &seen.legs_touched {
        let Some(log) = seen.legs.get(id) else { continue };
        ensure(!problems(log, *from, limit).contains(&unwanted), || {
            let first = log.facts.len().saturating_sub(12);
            format!("leg {id}: … {:?}", &log.facts[first..])
        })?;
    }
    Ok(())
}

/// After its end a leg is in no command and in no news.
fn an_ended_leg_is_never_named_again(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::NamedAfterTheEnd)
}

/// A command names the generation of the session that is open.
fn commands_are_for_the_open_session(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::NotOpen)
}

/// Before a new session the old one is closed, or was lost.
fn a_session_is_opened_where_none_is(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::OpenAlready)
}

/// Each session of a leg has a higher generation than the one before.
fn generations_grow(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::GenerationNotGrown)
}

/// Each offer of a leg has a higher number than the one before.
fn offer_numbers_grow(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::NumberNotGrown)
}

/// When a leg has ended the engine was told to close its session.
fn a_session_ends_with_its_leg(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::LeftOpen)
}

/// States follow each other as the diagram of `Leg` says.
fn states_follow_the_diagram(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::NotInTheDiagram)
}

/// The engine is given no more candidates of an offer than the limit says.
fn candidates_are_bounded(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::TooManyCandidates)
}

/// What the caller tells is passed on at once where there is a session, up to the limit since the last offer.
fn candidates_are_passed_on(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::CandidatesNotPassedOn)
}

/// A leg ends for want of packets only if its last session was said to have none.
fn only_a_starved_session_ends_for_want_of_packets(seen: &Seen) -> Result<(), String> {
    without(seen, Problem::EndedThoughItFlowed)
}

/// The engine has a session for each leg whose state says so, with its generation, and for no other.
fn a_session_is_where_the_state_has_one(seen: &Seen) -> Result<(), String> {
    if seen.turn.cause == Cause::Restored {
        return Ok(());
    }
    for id in seen.legs_touched.keys() {
        let Some(leg) = seen.after.legs.get(id) else { continue };
        let none = matches!(
            leg.state,
            StateView::Ringing { .. }
                | StateView::Recovering(RecoveryView::Delivering | RecoveryView::Pausing { .. })
        );
        let expected = (!none).then_some(leg.generation);
        let open = seen.session(*id).map(|(generation, _)| generation);
        ensure(open == expected, || format!("leg {id} is {:?}, its session {open:?}", leg.state))?;
    }
    Ok(())
}

/// A report of a leg that is gone, of another session, or of an older offer is as if it had not come.
fn a_stale_report_changes_nothing(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::Media(report)) = &seen.turn.cause else { return Ok(()) };
    let (leg, generation, number) = match report {
        MediaReport::AnswerReady { leg, generation, offer, .. }
        | MediaReport::OfferRefused { leg, generation, offer, .. }
        | MediaReport::OfferReady { leg, generation, number: offer, .. }
        | MediaReport::NoOffer { leg, generation, number: offer } => (leg, generation, Some(offer)),
        MediaReport::TransportUp { leg, generation }
        | MediaReport::TransportLost { leg, generation }
        | MediaReport::TransportFailed { leg, generation }
        | MediaReport::Flow { leg, generation, .. } => (leg, generation, None),
        MediaReport::Levels(_)
        | MediaReport::Quality(_)
        | MediaReport::RecordingFailed { .. }
        | MediaReport::FellBack { .. } => {
            return Ok(());
        }
    };
    let current =
        seen.before.legs.get(leg).is_some_and(|leg| {
            leg.generation == *generation && number.is_none_or(|number| leg.offer == *number)
        });
    // An announcement that was due is made at the end of whatever comes next.
    let due =
        |effect: &Effect| matches!(effect, Effect::Send { request: SignalRequest::Announce { .. }, .. });
    let effects = &seen.turn.effects;
    let nothing = effects.iter().all(due) && (!effects.is_empty() || seen.turn.changes.is_empty());
    ensure(current || nothing, || format!("{report:?} led to {:?}", seen.turn.effects))
}
