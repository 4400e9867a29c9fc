//! Callers are told who speaks (MSC3086), where the operator wants it: those whose clients can know, each seldom.
//!
//! Who has the word never lives here, see `speakers.rs`.

use super::Conference;
use crate::call::CallVersion;
use crate::core::Core;
use crate::effect::SignalRequest;
use crate::time::Millis;

/// The least time between two such words in one call: clients show each as if the call had been handed over.
const APART: Millis = Millis::from_secs(10);

impl Conference {
    /// Tells those callers who speaks who were told otherwise and not just now. Nobody is told of themselves.
    pub(super) fn identify_speaker(&mut self, core: &mut Core) {
        let Some(speaker) = self.speakers.active() else { return };
        let Some((_, member)) = self.present.iter().find(|(participant, _)| *participant == speaker) else {
            return;
        };
        self.legs.for_each(|leg| {
            let lately = leg.identified.is_some_and(|(who, at)| who == speaker || core.now.since(at) < APART);
            if lately || leg.version == CallVersion::V0 || leg.participant == speaker || !leg.is_live() {
                return;
            }
            leg.identified = Some((speaker, core.now));
            core.send(SignalRequest::AssertIdentity {
                to: leg.address(),
                group: self.group.clone(),
                member: member.clone(),
                expires: core.now + APART,
            });
        });
    }
}
