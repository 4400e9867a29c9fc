//! One line on which a caller sends pictures: whether they come, when a key frame is asked for, how much it may send.
//!
//! Who sees them is decided elsewhere.

use std::time::Duration;

use confocal_video::{KeyFrameRequests, SenderBitrate};

/// Of one from whom nothing comes for so long, there is nothing to see.
const LIVE: Duration = Duration::from_secs(3);

/// A caller's pictures on one line. Moments are told as what has gone by since any fixed one.
#[derive(Debug, Default)]
pub(super) struct Sender {
    last: Option<Duration>,
    /// Whether they were taken to come when that was looked at last.
    pub(super) was_live: bool,
    pub(super) requests: KeyFrameRequests,
    /// How many lines of others they are shown on, or are to be.
    pub(super) viewers: u32,
}

impl Sender {
    /// A packet came; whether it is the first in a while.
    pub(super) fn on_packet(&mut self, now: Duration) -> bool {
        let news = !self.is_live(now);
        self.last = Some(now);
        news
    }

    /// Packets come.
    pub(super) fn is_live(&self, now: Duration) -> bool {
        self.last.is_some_and(|last| now.saturating_sub(last) < LIVE)
    }

    /// The line is not in use any more, or what it is of changed.
    pub(super) fn forget(&mut self) {
        self.last = None;
        self.requests.forget();
    }
}

/// What one caller may send of pictures, on all its lines.
#[derive(Debug, Default)]
pub(super) struct Allowance(SenderBitrate);

/// For whom nobody looks at: enough to be seen at once, little enough to be no burden. Browsers take a long time to send much more
/// after they were told to send little (8 % a second), so it is not less.
pub(super) const UNSEEN: u64 = 100_000;

/// For those who are likely to be seen next.
pub(super) const NEXT: u64 = 500_000;

/// The most for a camera, and for a screen.
const CAMERA_MAX: u64 = 2_000_000;
const SCREEN_MAX: u64 = 2_500_000;

/// The least for whom somebody looks at, however poor the ways to those.
const SEEN_MIN: u64 = 150_000;

/// What a sender may send who is seen by callers with such estimates, which are put in order: as much as three in four of them can
/// take. The others miss some of it rather than everybody seeing less; a caller that has not told yet can take all.
pub(super) fn bearable(estimates: &mut [u64], screen: bool) -> u64 {
    let most = if screen { SCREEN_MAX } else { CAMERA_MAX };
    estimates.sort_unstable();
    let quarter = estimates.len().saturating_sub(1) / 4;
    estimates.get(quarter).map_or(most, |bits| (*bits).clamp(SEEN_MIN, most))
}

impl Allowance {
    /// What to tell the caller, if it is news, when `bits` would be right.
    pub(super) fn of(&mut self, bits: u64, now: Duration) -> Option<u64> {
        self.0.needs(bits, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_from_whom_nothing_comes_for_three_seconds_is_not_live() {
        let mut sender = Sender::default();
        assert!(!sender.is_live(Duration::ZERO));
        assert!(sender.on_packet(Duration::from_secs(10)));
        assert!(!sender.on_packet(Duration::from_millis(12_999)));
        assert!(sender.is_live(Duration::from_millis(15_998)));
        assert!(!sender.is_live(Duration::from_millis(15_999)));
        assert!(sender.on_packet(Duration::from_secs(20)));
    }

    #[test]
    fn three_in_four_can_take_what_is_sent() {
        assert_eq!(bearable(&mut [], false), CAMERA_MAX);
        assert_eq!(bearable(&mut [u64::MAX], true), SCREEN_MAX);
        assert_eq!(bearable(&mut [900_000], false), 900_000);
        assert_eq!(bearable(&mut [900_000, 300_000], false), 300_000);
        assert_eq!(bearable(&mut [900_000, 10_000, 800_000, 700_000, 600_000], false), 600_000);
        assert_eq!(bearable(&mut [0], false), SEEN_MIN);
    }
}
