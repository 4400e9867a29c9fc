//! What happens in a call: the caller's events and the engine's reports.
//!
//! Letting in and seeing out never live here.

use alloc::vec::Vec;

use super::Conference;
use crate::call::{CallVersion, Candidate, Sdp, StreamMetadata};
use crate::core::Core;
use crate::door::DoorState;
use crate::effect::{ConferenceEvent, EndReason, MediaCommand, Refusal, SignalRequest};
use crate::id::{Generation, LegId, PartyId};
use crate::input::{LegLevel, OfferRefusal};
use crate::leg::{LegState, is_muted};
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::time::Millis;
use crate::timer::TimerKind;

impl Conference {
    /// More of the caller's candidates.
    pub(crate) fn candidates(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        new: Vec<Candidate>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        if let LegState::Ringing { candidates, .. } | LegState::Answering { candidates, .. } = &mut leg.state
        {
            let room = core.config.limits.candidates_per_call.saturating_sub(candidates.len());
            candidates.extend(new.iter().take(room).cloned());
            core.changed(RecordKey::Leg(id));
        }
        if leg.has_media() {
            core.media(MediaCommand::AddCandidates { leg: id, generation: leg.generation, candidates: new });
        }
    }

    /// The caller chose an answer. Not ours: the call is taken elsewhere, and ends here without a word.
    pub(crate) fn selected(&mut self, id: LegId, selected: &PartyId, core: &mut Core, routes: &mut Routes) {
        if self.legs.get(&id).is_some_and(|leg| leg.party != *selected) {
            self.end_leg(id, EndReason::AnsweredElsewhere, core, routes);
        }
    }

    /// The caller hung up.
    pub(crate) fn hung_up(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        if self.legs.get(&id).is_some_and(|leg| leg.is_party(party)) {
            self.end_leg(id, EndReason::CallerHungUp, core, routes);
        }
    }

    /// The caller offers a change of the running call.
    pub(crate) fn negotiated(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        offer: Sdp,
        expires_in: Millis,
        metadata: Option<&StreamMetadata>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        if leg.version == CallVersion::V0 {
            // It knows no negotiation, so an answer could not be said.
            return;
        }
        let expires = core.now + expires_in;
        match &mut leg.state {
            // It may come before the transport is up, and does not make it so: the time to connect goes on.
            LegState::Connecting { negotiating, .. }
            | LegState::Active { negotiating }
            | LegState::Reconnecting { negotiating, .. } => {
                *negotiating = Some(expires);
            }
            // Before the answer there is nothing to change.
            LegState::Ringing { .. } | LegState::Answering { .. } => return,
        }
        core.media(MediaCommand::Renegotiate { leg: id, generation: leg.generation, offer });
        core.changed(RecordKey::Leg(id));
        if let Some(metadata) = metadata {
            self.metadata(id, party, metadata, core);
        }
    }

    /// The caller muted or unmuted itself.
    pub(crate) fn metadata(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        metadata: &StreamMetadata,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        let muted = is_muted(metadata);
        if leg.muted != muted {
            leg.muted = muted;
            core.changed(RecordKey::Leg(id));
            self.news(id, core);
        }
    }

    /// The engine has an answer: to the invite, or to a change of the running call.
    pub(crate) fn answer_ready(
        &mut self,
        id: LegId,
        answer: Sdp,
        streams: StreamMetadata,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let to = leg.address();
        let streams = leg.wants_metadata.then_some(streams);
        match &mut leg.state {
            LegState::Answering { expires, .. } => {
                let expires = *expires;
                let request = core.send(SignalRequest::Answer { to, answer, streams, expires });
                routes.requests.insert(request, Purpose::Answer(id));
                let until = core.now + core.config.connect_timeout;
                leg.state = LegState::Connecting { until, answer: request, negotiating: None };
                let focus = leg.focus.clone();
                self.used = true;
                self.cancel_linger(core);
                // One that is joining, since an invitation came late, has calls that wait for the end of it.
                if let Some(door) = self.doors.get_mut(&focus).filter(|door| door.is_joined()) {
                    door.state = DoorState::Active;
                }
                core.timers.cancel(&TimerKind::Idle(self.group.clone(), focus));
                core.changed(RecordKey::Conference(self.group.clone()));
                self.entered(id, core);
            }
            LegState::Connecting { negotiating, .. }
            | LegState::Active { negotiating }
            | LegState::Reconnecting { negotiating, .. } => {
                if let Some(expires) = negotiating.take() {
                    core.send(SignalRequest::NegotiateAnswer { to, answer, streams, expires });
                    core.changed(RecordKey::Leg(id));
                }
            }
            LegState::Ringing { .. } => {}
        }
    }

    /// The offer can't be answered.
    pub(crate) fn offer_refused(
        &mut self,
        id: LegId,
        why: OfferRefusal,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get(&id) else { return };
        let reason = if leg.is_answered() {
            EndReason::Renegotiation(why)
        } else {
            EndReason::Refused(Refusal::Offer(why))
        };
        self.end_leg(id, reason, core, routes);
    }

    /// Media flows.
    pub(crate) fn transport_up(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.state {
            LegState::Connecting { negotiating, .. } | LegState::Reconnecting { negotiating, .. } => {
                leg.state = LegState::Active { negotiating };
            }
            LegState::Ringing { .. } | LegState::Answering { .. } | LegState::Active { .. } => return,
        }
        self.entered(id, core);
    }

    /// Media is interrupted, for now or (`for_good`) until the client restarts ICE: it is given the same time to do so.
    pub(crate) fn transport_lost(&mut self, id: LegId, for_good: bool, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.state {
            LegState::Active { negotiating } => {
                leg.state =
                    LegState::Reconnecting { until: core.now + core.config.reconnect_grace, negotiating };
                self.entered(id, core);
            }
            LegState::Connecting { .. } if for_good => {
                self.end_leg(id, EndReason::NeverConnected, core, routes)
            }
            LegState::Ringing { .. }
            | LegState::Answering { .. }
            | LegState::Connecting { .. }
            | LegState::Reconnecting { .. } => {}
        }
    }

    /// How loud a leg is.
    pub(crate) fn level(&self, level: LegLevel, core: &mut Core) {
        core.notify(ConferenceEvent::Level {
            conference: self.id,
            leg: level.leg,
            level: level.level,
            speaking: level.speaking,
        });
    }

    /// All media sessions are gone. Calls that were not answered yet get a new session, the others are over.
    pub(crate) fn engine_lost(&mut self, core: &mut Core, routes: &mut Routes) {
        let mut hung_up = false;
        for id in self.legs_by(|_| true) {
            let Some(leg) = self.legs.get_mut(&id) else { continue };
            match leg.state {
                LegState::Ringing { .. } => {}
                LegState::Answering { expires, .. } if expires > core.now => {
                    leg.generation = Generation(leg.generation.0.saturating_add(1));
                    core.changed(RecordKey::Leg(id));
                    self.open_media(id, core);
                }
                LegState::Answering { .. } => self.end_leg(id, EndReason::Expired, core, routes),
                LegState::Connecting { .. } | LegState::Active { .. } | LegState::Reconnecting { .. } => {
                    self.end_leg(id, EndReason::Restarted, core, routes);
                    hung_up = true;
                }
            }
        }
        if hung_up {
            self.linger_for_redial(core);
        }
    }
}
