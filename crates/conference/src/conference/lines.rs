//! Offering clients a line for another's screen while their calls run, and taking it away: see `second_line.rs` for the steps.
//!
//! Offers that set a lost session up anew never live here (`recovery.rs`).

use super::Conference;
use crate::call::{Sdp, StreamMetadata};
use crate::core::Core;
use crate::effect::SignalRequest;
use crate::engine::MediaCommand;
use crate::id::{LegId, OfferNumber, RequestId};
use crate::leg::LegState;
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::second_line::Asking;
use crate::time::Millis;

use super::recovery::Offered;

/// How long the engine may take to make an offer.
const PREPARE: Millis = Millis::from_secs(10);

/// How long a client may take to answer: the call goes on without, so there is no haste.
const ASK: Millis = Millis::from_secs(30);

/// How long the caller is let alone after an offer of its own that ours has met.
pub(super) const GIVE_WAY: Millis = Millis::from_secs(1);

impl Conference {
    /// Makes the offers that are due.
    pub(super) fn offer_lines(&mut self, core: &mut Core) {
        while let Some(id) = self.to_offer.pop_first() {
            self.offer_line(id, core);
        }
    }

    fn offer_line(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get(&id) else { return };
        let sharer = self.showing.screen.and_then(|screen| self.legs.get(&screen));
        let screen = sharer.is_some_and(|sharer| sharer.participant != leg.participant);
        // One that takes no pictures is offered none; one that has the line gives it back all the same.
        let wanted = leg.second.on != screen && (!screen || leg.agreed.pictures);
        let free = matches!(leg.state, LegState::Active)
            && !leg.agreed.held
            && leg.negotiating.is_none()
            && leg.answer.is_none();
        if !wanted || !free || leg.second.asking != Asking::Quiet {
            return;
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let number = OfferNumber(leg.offer.0.saturating_add(1));
        leg.offer = number;
        leg.second.asking = Asking::Making { number, screen, until: core.now + PREPARE };
        core.media(MediaCommand::OfferAgain { leg: id, generation: leg.generation, number, screen });
        Self::asked(leg, core);
    }

    /// The engine has an offer of a line. False if none was wanted.
    pub(super) fn line_ready(
        &mut self,
        id: LegId,
        Offered { number, offer, streams, memo }: Offered,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Asking::Making { number: wanted, screen, .. } = leg.second.asking else { return };
        if number != wanted {
            return;
        }
        leg.memo = Some(memo);
        let streams = self.sight.describe(leg, streams);
        let until = core.now + ASK;
        let request =
            core.send(SignalRequest::NegotiateOffer { to: leg.address(), offer, streams, expires: until });
        routes.requests.insert(request, Purpose::Offer(id));
        leg.second.asking = Asking::Out { screen, until, request };
        Self::asked(leg, core);
    }

    /// The engine can't make it: the screen is shown in place of the speaker there.
    pub(super) fn no_line(&mut self, id: LegId, number: OfferNumber, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if matches!(leg.second.asking, Asking::Making { number: wanted, .. } if wanted == number) {
            leg.second.asking = Asking::Never;
            Self::asked(leg, core);
        }
    }

    /// The homeserver did not take our offer.
    pub(super) fn line_not_sent(&mut self, id: LegId, sent: RequestId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if matches!(leg.second.asking, Asking::Out { request, .. } if request == sent) {
            leg.second.asking = Asking::Never;
            Self::asked(leg, core);
        }
    }

    /// The caller answers our offer, in time or late.
    pub(super) fn line_answered(
        &mut self,
        id: LegId,
        answer: Sdp,
        metadata: Option<StreamMetadata>,
        core: &mut Core,
    ) {
        let Some(leg) = self.legs.get(&id) else { return };
        let (Asking::Out { screen, .. } | Asking::Late { screen }) = leg.second.asking else { return };
        self.describe(id, metadata, core);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.second.on = screen;
        leg.second.asking = Asking::Quiet;
        core.media(MediaCommand::Accept { leg: id, generation: leg.generation, answer });
        Self::asked(leg, core);
        self.sight_loosened(core);
        self.line_is_free(id);
    }

    /// The time of a step is over.
    pub(crate) fn line_due(&mut self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.second.asking = match leg.second.asking {
            Asking::Pausing { .. } => Asking::Quiet,
            Asking::Out { screen, .. } => Asking::Late { screen },
            Asking::Making { .. } => Asking::Never,
            as_before @ (Asking::Quiet | Asking::Late { .. } | Asking::Never) => as_before,
        };
        Self::asked(leg, core);
        self.line_is_free(id);
    }

    /// What an offer had to wait for is over.
    pub(super) fn line_is_free(&mut self, id: LegId) {
        if self.legs.get(&id).is_some_and(|leg| leg.may_be_offered_lines()) {
            self.to_offer.insert(id);
            self.unsettled = true;
        }
    }

    fn asked(leg: &mut crate::leg::Leg, core: &mut Core) {
        leg.arm(&mut core.timers);
        core.changed(RecordKey::Leg(leg.id));
    }
}
