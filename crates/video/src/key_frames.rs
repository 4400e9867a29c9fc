//! When one sender is asked for a key frame, whoever wants one. How it is asked (PLI, RFC 4585 section 6.3.1) never lives here.

use core::time::Duration;

/// The wishes of all who want a key frame of one sender, as few requests: at most one in 500 ms, what was wished for meanwhile is
/// remembered; an urgent wish waits 100 ms at most. What was asked for is asked for again each second until a key frame came.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFrameRequests {
    /// Since when somebody wants one that was not asked for.
    wanted: Option<Duration>,
    urgent: bool,
    /// When it was last asked for.
    asked: Option<Duration>,
    /// Whether none came since.
    awaited: bool,
}

/// Between two requests.
const SPACING: Duration = Duration::from_millis(500);
/// Between two requests if the second one is urgent.
const URGENT_SPACING: Duration = Duration::from_millis(100);
/// A request without an answer is repeated after this.
const PATIENCE: Duration = Duration::from_secs(1);

impl KeyFrameRequests {
    /// Nobody wants one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody wants a key frame. It is urgent where somebody sees nothing, or the wrong one, until it comes: at a switch.
    pub fn want(&mut self, now: Duration, urgent: bool) {
        self.wanted.get_or_insert(now);
        self.urgent |= urgent;
    }

    /// Whether to ask now. It counts as asked for.
    pub fn due(&mut self, now: Duration) -> bool {
        let due = self.next().is_some_and(|next| next <= now);
        if due {
            *self = Self { wanted: None, urgent: false, asked: Some(now), awaited: true };
        }
        due
    }

    /// A key frame began: all that wanted one have it.
    pub fn came(&mut self, now: Duration) {
        let _ = now;
        *self = Self { wanted: None, urgent: false, awaited: false, ..*self };
    }

    /// Nobody wants one any more.
    pub fn forget(&mut self) {
        *self = Self { wanted: None, urgent: false, awaited: false, ..*self };
    }

    /// From when on [`Self::due`] says so; `None` while nobody wants any.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let after = |wait| self.asked.map(|asked| asked.saturating_add(wait));
        match self.wanted {
            Some(wanted) => {
                let spacing = if self.urgent { URGENT_SPACING } else { SPACING };
                Some(after(spacing).map_or(wanted, |at| at.max(wanted)))
            }
            None => after(PATIENCE).filter(|_| self.awaited),
        }
    }
}
