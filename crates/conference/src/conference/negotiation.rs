//! Changes of a running call that the caller offers: hold and resume, ICE restart, camera and screen on and off.
//!
//! What an offer means is in its SDP, which only the engine reads; what it led to comes back as `Agreed`. Offers of ours never
//! live here (`recovery.rs`).

use super::Conference;
use super::lines::GIVE_WAY;
use crate::call::{CallVersion, Sdp, SessionMemo, StreamMetadata};
use crate::core::Core;
use crate::effect::SignalRequest;
use crate::engine::MediaCommand;
use crate::id::{LegId, OfferNumber, PartyId};
use crate::input::Agreed;
use crate::leg::{LegState, Negotiating, Recovery};
use crate::time::Millis;

/// What the engine says when it has an answer.
pub(crate) struct Answered {
    pub(crate) number: OfferNumber,
    pub(crate) answer: Sdp,
    pub(crate) streams: StreamMetadata,
    pub(crate) agreed: Agreed,
    pub(crate) memo: SessionMemo,
}

impl Conference {
    /// The caller offers a change of the running call. Of two that are not answered yet only the last one counts: to make it,
    /// the client has taken the first one back.
    pub(crate) fn negotiated(
        &mut self,
        id: LegId,
        party: Option<&PartyId>,
        offer: Sdp,
        expires_in: Millis,
        metadata: Option<StreamMetadata>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.is_party(party)) else { return };
        // Version 0 knows no negotiation, so an answer could not be said; before the answer there is nothing to change.
        if leg.version == CallVersion::V0 || !leg.is_answered() || expires_in.0 == 0 {
            return;
        }
        leg.offer = OfferNumber(leg.offer.0.saturating_add(1));
        leg.candidates_taken = 0;
        leg.second.give_way(core.now + GIVE_WAY);
        leg.negotiating = Some(Negotiating { offer: offer.clone(), expires: core.now + expires_in });
        // The engine is told with the offer.
        let muted = metadata.is_some_and(|metadata| leg.describe(metadata));
        self.watch_pictures(id, core);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if matches!(leg.state, LegState::Recovering(_)) {
            self.reopen(id, core);
        } else {
            // It may come before the transport is up, and does not make it so: the time to connect goes on.
            core.media(MediaCommand::Renegotiate {
                leg: id,
                generation: leg.generation,
                number: leg.offer,
                offer,
                theirs: leg.theirs.clone(),
            });
            self.entered(id, core);
        }
        if muted {
            self.muted_or_unmuted(id, core);
        }
    }

    /// The engine has the answer to the caller's last offer in the running call.
    pub(super) fn negotiation_answered(&mut self, id: LegId, answered: Answered, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(Negotiating { expires, .. }) = leg.negotiating.take() else { return };
        leg.agreed = answered.agreed;
        leg.memo = Some(answered.memo);
        let streams = leg.wants_metadata.then(|| self.sight.describe(leg, answered.streams));
        let (to, answer) = (leg.address(), answered.answer);
        core.send(SignalRequest::NegotiateAnswer { to, answer, streams, expires });
        if let LegState::Recovering(Recovery::Reopening { .. }) = leg.state {
            leg.state =
                LegState::Recovering(Recovery::Resuming { until: core.now + super::recovery::RESUME });
        }
        let caller = leg.key.caller.clone();
        self.watch_flow(id, core);
        self.quiet_if_not_live(&caller, core);
        self.entered(id, core);
    }
}
