//! How well the calls of a conference get through, told on.
//!
//! What makes a connection poor never lives here (`quality.rs` of the crate).

use super::Conference;
use crate::core::Core;
use crate::effect::ConferenceEvent;
use crate::quality::LegQuality;

impl Conference {
    /// A leg's packets were measured. Of another session than the present one, and while no sound flows, it means nothing.
    pub(crate) fn quality_told(&mut self, measured: LegQuality, core: &mut Core) {
        let LegQuality { leg: id, generation, quality } = measured;
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.generation == generation && leg.is_live())
        else {
            return;
        };
        leg.connection.note(generation, &quality);
        let poor = leg.has_poor_connection();
        core.notify(ConferenceEvent::Quality { conference: self.id, leg: id, quality, poor });
    }
}
