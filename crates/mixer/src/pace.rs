//! When silence is sent: at first all of it, then a frame now and then. What is silent is decided elsewhere.

use crate::config::MixerConfig;
use crate::frame::TICK_MS;

/// Decides in which ticks a stream of frames goes on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SilencePace {
    /// Ticks of silence in a row.
    silent: u32,
    after_ticks: u32,
    interval_ticks: u32,
}

impl SilencePace {
    pub(crate) fn new(config: &MixerConfig) -> Self {
        Self {
            silent: 0,
            after_ticks: config.silence_after_ms.div_ceil(TICK_MS),
            interval_ticks: config.silence_interval_ms.div_ceil(TICK_MS).max(1),
        }
    }

    pub(crate) const fn restart(&mut self) {
        self.silent = 0;
    }

    /// Whether this tick's frame is sent.
    pub(crate) const fn wants(&mut self, silence: bool) -> bool {
        if !silence {
            self.silent = 0;
            return true;
        }
        self.silent = self.silent.saturating_add(1);
        self.silent.saturating_sub(self.after_ticks).is_multiple_of(self.interval_ticks)
    }
}
