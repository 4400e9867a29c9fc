//! How many of something were needed at a time of late, so that no more of it is kept. What it is never lives here.

/// After so many ticks of not being needed something is let go of, and after twice as many at the latest: 10 s. Who has spoken
/// lately will speak again.
pub(crate) const WINDOW_TICKS: u64 = 500;

/// The most that was needed at a time since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand(usize);

impl Demand {
    /// So many are needed now.
    pub(crate) fn note(&mut self, needed: usize) {
        self.0 = self.0.max(needed);
    }

    /// How many were needed since this was asked last.
    pub(crate) const fn take(&mut self) -> usize {
        core::mem::replace(&mut self.0, 0)
    }
}
