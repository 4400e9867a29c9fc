//! The beat of the mixer: which ticks are due. A clock never lives here: times are told, counted from one origin.

use std::time::Duration;

/// The time between two ticks.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// How many ticks are made up for after a hold-up. Listeners' jitter buffers bear such a burst; what is older than 100 ms nobody
/// waits for.
const CATCH_UP: u64 = 5;

/// Ticks at fixed times, counted from the origin: a late tick does not delay the following ones.
#[derive(Debug)]
pub(crate) struct Beat {
    next: u64,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The first tick to mix.
    pub(crate) first: u64,
    /// How many to mix; none before their time.
    pub(crate) count: u64,
    /// How many of them are more than a tick late.
    pub(crate) late: u64,
    /// How many before them are left out.
    pub(crate) skipped: u64,
}

impl Beat {
    /// A beat whose first tick is the first after `now`.
    pub(crate) fn starting(now: Duration) -> Self {
        Self { next: tick_at(now) + 1 }
    }

    /// When the next tick is due.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_millis(self.next.saturating_mul(20))
    }

    /// Takes the ticks that are due at `now`.
    pub(crate) fn take(&mut self, now: Duration) -> Due {
        let last = tick_at(now);
        if last < self.next {
            return Due { first: self.next, count: 0, late: 0, skipped: 0 };
        }
        let first = self.next.max((last + 1).saturating_sub(CATCH_UP));
        let count = last + 1 - first;
        let due = Due { first, count, late: count - 1, skipped: first - self.next };
        self.next = last + 1;
        due
    }
}

/// The latest tick whose time is not after `now`.
fn tick_at(now: Duration) -> u64 {
    // 2^64 ms are more than any process lives.
    u64::try_from(now.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn ticks_come_at_their_times_however_late_the_last_one_was() {
        let mut beat = Beat::starting(at(105));
        assert_eq!(beat.deadline(), at(120));
        assert_eq!(beat.take(at(119)).count, 0);
        assert_eq!(beat.take(at(135)), Due { first: 6, count: 1, late: 0, skipped: 0 });
        assert_eq!(beat.deadline(), at(140));
        assert_eq!(beat.take(at(140)).count, 1);
        assert_eq!(beat.take(at(140)).count, 0);
    }

    #[test]
    fn a_short_hold_up_is_made_up_for() {
        let mut beat = Beat::starting(at(0));
        assert_eq!(beat.take(at(65)), Due { first: 1, count: 3, late: 2, skipped: 0 });
        assert_eq!(beat.deadline(), at(80));
    }

    #[test]
    fn a_long_hold_up_leaves_ticks_out() {
        let mut beat = Beat::starting(at(0));
        assert_eq!(beat.take(at(1000)), Due { first: 46, count: 5, late: 4, skipped: 45 });
        assert_eq!(beat.deadline(), at(1020));
    }
}
