//! How often a port is to be looked at, by how much comes in. A clock never lives here: times are told.

use std::time::{Duration, Instant};

/// What is counted at once: as long as a packet of sound is.
const WINDOW: Duration = Duration::from_millis(20);

/// Up to so many datagrams in a window each may wake the thread; of more, several are better read at a time.
const FEW: usize = 4;

/// The longest time between two looks while packets come. Each has the time of its arrival from the kernel, so none is taken for late;
/// but answers wait so long for it.
const LONGEST: Duration = Duration::from_millis(10);

/// The shortest. What comes in between has to find room in the kernel.
const SHORTEST: Duration = Duration::from_millis(1);

/// Datagrams that one look is meant to find.
const AT_ONCE: usize = 32;

/// The pace of what comes in.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    count: usize,
    /// Datagrams of the last window.
    last: usize,
}

impl Pace {
    pub(super) const fn starting(now: Instant) -> Self {
        Self { began: now, count: 0, last: 0 }
    }

    /// So many datagrams came.
    pub(super) fn note(&mut self, datagrams: usize, now: Instant) {
        self.count += datagrams;
        if now.saturating_duration_since(self.began) >= WINDOW {
            self.last = self.count;
            self.count = 0;
            self.began = now;
        }
    }

    /// How long to stay away from the port; `None` to be woken by what comes next.
    pub(super) fn rest(&self) -> Option<Duration> {
        let last = u32::try_from(self.last).unwrap_or(u32::MAX);
        (self.last > FEW).then(|| (WINDOW * AT_ONCE as u32 / last).clamp(SHORTEST, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long is rested after a second of so many datagrams.
    fn rest_at(a_second: usize) -> Option<Duration> {
        let start = Instant::now();
        let mut pace = Pace::starting(start);
        for millis in 1..=1_000_usize {
            let count = a_second * millis / 1_000 - a_second * (millis - 1) / 1_000;
            pace.note(count, start + Duration::from_millis(millis as u64));
        }
        pace.rest()
    }

    #[test]
    fn it_follows_the_rate() {
        assert_eq!(rest_at(0), None);
        assert_eq!(rest_at(100), None);
        assert_eq!(rest_at(1_000), Some(LONGEST));
        assert_eq!(rest_at(10_000), Some(Duration::from_micros(3_200)));
        assert_eq!(rest_at(50_000), Some(SHORTEST));
        assert_eq!(rest_at(1_000_000), Some(SHORTEST));
    }
}
