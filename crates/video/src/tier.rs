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

/// A higher tier is tried after so much time of headroom, at first.
const PATIENCE: Duration = Duration::from_secs(10);
/// And never later than after that.
const MOST_PATIENCE: Duration = Duration::from_secs(320);
/// A higher tier that was held for so long was not tried in vain.
const PROVED: Duration = Duration::from_secs(60);
/// So soon after a change, losses are reported that were before it.
const OLD_REPORTS: Duration = Duration::from_secs(3);
/// Losses from which on no higher tier is tried: 2 %.
const SOME_LOSS: u8 = 5;
/// Losses from which on a lower one is taken: 10 %.
const MUCH_LOSS: u8 = 26;

/// Which tier one receiver is sent: a lower one at once when it can't take the present one, a higher one after 10 s of headroom.
///
/// A receiver's estimate (REMB) says little of what it has not been sent: browsers let it grow to one and a half times of what comes in, and
/// no further. So that counts as headroom, too, and the higher tier is then a trial; after one that failed within a minute the next has
/// to wait twice as long, up to five minutes. For the same reason an estimate that is lower than what a tier is meant to have is no reason
/// to leave it while less than that is sent, as of a picture that stands still.
#[derive(Clone, Copy, Debug)]
pub struct TierChoice {
    tier: Tier,
    top: Tier,
    headroom_since: Option<Duration>,
    patience: Duration,
    raised: Option<Duration>,
    changed: Option<Duration>,
}

impl TierChoice {
    /// Begins with this tier.
    #[must_use]
    pub fn new(tier: Tier) -> Self {
        Self { tier, top: Tier::High, headroom_since: None, patience: PATIENCE, raised: None, changed: None }
    }

    /// The receiver estimates (REMB) that it can take `bits` bit/s of pictures: what else it is sent is already subtracted. `sent` is
    /// what it was sent of pictures in the last second or so, in bit/s.
    pub fn estimated(&mut self, bits: u64, sent: u64, now: Duration) {
        if share(bits, 10) < share(self.tier.bits(), 9) && share(bits, 20) < share(sent, 19) {
            let fits = Tier::ALL.into_iter().rev().find(|tier| tier.bits() <= bits);
            self.lower(fits.unwrap_or(Tier::Low), now);
            return;
        }
        let Some(above) = self.above() else {
            self.headroom_since = None;
            return;
        };
        let known = share(bits, 4) >= share(above.bits(), 5);
        let likely = share(bits, 10) >= share(self.tier.bits(), 9) && share(bits, 10) >= share(sent, 13);
        if !known && !likely {
            self.headroom_since = None;
            return;
        }
        let since = *self.headroom_since.get_or_insert(now);
        if now.saturating_sub(since) >= self.patience {
            self.tier = above;
            self.raised = Some(now);
            self.changed = Some(now);
            self.headroom_since = None;
        }
    }

    /// The receiver reports that it has lost so much of what it was sent: `fraction` in 256ths, as a report block has it (RFC 3550
    /// section 6.4.1).
    pub fn lost(&mut self, fraction: u8, now: Duration) {
        if fraction >= SOME_LOSS {
            self.headroom_since = None;
        }
        let old = self.changed.is_some_and(|changed| now.saturating_sub(changed) < OLD_REPORTS);
        if fraction >= MUCH_LOSS && !old {
            self.lower(self.below(), now);
        }
    }

    /// No tier above this one, from now on: it is not encoded, or the receiver shows no larger picture.
    pub fn allow(&mut self, top: Tier, now: Duration) {
        self.top = top;
        if self.tier > top {
            self.tier = top;
            self.changed = Some(now);
            self.headroom_since = None;
        }
    }

    /// What the receiver is to be sent.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    fn above(&self) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| *tier > self.tier).filter(|tier| *tier <= self.top)
    }

    fn below(&self) -> Tier {
        Tier::ALL.into_iter().rev().find(|tier| *tier < self.tier).unwrap_or(Tier::Low)
    }

    fn lower(&mut self, tier: Tier, now: Duration) {
        self.headroom_since = None;
        if tier >= self.tier {
            return;
        }
        let in_vain = self.raised.take().is_some_and(|raised| now.saturating_sub(raised) < PROVED);
        self.patience = if in_vain { (self.patience * 2).min(MOST_PATIENCE) } else { PATIENCE };
        self.tier = tier;
        self.changed = Some(now);
    }
}

