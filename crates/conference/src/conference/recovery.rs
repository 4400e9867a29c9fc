//! Going on with calls whose media sessions were lost on our side, as by a restart of the process.
//!
//! We are the one who is called, so in a collision of offers we are the polite one
//! (<https://www.w3.org/TR/webrtc/#perfect-negotiation-example>): the caller's offer counts and ours is forgotten. Everything
//! else that a call can go through never lives here.

use super::Conference;
use crate::call::{CallVersion, Sdp, SessionMemo, StreamMetadata};
use crate::cameras::Cameras;
use crate::core::Core;
use crate::effect::{EndReason, SignalRequest};
use crate::engine::MediaCommand;
use crate::id::{Generation, LegId, OfferNumber, PartyId, RequestId};
use crate::leg::{Leg, LegState, Recovery};
use crate::routes::{Purpose, Routes};
use crate::time::Millis;

/// How long a client gets to deal with our answer to its invite before it is offered to: one that gets both at once drops the offer.
const AFTER_ANSWER: Millis = Millis::from_secs(2);

/// How long an offer of the caller may take to come that the homeserver kept for us while we were away: where there is one, it counts,
/// and ours would only be in its way. It comes as soon as the homeserver knows that we are back.
const PAUSE: Millis = Millis(300);

/// How long the engine may take to make an offer, or the answer to one.
const PREPARE: Millis = Millis::from_secs(10);

/// How long a client may take to answer an offer.
const ASK: Millis = Millis::from_secs(10);

/// How long media may take to connect once both descriptions are known. A client that can do this has it within 200 ms.
pub(super) const RESUME: Millis = Millis::from_secs(5);

/// What the engine says when it has an offer.
pub(crate) struct Offered {
    pub(crate) number: OfferNumber,
    pub(crate) offer: Sdp,
    pub(crate) streams: StreamMetadata,
    pub(crate) memo: SessionMemo,
}

impl Conference {
    /// All media sessions are gone. Calls that were not answered yet get a new session; of the others those go on whose clients
    /// can, and the rest is over.
    pub(crate) fn engine_lost(&mut self, core: &mut Core, routes: &mut Routes) {
        self.nothing_shown();
        self.cameras = Cameras::default();
        self.voices_lost(core);
        self.recording_lost(core);
        for id in self.legs_by(|_| true) {
            let Some(leg) = self.legs.get_mut(&id) else { continue };
            leg.stopped = false;
            leg.media_until = None;
            let saw_screens_elsewhere = leg.second.on;
            leg.second.lost();
            match leg.state {
                LegState::Ringing { .. } => continue,
                LegState::Answering { expires, .. } if expires > core.now => {
                    next_generation(leg);
                    self.entered(id, core);
                    self.open_media(id, core);
                }
                LegState::Answering { .. } => {
                    self.end_leg_without_media(id, EndReason::Expired, core, routes);
                }
                LegState::Connecting { .. }
                | LegState::Active
                | LegState::Reconnecting { .. }
                | LegState::Recovering(_) => {
                    if can_recover(leg, core) {
                        self.recover(id, core);
                    } else {
                        self.end_leg_without_media(id, EndReason::Restarted, core, routes);
                    }
                }
            }
            if let Some(caller) = self.legs.get(&id).map(|leg| leg.key.caller.clone()) {
                self.quiet_if_not_live(&caller, core);
            }
            if saw_screens_elsewhere {
                self.sight_loosened(core);
            }
        }
        // Whoever left while nobody listened may have done so by an event that is never pushed.
        self.compare(core, routes);
    }

    /// Sets out to get a leg a new session.
    fn recover(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if leg.answer.is_some() {
            leg.state = LegState::Recovering(Recovery::Delivering);
            self.entered(id, core);
            return;
        }
        let offered = leg.negotiating.as_ref().is_some_and(|negotiating| negotiating.expires > core.now);
        // One that had not connected yet has its answer from just before.
        let fresh = matches!(leg.state, LegState::Connecting { .. });
        self.pause_before_recovery(id, if fresh { AFTER_ANSWER } else { PAUSE }, core);
        // An offer of the caller is answered at once: whatever it was for, a new session is what it gets.
        if offered {
            self.reopen(id, core);
        }
    }

    /// Our answer to the invite has arrived; the client gets a moment to deal with it.
    pub(super) fn recover_after_answer(&mut self, id: LegId, core: &mut Core) {
        self.pause_before_recovery(id, AFTER_ANSWER, core);
    }

    fn pause_before_recovery(&mut self, id: LegId, pause: Millis, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.state = LegState::Recovering(Recovery::Pausing { until: core.now + pause });
        self.entered(id, core);
    }

