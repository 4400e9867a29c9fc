//! The driver's clock: wall time as it was at the start, plus monotonic time since, so that it never goes back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use confocal_conference::Timestamp;
use tokio::time::Instant;

/// Tells the machine's time. With tokio's time paused it stands still, as tests want it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_millis: u64,
}

impl Clock {
    /// A clock that starts at the system's wall time.
    #[must_use]
    pub fn system() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::starting_at(Timestamp::from_unix_millis(
            u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
        ))
    }

    /// A clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start: Instant::now(), start_millis: start.as_unix_millis() }
    }

    /// This clock, or if it shows less than `earliest`, one that goes on from there.
    #[must_use]
    pub(crate) fn not_before(self, earliest: Timestamp) -> Self {
        let behind = earliest.since(self.now());
        Self { start_millis: self.start_millis.saturating_add(behind.0), ..self }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_unix_millis(self.start_millis.saturating_add(passed))
    }

    /// When a moment comes, on tokio's clock; a moment that is past is now.
    #[must_use]
    pub fn instant(&self, at: Timestamp) -> Instant {
        // One millisecond more, since `now` rounds down: at the instant returned the moment has come.
        let ahead = at.as_unix_millis().saturating_sub(self.start_millis).saturating_add(1);
        self.start.checked_add(Duration::from_millis(ahead)).unwrap_or_else(|| {
            // Farther ahead than the platform counts: look again in a day.
            Instant::now() + Duration::from_secs(86_400)
        })
    }
}
