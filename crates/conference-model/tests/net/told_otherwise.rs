//! What a machine did, told otherwise: a real history, and one more turn that is made up.
//!
//! Which invariants that breaks never lives here.

use std::collections::{BTreeMap, BTreeSet};

use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::invariants;
use confocal_conference_model::seen::{Cause, Seen, Turn};
use confocal_conference_model::setup::Setup;
use confocal_conference_model::view::LegView;
use confocal_conference_model::world::World;
use serde_json::Value;

pub(crate) const GROUP: &str = "!first";
pub(crate) const ANNAS: &str = "!direct-0-0";
pub(crate) const ROOM: Action = Action::InviteToDirect { user: 0, room: 0, door: 0 };
pub(crate) const CALL: Action = Action::Call { user: 0, place: 0, kind: 0, lifetime: 255 };
pub(crate) const BERTS_ROOM: Action = Action::InviteToDirect { user: 1, room: 0, door: 0 };
pub(crate) const BERT_CALLS: Action = Action::Call { user: 1, place: 0, kind: 0, lifetime: 255 };
pub(crate) const DONE: Action = Action::Outcome { which: 0, outcome: 0 };
pub(crate) const ANSWERED: Action = Action::Engine { which: 0, report: 0, shade: 0 };
pub(crate) const UP: Action = Action::Engine { which: 0, report: 6, shade: 0 };

/// A world after some actions, none of which breaks anything.
pub(crate) fn after(setup: u8, actions: &[Action]) -> Seen {
    let mut world = World::new(Setup::from_byte(setup), BTreeSet::new());
    for action in actions {
        world.apply(action).unwrap();
    }
    world.seen
}

/// Anna's call rings, and the homeserver is asked about her.
pub(crate) fn ringing() -> Seen {
    after(0, &[ROOM, DONE, CALL, DONE])
}

pub(crate) const ACTIVE: [Action; 9] = [ROOM, DONE, CALL, DONE, DONE, ANSWERED, DONE, UP, DONE];

/// Anna, a moderator, is in the conference.
pub(crate) fn active() -> Seen {
    after(0, &ACTIVE)
}

/// Anna was, and has hung up.
pub(crate) fn hung_up() -> Seen {
    after(0, &[&ACTIVE[..], &[Action::HangUp { call: 0, party: 0 }]].concat())
}

/// The focus has joined and waits.
pub(crate) fn waiting(setup: u8) -> Seen {
    after(setup, &[Action::InviteToGroup { door: 0, by: 0 }, DONE])
}

/// The same turn once more, in which nothing happens.
pub(crate) fn nothing(seen: &Seen) -> Turn {
    let Turn { now, deadline, rolls, .. } = seen.turn.clone();
    Turn { now, cause: Cause::Time, effects: Vec::new(), changes: Vec::new(), deadline, rolls }
}

/// What does not hold when a turn follows that is told otherwise than it was.
pub(crate) fn broken_by(mut seen: Seen, tell: impl FnOnce(&Seen, &mut Turn)) -> Vec<&'static str> {
    let mut turn = nothing(&seen);
    let mut calm = seen.clone();
    calm.look(turn.clone());
    assert_eq!(invariants::broken(&calm), [""; 0], "nothing happened, and nothing is broken");
    tell(&seen, &mut turn);
    seen.look(turn);
    invariants::broken(&seen)
}

/// What is seen after a turn that is told otherwise than it was.
pub(crate) fn after_turn(mut seen: Seen, tell: impl FnOnce(&Seen, &mut Turn)) -> Seen {
    let mut turn = nothing(&seen);
    tell(&seen, &mut turn);
    seen.look(turn);
    seen
}

pub(crate) fn the_leg(seen: &Seen) -> (LegId, &LegView) {
    seen.after.legs.iter().next().map(|(id, leg)| (*id, leg)).unwrap()
}

pub(crate) fn address(leg: &LegView) -> CallAddress {
    CallAddress {
        focus: leg.focus.clone(),
        room: leg.key.room.clone(),
        caller: leg.key.caller.clone(),
        call: leg.key.call.clone(),
        version: leg.version,
        party: leg.party.clone(),
    }
}

pub(crate) fn send(request: SignalRequest) -> Effect {
    Effect::Send { id: RequestId(1_000), request }
}

pub(crate) fn hangup(to: CallAddress) -> Effect {
    send(SignalRequest::Hangup { to, reason: HangupReason::UserHangup })
}

pub(crate) fn reject(to: CallAddress) -> Effect {
    send(SignalRequest::Reject { to })
}

pub(crate) fn answer(to: CallAddress) -> Effect {
    let (answer, streams, expires) = (Sdp("sdp:answer".into()), Some(BTreeMap::new()), at(0));
    send(SignalRequest::Answer { to, answer, streams, expires })
}

pub(crate) fn news(seen: &Seen, leg: LegId, state: LegNews) -> Effect {
    let log = &seen.legs[&leg];
    let member = log.key.clone().unwrap().caller;
    let (conference, participant) = (log.conference, log.participant);
    Effect::Notify(ConferenceEvent::Leg { conference, participant, member, leg, state })
}

pub(crate) const fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(crate) fn told(input: Input) -> Cause {
    Cause::Input(input)
}

/// A record as it is, but for what is changed.
pub(crate) fn changed(seen: &Seen, key: &str, change: impl FnOnce(&mut Value)) -> Change {
    let mut value: Value = serde_json::from_slice(&seen.records[key]).unwrap();
    change(&mut value);
    Change { key: key.into(), value: Some(value.to_string().into_bytes()) }
}

pub(crate) fn leg_key(leg: LegId) -> String {
    format!("leg/{:020}", leg.0)
}

pub(crate) fn conference_key() -> String {
    format!("conf/{GROUP}")
}

pub(crate) fn invite(key: CallKey) -> CallInvite {
    let (offer, expires_in) = (Sdp("sdp:offer".into()), Millis(60_000));
    let (version, party) = (CallVersion::V1, None);
    CallInvite { key, invitee: None, version, party, offer, expires_in, metadata: None }
}

pub(crate) fn present(turn: &mut Turn) -> &mut Present {
    turn.rolls.get_mut(&RoomKey::from(GROUP)).unwrap().present.first_mut().unwrap()
}

pub(crate) type Case = (&'static str, Vec<&'static str>);
