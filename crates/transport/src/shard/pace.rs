//! Whether so much comes in that it is cheaper to look at a rhythm than to be woken by each packet. A clock never lives here.

use std::time::{Duration, Instant};

/// What is counted at once: as long as a packet of sound is.
const WINDOW: Duration = Duration::from_millis(20);

/// From so many datagrams in a window on, as many looks are no more than there would be awakenings.
const BUSY: usize = 20;

/// The pace of what comes in.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    count: usize,
    busy: bool,
}

impl Pace {
    pub(super) const fn starting(now: Instant) -> Self {
        Self { began: now, count: 0, busy: false }
    }

    /// So many datagrams came.
    pub(super) fn note(&mut self, datagrams: usize, now: Instant) {
        self.count += datagrams;
        if now.saturating_duration_since(self.began) >= WINDOW {
            self.busy = self.count >= BUSY;
            self.count = 0;
            self.began = now;
        }
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_rate() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::starting(start);
        for millis in 1..=100 {
            pace.note(1, at(millis));
        }
        assert!(pace.is_busy(), "a thousand a second");
        for millis in (102..=200).step_by(2) {
            pace.note(1, at(millis));
        }
        assert!(!pace.is_busy(), "five hundred a second");
        pace.note(64, at(201));
        pace.note(0, at(220));
        assert!(pace.is_busy());
    }
}
