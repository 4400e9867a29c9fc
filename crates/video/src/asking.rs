//! What a sender is asked to send, in bit/s, for what is made of its pictures. How it is asked (REMB) never lives here.

use core::time::Duration;

/// What pictures need by their pixels. They are decoded and encoded again, so they have to be better than what becomes of them.
const NEEDS: [(u64, u64); 5] = [
    (0, 50_000),
    (320 * 180, 180_000),
    (640 * 360, 600_000),
    (1280 * 720, 1_500_000),
    (1920 * 1080, 2_500_000),
];

/// So long has less to be enough before less is asked for.
const DEBOUNCE: Duration = Duration::from_secs(2);

/// What pictures that are shown in this size need, in bit/s, so that with more one would see no more. Of what is not shown at all (0
/// by 0), and yet comes, 50 kbit/s.
#[must_use]
pub fn bits_for(width: u32, height: u32) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    for pair in NEEDS.windows(2) {
        let [(from, low), (to, high)] = [pair[0], pair[1]];
        if pixels <= to {
            return low + (high - low) * (pixels - from) / (to - from);
        }
    }
    NEEDS[NEEDS.len() - 1].1
}

/// What one sender is asked for: more at once, less when that has been enough for 2 s, and nothing new for a difference of less than
/// 15 %, which nobody sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderBitrate {
    asked: Option<u64>,
    less: Option<Less>,
}

/// Since when less would be enough, and the most that was needed since.
#[derive(Clone, Copy, Debug)]
struct Less {
    since: Duration,
    most: u64,
}

impl SenderBitrate {
    /// Nothing was asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to ask for, now that `bits` bit/s would be enough, if it is something new. To be told again and again: a smaller need counts
    /// only when it is told 2 s later, too.
    pub fn needs(&mut self, bits: u64, now: Duration) -> Option<u64> {
        let Some(asked) = self.asked else {
            return self.ask(bits);
        };
        let percent = u128::from(bits) * 100;
        if percent > u128::from(asked) * 115 {
            return self.ask(bits);
        }
        if percent >= u128::from(asked) * 85 {
            self.less = None;
            return None;
        }
        let less = self.less.get_or_insert(Less { since: now, most: bits });
        less.most = less.most.max(bits);
        let Less { since, most } = *less;
        if now.saturating_sub(since) < DEBOUNCE {
            return None;
        }
        self.ask(most)
    }

    /// What was asked for last.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        self.asked
    }

    fn ask(&mut self, bits: u64) -> Option<u64> {
        self.less = None;
        self.asked = Some(bits);
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn larger_pictures_need_more_and_none_more_than_all() {
        assert_eq!(bits_for(0, 0), 50_000);
        assert_eq!(bits_for(320, 180), 180_000);
        assert_eq!(bits_for(640, 360), 600_000);
        assert_eq!(bits_for(1280, 720), 1_500_000);
        assert_eq!(bits_for(u32::MAX, u32::MAX), 2_500_000);
        let needs: Vec<u64> = (0..2000).map(|side| bits_for(side, side)).collect();
        assert!(needs.is_sorted());
    }

    #[test]
    fn more_is_asked_for_at_once() {
        let mut bitrate = SenderBitrate::new();
        assert_eq!(bitrate.needs(100, ms(0)), Some(100));
        assert_eq!(bitrate.needs(115, ms(1)), None);
        assert_eq!(bitrate.needs(116, ms(1)), Some(116));
        assert_eq!(bitrate.asked(), Some(116));
    }

    #[test]
    fn less_is_asked_for_when_it_has_been_enough_for_two_seconds() {
        let mut bitrate = SenderBitrate::new();
        bitrate.needs(1000, ms(0));
        assert_eq!(bitrate.needs(100, ms(0)), None);
        assert_eq!(bitrate.needs(300, ms(1000)), None);
        assert_eq!(bitrate.needs(200, ms(1999)), None);
        assert_eq!(bitrate.needs(200, ms(2000)), Some(300), "the most that was needed meanwhile");
    }

    #[test]
    fn less_that_was_not_enough_begins_anew() {
        let mut bitrate = SenderBitrate::new();
        bitrate.needs(1000, ms(0));
        assert_eq!(bitrate.needs(100, ms(0)), None);
        assert_eq!(bitrate.needs(850, ms(1000)), None);
        assert_eq!(bitrate.needs(100, ms(2500)), None);
        assert_eq!(bitrate.needs(100, ms(4500)), Some(100));
    }
}
