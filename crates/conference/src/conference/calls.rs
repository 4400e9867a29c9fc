//! What happens in a call: the caller's events and the engine's reports.
//!
//! Letting in and seeing out never live here, nor changes of a running call (`negotiation.rs`).

use alloc::vec::Vec;

use super::Conference;
use crate::call::{Candidate, StreamMetadata};
use crate::core::Core;
use crate::door::DoorState;
use crate::effect::{EndReason, Refusal, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{LegId, OfferNumber, PartyId};
use crate::input::OfferRefusal;
use crate::leg::{LegState, Recovery};
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::timer::TimerKind;

use super::negotiation::Answered;

impl Conference {
    /// More of the caller's candidates.
    pub(crate) fn candidates(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        mut new: Vec<Candidate>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        new.truncate(core.config.limits.candidates_per_call.saturating_sub(leg.candidates_taken));
        if new.is_empty() {
            return;
        }
        leg.candidates_taken += new.len();
        core.changed(RecordKey::Leg(id));
        if let LegState::Ringing { candidates, .. } | LegState::Answering { candidates, .. } = &mut leg.state
        {
            candidates.extend(new.iter().cloned());
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

    /// The caller muted or unmuted itself.
    pub(crate) fn metadata(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        metadata: StreamMetadata,
        core: &mut Core,
    ) {
        if self.legs.get(&id).is_some_and(|leg| leg.is_party(party)) {
            self.describe(id, Some(metadata), core);
        }
    }

    /// The caller says what its streams are for now, if it says.
    pub(super) fn describe(&mut self, id: LegId, metadata: Option<StreamMetadata>, core: &mut Core) {
        let (Some(leg), Some(metadata)) = (self.legs.get_mut(&id), metadata) else { return };
        if leg.theirs.as_ref() == Some(&metadata) {
            return;
        }
        let muted = leg.describe(metadata.clone());
        core.changed(RecordKey::Leg(id));
        self.watch_pictures(id, core);
        let Some(leg) = self.legs.get(&id) else { return };
        if leg.has_media() {
            core.media(MediaCommand::Describe { leg: id, generation: leg.generation, theirs: metadata });
        }
        if muted {
            self.muted_or_unmuted(id, core);
        }
    }

    /// The caller's microphone went off or on.
    pub(super) fn muted_or_unmuted(&mut self, id: LegId, core: &mut Core) {
        self.watch_flow(id, core);
        self.entered(id, core);
    }

    /// The engine has an answer: to the invite, or to a change of the running call.
    pub(crate) fn answer_ready(
        &mut self,
        id: LegId,
        answered: Answered,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.offer == answered.number) else { return };
        let LegState::Answering { expires, .. } = leg.state else {
            self.negotiation_answered(id, answered, core);
            return;
        };
        leg.agreed = answered.agreed;
        leg.memo = Some(answered.memo);
        let streams = leg.wants_metadata.then(|| self.sight.describe(leg, answered.streams));
        let request =
            core.send(SignalRequest::Answer { to: leg.address(), answer: answered.answer, streams, expires });
        routes.requests.insert(request, Purpose::Answer(id));
        let until = core.now + core.config.connect_timeout;
        leg.answer = Some(request);
        leg.state = LegState::Connecting { until };
        let (focus, caller) = (leg.focus.clone(), leg.key.caller.clone());
        let mut changed = !core::mem::replace(&mut self.used, true);
        self.cancel_linger(core);
        // One that is joining, since an invitation came late, has calls that wait for the end of it.
        if let Some(door) = self.doors.get_mut(&focus).filter(|door| door.is_joined()) {
            if matches!(door.state, DoorState::Waiting { until: Some(_) }) {
                core.timers.cancel(&TimerKind::Idle(self.group.clone(), focus.clone()));
            }
            changed |= door.state != DoorState::Active;
            door.state = DoorState::Active;
        }
        self.begin(&focus, &caller, core);
        if changed {
            self.changed(core);
        }
        self.entered(id, core);
    }

    /// The fate of our answer is known.
    pub(crate) fn answer_sent(&mut self, id: LegId, delivered: bool, core: &mut Core, routes: &mut Routes) {
        if !delivered {
            self.end_leg(id, EndReason::AnswerUndeliverable, core, routes);
            return;
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.answer = None;
        core.changed(RecordKey::Leg(id));
        if matches!(leg.state, LegState::Recovering(Recovery::Delivering)) {
            self.recover_after_answer(id, core);
        }
        self.line_is_free(id);
    }

    /// An offer can't be answered. One that another has replaced need not be.
    pub(crate) fn offer_refused(
        &mut self,
        id: LegId,
        number: OfferNumber,
        why: OfferRefusal,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get(&id).filter(|leg| leg.offer == number) else { return };
        let reason = match leg.state {
            LegState::Ringing { .. } | LegState::Answering { .. } => EndReason::Refused(Refusal::Offer(why)),
            LegState::Recovering(_) => EndReason::Restarted,
            LegState::Connecting { .. } | LegState::Active | LegState::Reconnecting { .. } => {
                EndReason::Renegotiation(why)
            }
        };
        self.end_leg(id, reason, core, routes);
    }

    /// Media flows.
    pub(crate) fn transport_up(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.state {
            LegState::Connecting { .. }
            | LegState::Reconnecting { .. }
            | LegState::Recovering(Recovery::Resuming { .. }) => leg.state = LegState::Active,
            LegState::Ringing { .. }
            | LegState::Answering { .. }
            | LegState::Active
            | LegState::Recovering(_) => return,
        }
        self.watch_flow(id, core);
        self.greet(id, core);
        self.entered(id, core);
    }

    /// Media is interrupted, for now or (`for_good`) until the client restarts ICE: it is given the same time to do so.
    pub(crate) fn transport_lost(&mut self, id: LegId, for_good: bool, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        match leg.state {
            LegState::Active => {
                leg.state = LegState::Reconnecting { until: core.now + core.config.reconnect_grace };
                let caller = leg.key.caller.clone();
                self.watch_flow(id, core);
                self.quiet_if_not_live(&caller, core);
                self.entered(id, core);
            }
            LegState::Connecting { .. } if for_good => {
                self.end_leg(id, EndReason::NeverConnected, core, routes);
            }
            LegState::Recovering(Recovery::Resuming { .. }) if for_good => {
                self.end_leg(id, EndReason::Restarted, core, routes);
            }
            LegState::Ringing { .. }
            | LegState::Answering { .. }
            | LegState::Connecting { .. }
            | LegState::Reconnecting { .. }
            | LegState::Recovering(_) => {}
        }
    }

    /// Packets come, or not one for a while.
    pub(crate) fn flow(&mut self, id: LegId, flowing: bool, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.stopped == flowing) else { return };
        leg.stopped = !flowing;
        self.watch_flow(id, core);
        self.entered(id, core);
    }

    /// The time in which packets must come runs while they should come and do not.
    pub(super) fn watch_flow(&mut self, id: LegId, core: &Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.stopped && leg.should_flow() {
            leg.media_until.get_or_insert(core.now + core.config.media_timeout);
        } else {
            leg.media_until = None;
        }
    }
}
