//! What lines do to packets: losses and jitter by chance, the same chance in each run.

/// How bad the lines between callers and the conference are. Only media is touched, never ICE and DTLS.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// The share of packets lost on the way to the conference, 0 to 1.
    pub loss_up: f64,
    /// The share of packets lost on the way to the callers.
    pub loss_down: f64,
    /// The share of packets of pictures lost on the way to the callers, besides.
    pub pictures_down: f64,
    /// Packets to the conference are held up by anything between 0 and this, in ms.
    pub jitter_ms: u32,
}

/// Chance with a seed (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Begins at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 even bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether something happens that happens with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        // 53 bits are what a float holds.
        probability > 0.0 && ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    /// A number below `bound`, 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_fair_and_repeats() {
        let lost = |seed| {
            let mut chance = Chance::new(seed);
            (0..100_000).filter(|_| chance.happens(0.05)).count()
        };
        assert!((4_700..5_300).contains(&lost(1)), "{}", lost(1));
        assert_eq!(lost(7), lost(7));
        let mut chance = Chance::new(3);
        assert!((0..1_000).all(|_| chance.below(30) < 30 && !chance.happens(0.0)));
    }
}
