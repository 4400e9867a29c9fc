//! How well a call's packets get through, as the status page has it: of each figure what was learnt of it last.
//!
//! What makes a connection poor never lives here.

use confocal::conference::{Millis, PerMille, Quality};
use serde::Serialize;

/// One call's connection, as JSON has it. A figure is `null` as long as nothing was learnt of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ConnectionStatus {
    /// What was lost of the caller's packets of sound, in thousandths.
    incoming_loss_permille: Option<PerMille>,
    /// What was lost of ours, as the caller reports, in thousandths.
    outgoing_loss_permille: Option<PerMille>,
    /// How unevenly the caller's packets come, in ms.
    jitter_ms: Option<Millis>,
    /// The time to the caller and back, in ms.
    round_trip_ms: Option<Millis>,
    /// Much is lost, and has been for a while.
    poor: bool,
}

impl ConnectionStatus {
    /// Takes what was learnt now.
    pub(crate) fn learn(&mut self, quality: &Quality, poor: bool) {
        let Quality { incoming_loss, outgoing_loss, jitter, round_trip } = *quality;
        *self = Self {
            incoming_loss_permille: incoming_loss.or(self.incoming_loss_permille),
            outgoing_loss_permille: outgoing_loss.or(self.outgoing_loss_permille),
            jitter_ms: jitter.or(self.jitter_ms),
            round_trip_ms: round_trip.or(self.round_trip_ms),
            poor,
        };
    }

    /// Much is lost, and has been for a while.
    pub(crate) const fn is_poor(self) -> bool {
        self.poor
    }
}
