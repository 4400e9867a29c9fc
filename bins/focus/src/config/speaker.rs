//! `[speaker]`: when another one becomes the active speaker.
//!
//! How levels are measured never lives here, nor the decision itself.

use confocal::conference::{Millis, SpeakerConfig};
use serde::Deserialize;

/// The settings under the machine's names, with its defaults. Spans of time are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Speaker {
    /// How long one must have spoken to become it.
    pub(crate) onset_ms: u32,
    /// How long the active speaker may pause.
    pub(crate) pause_ms: u32,
    /// How much louder another one must be, in dB.
    pub(crate) margin_db: u8,
    /// For how long.
    pub(crate) insist_ms: u32,
    /// The least time between two changes.
    pub(crate) dwell_ms: u32,
    /// How many speakers are remembered.
    pub(crate) remembered: usize,
}

impl Default for Speaker {
    fn default() -> Self {
        let machine = SpeakerConfig::default();
        let millis = |span: Millis| u32::try_from(span.0).unwrap_or(u32::MAX);
        Self {
            onset_ms: millis(machine.onset),
            pause_ms: millis(machine.pause),
            margin_db: machine.margin_db,
            insist_ms: millis(machine.insist),
            dwell_ms: millis(machine.dwell),
            remembered: machine.remembered,
        }
    }
}

impl Speaker {
    /// As the machine has them.
    pub(crate) const fn machine(&self) -> SpeakerConfig {
        let Self { onset_ms, pause_ms, margin_db, insist_ms, dwell_ms, remembered } = *self;
        SpeakerConfig {
            onset: Millis(onset_ms as u64),
            pause: Millis(pause_ms as u64),
            margin_db,
            insist: Millis(insist_ms as u64),
            dwell: Millis(dwell_ms as u64),
            remembered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_machines() {
        assert_eq!(Speaker::default().machine(), SpeakerConfig::default());
    }
}
