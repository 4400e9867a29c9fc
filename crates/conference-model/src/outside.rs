//! What stands outside the machine: requests that are under way, sessions that the engine has, calls that people know of.
//!
//! The machine is never run here.

use std::collections::{BTreeMap, BTreeSet};

use confocal_conference::{
    CallId, CallInvite, Effect, Generation, LegId, MediaCommand, MediaReport, OfferNumber, RequestId,
    SignalRequest,
};

use crate::setup::{self, USERS};

/// How many calls people remember, to say something more of them.
const CALLS: usize = 8;

/// The outside.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Requests under way, in the order in which they were made.
    pub requests: Vec<(RequestId, SignalRequest)>,
    /// The engine's sessions.
    pub sessions: BTreeMap<LegId, Session>,
    /// The session that was closed last.
    pub closed: Option<(LegId, Session)>,
    /// The calls that were placed last.
    pub calls: Vec<Call>,
    /// The number of each user's next call.
    pub next_call: [usize; USERS.len()],
    /// The number of the next text, so that no two are alike.
    pub next_text: usize,
}

/// A session of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// Which.
    pub generation: Generation,
    /// The last offer it was given.
    pub number: OfferNumber,
    /// What the machine waits for.
    pub wanted: Wanted,
    /// Its transport is up.
    pub up: bool,
}

impl Session {
    /// The engine has reported something of it, unless that was of an older session or offer.
    pub fn said(&mut self, report: &MediaReport) {
        let is_this = |generation: &Generation| self.generation == *generation;
        match report {
            MediaReport::AnswerReady { generation, offer, .. } => {
                if is_this(generation) && self.number == *offer {
                    self.wanted = Wanted::Nothing;
                }
            }
            MediaReport::OfferReady { generation, .. } => {
                if is_this(generation) && self.wanted == Wanted::Offer {
                    self.wanted = Wanted::Acceptance;
                }
            }
            MediaReport::TransportUp { generation, .. } => self.up |= is_this(generation),
            MediaReport::TransportLost { generation, .. }
            | MediaReport::TransportFailed { generation, .. } => self.up &= !is_this(generation),
            MediaReport::OfferRefused { .. }
            | MediaReport::NoOffer { .. }
            | MediaReport::Flow { .. }
            | MediaReport::RecordingFailed { .. }
            | MediaReport::FellBack { .. }
            | MediaReport::Levels(_)
            | MediaReport::Quality(_) => {}
        }
    }
}

/// What the machine waits for from a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// An answer to the last offer.
    Answer,
    /// An offer.
    Offer,
    /// The other side's answer has to come first.
    Acceptance,
}

/// A call that was placed.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its invite.
    pub invite: CallInvite,
    /// Whose number placed it.
    pub user: u8,
    /// It was offered to go on, and has not answered.
    pub offered: bool,
}

impl Outside {
    /// Effects go out.
    pub fn take(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Send { id, request } => self.requests.push((*id, request.clone())),
                Effect::Media(command) => self.command(command),
                Effect::Notify(_) => {}
            }
        }
    }

    /// Someone places a call.
    pub fn placed(&mut self, invite: CallInvite, user: u8) {
        self.next_call[usize::from(user) % USERS.len()] += 1;
        self.calls.push(Call { invite, user, offered: false });
        if self.calls.len() > CALLS {
            self.calls.remove(0);
        }
    }

    /// The requests that are first in their rooms: those of one room are carried out in order.
    #[must_use]
    pub fn first_requests(&self) -> Vec<RequestId> {
        let mut rooms = BTreeSet::new();
        self.requests.iter().filter(|(_, request)| rooms.insert(request.room())).map(|(id, _)| *id).collect()
    }

    /// The id of a user's next call.
    #[must_use]
    pub fn next_call_id(&self, user: u8) -> CallId {
        setup::call_id(user, self.next_call[usize::from(user) % USERS.len()])
    }

    /// Takes a request that is over.
    pub fn over(&mut self, id: RequestId) -> Option<SignalRequest> {
        let at = self.requests.iter().position(|(request, _)| *request == id)?;
        Some(self.requests.remove(at).1)
    }

    /// All sessions, and the one that was closed last, of which reports may still be under way.
    #[must_use]
    pub fn sessions_and_closed(&self) -> Vec<(LegId, Session)> {
        let open = self.sessions.iter().map(|(leg, session)| (*leg, *session));
        open.chain(self.closed).collect()
    }

    fn command(&mut self, command: &MediaCommand) {
        match command {
            MediaCommand::Open { leg, generation, number, .. } => {
                let (generation, number) = (*generation, *number);
                let session = Session { generation, number, wanted: Wanted::Answer, up: false };
                self.sessions.insert(*leg, session);
            }
            MediaCommand::Offer { leg, generation, number, .. } => {
                let (generation, number) = (*generation, *number);
                let session = Session { generation, number, wanted: Wanted::Offer, up: false };
                self.sessions.insert(*leg, session);
            }
            MediaCommand::Renegotiate { leg, number, .. } => {
                if let Some(session) = self.sessions.get_mut(leg) {
                    (session.number, session.wanted) = (*number, Wanted::Answer);
                }
            }
            MediaCommand::OfferAgain { leg, number, .. } => {
                if let Some(session) = self.sessions.get_mut(leg) {
                    (session.number, session.wanted) = (*number, Wanted::Offer);
                }
            }
            MediaCommand::Accept { leg, .. } => {
                if let Some(session) = self.sessions.get_mut(leg) {
                    session.wanted = Wanted::Nothing;
                }
            }
            MediaCommand::Close { leg, .. } => {
                self.closed = self.sessions.remove(leg).map(|session| (*leg, session)).or(self.closed);
            }
            MediaCommand::SetHeard { .. }
            | MediaCommand::Describe { .. }
            | MediaCommand::Show { .. }
            | MediaCommand::AddCandidates { .. }
            | MediaCommand::Play { .. }
            | MediaCommand::Record { .. }
            | MediaCommand::StopRecording { .. } => {}
        }
    }
}