    /// The time of a step of recovery is over.
    pub(crate) fn recovery_due(&mut self, id: LegId, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let LegState::Recovering(step) = &leg.state else { return };
        if !matches!(step, Recovery::Pausing { .. }) {
            self.end_leg(id, EndReason::Restarted, core, routes);
            return;
        }
        next_generation(leg);
        leg.offer = OfferNumber(leg.offer.0.saturating_add(1));
        leg.negotiating = None;
        leg.candidates_taken = 0;
        leg.state = LegState::Recovering(Recovery::Offering { until: core.now + PREPARE });
        let offer = MediaCommand::Offer {
            leg: id,
            generation: leg.generation,
            conference: self.id,
            participant: leg.participant,
            number: leg.offer,
            theirs: leg.theirs.clone(),
            name: leg.label(),
            memo: leg.memo.clone(),
        };
        self.show_first(core);
        core.media(offer);
        self.after_opening(id, core);
    }

    /// The engine has an offer.
    pub(crate) fn offer_ready(&mut self, id: LegId, offered: Offered, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.offer == offered.number) else { return };
        let LegState::Recovering(Recovery::Offering { .. }) = leg.state else {
            return self.line_ready(id, offered, core, routes);
        };
        let Offered { offer, streams, memo, .. } = offered;
        leg.memo = Some(memo);
        let streams = self.sight.describe(leg, streams);
        let until = core.now + ASK;
        let request =
            core.send(SignalRequest::NegotiateOffer { to: leg.address(), offer, streams, expires: until });
        routes.requests.insert(request, Purpose::Offer(id));
        leg.state = LegState::Recovering(Recovery::Offered { until, request });
        self.entered(id, core);
    }

    /// The engine can make no offer.
    pub(crate) fn no_offer(&mut self, id: LegId, number: OfferNumber, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get(&id).filter(|leg| leg.offer == number) else { return };
        if matches!(leg.state, LegState::Recovering(Recovery::Offering { .. })) {
            self.end_leg(id, EndReason::Restarted, core, routes);
        } else {
            self.no_line(id, number, core);
        }
    }

    /// The fate of our offer is known. Of an older one it counts no more.
    pub(crate) fn offer_sent(
        &mut self,
        id: LegId,
        sent: RequestId,
        delivered: bool,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get(&id).filter(|_| !delivered) else { return };
        match leg.state {
            LegState::Recovering(Recovery::Offered { request, .. }) if request == sent => {
                self.end_leg(id, EndReason::Restarted, core, routes);
            }
            LegState::Ringing { .. }
            | LegState::Answering { .. }
            | LegState::Connecting { .. }
            | LegState::Active
            | LegState::Reconnecting { .. }
            | LegState::Recovering(_) => self.line_not_sent(id, sent, core),
        }
    }

    /// The caller answers our offer. An answer to one that was taken back finds another state, or is taken for one to the offer
    /// that followed it: the protocol does not say which is answered. Media then does not connect, and the time for that ends it.
    pub(crate) fn offer_answered(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        answer: Sdp,
        metadata: Option<StreamMetadata>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        let LegState::Recovering(Recovery::Offered { .. }) = leg.state else {
            return self.line_answered(id, answer, metadata, core);
        };
        self.describe(id, metadata, core);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.state = LegState::Recovering(Recovery::Resuming { until: core.now + RESUME });
        core.media(MediaCommand::Accept { leg: id, generation: leg.generation, answer });
        self.entered(id, core);
    }

    /// The caller offers while we are about to, or have: its offer counts, in a new session.
    pub(super) fn reopen(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(negotiating) = &leg.negotiating else { return };
        let offer = negotiating.offer.clone();
        if leg.has_media() {
            core.media(MediaCommand::Close { leg: id, generation: leg.generation });
        }
        next_generation(leg);
        leg.state = LegState::Recovering(Recovery::Reopening { until: core.now + PREPARE });
        let open = MediaCommand::Open {
            leg: id,
            generation: leg.generation,
            conference: self.id,
            participant: leg.participant,
            number: leg.offer,
            offer,
            theirs: leg.theirs.clone(),
            name: leg.label(),
            memo: leg.memo.clone(),
        };
        self.show_first(core);
        core.media(open);
        self.after_opening(id, core);
    }

    fn after_opening(&mut self, id: LegId, core: &mut Core) {
        if let Some(leg) = self.legs.get(&id) {
            Self::opened_media(leg, core);
        }
        self.entered(id, core);
    }
}

/// The next session of a leg; that no packets came is a matter of the last one.
fn next_generation(leg: &mut Leg) {
    leg.stopped = false;
    leg.media_until = None;
    leg.generation = Generation(leg.generation.0.saturating_add(1));
}

/// Only a client of version 1 knows `m.call.negotiate`, and one that describes its streams has been seen to go on.
fn can_recover(leg: &Leg, core: &Core) -> bool {
    core.config.recover_calls && leg.version == CallVersion::V1 && leg.wants_metadata
}