/// So many times a number of bits.
fn share(bits: u64, times: u64) -> u64 {
    bits.saturating_mul(times)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_does_not_fit_is_left_at_once_for_what_does() {
        for (bits, tier) in
            [(1_080_000, Tier::High), (1_000_000, Tier::Medium), (300_000, Tier::Low), (0, Tier::Low)]
        {
            let mut choice = TierChoice::new(Tier::High);
            choice.estimated(bits, 1_200_000, at(1));
            assert_eq!(choice.tier(), tier, "{bits}");
        }
    }

    #[test]
    fn a_picture_that_stands_still_is_no_reason_for_a_lower_tier() {
        let mut choice = TierChoice::new(Tier::Medium);
        for second in 0..100 {
            choice.estimated(160_000, 100_000, at(second));
        }
        assert_eq!(choice.tier(), Tier::Medium);
    }

    #[test]
    fn a_higher_tier_is_tried_after_ten_seconds_of_headroom() {
        let mut choice = TierChoice::new(Tier::Low);
        let mut tiers = Vec::new();
        // What a browser says to what it gets, on a line with room for all.
        for second in 0..=25 {
            let sent = choice.tier().bits();
            choice.estimated(sent * 3 / 2, sent, at(second));
            tiers.push(choice.tier());
        }
        assert_eq!(tiers[..10], [Tier::Low; 10]);
        assert_eq!(tiers[10..21], [Tier::Medium; 11]);
        assert_eq!(tiers[21..], [Tier::High; 5]);
    }

    #[test]
    fn headroom_that_is_interrupted_begins_anew() {
        let mut choice = TierChoice::new(Tier::Medium);
        for second in 0..100 {
            let bits = if second % 9 == 0 { 1_000 } else { 10_000_000 };
            choice.estimated(bits, 0, at(second));
            assert_eq!(choice.tier(), Tier::Medium);
        }
        for second in 100..200 {
            choice.estimated(10_000_000, 500_000, at(second));
            if second % 9 == 0 {
                choice.lost(SOME_LOSS, at(second));
            }
            assert_eq!(choice.tier(), Tier::Medium);
        }
    }

    #[test]
    fn much_loss_lowers_by_one_tier_and_not_by_two_for_the_same() {
        let mut choice = TierChoice::new(Tier::High);
        choice.lost(MUCH_LOSS - 1, at(0));
        assert_eq!(choice.tier(), Tier::High);
        choice.lost(MUCH_LOSS, at(1));
        choice.lost(MUCH_LOSS, at(2));
        assert_eq!(choice.tier(), Tier::Medium);
        choice.lost(MUCH_LOSS, at(5));
        assert_eq!(choice.tier(), Tier::Low);
    }

    #[test]
    fn a_line_between_two_tiers_is_tried_less_and_less_often() {
        let line = 800_000;
        let mut choice = TierChoice::new(Tier::Medium);
        let mut tried = Vec::new();
        for second in 0..1200 {
            let before = choice.tier();
            let sent = before.bits();
            // More than the line takes is noticed after two seconds.
            let congested = sent > line && tried.last().is_some_and(|tried| second >= tried + 2);
            let bits = if congested { line * 85 / 100 } else { (sent * 3 / 2).max(750_000) };
            choice.estimated(bits, sent, at(second));
            if choice.tier() > before {
                tried.push(second);
            }
        }
        let waits: Vec<u64> = tried.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(tried[0], 10);
        assert_eq!(waits, [23, 43, 83, 163, 323, 323]);
    }

    #[test]
    fn what_is_not_allowed_is_not_taken() {
        let mut choice = TierChoice::new(Tier::High);
        choice.allow(Tier::Medium, at(0));
        assert_eq!(choice.tier(), Tier::Medium);
        for second in 0..100 {
            choice.estimated(10_000_000, 500_000, at(second));
        }
        assert_eq!(choice.tier(), Tier::Medium);
        choice.allow(Tier::High, at(100));
        assert_eq!(choice.tier(), Tier::Medium);
        choice.estimated(10_000_000, 500_000, at(100));
        choice.estimated(10_000_000, 500_000, at(110));
        assert_eq!(choice.tier(), Tier::High);
    }

    proptest! {
        /// Whatever it is told, no higher tier comes within ten seconds of any change.
        #[test]
        fn it_never_flaps(
            steps in prop::collection::vec((0_u64..3000, 0_u64..3_000_000, 0_u64..2_000_000, 0_u8..60), 1..400),
        ) {
            let mut choice = TierChoice::new(Tier::Medium);
            let (mut now, mut changed) = (Duration::ZERO, Duration::ZERO);
            for (step, bits, sent, lost) in steps {
                now += Duration::from_millis(step);
                let before = choice.tier();
                choice.estimated(bits, sent, now);
                if choice.tier() > before {
                    prop_assert!(now - changed >= PATIENCE);
                }
                if choice.tier() != before {
                    changed = now;
                }
                let before = choice.tier();
                choice.lost(lost, now);
                prop_assert!(choice.tier() <= before);
                if choice.tier() != before {
                    changed = now;
                }
            }
        }
    }
}
