//! How often things happened, for whoever exports metrics.
//!
//! Nothing is decided by a counter, and nothing of what was counted (names, texts) is kept.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests to the application service with a wrong token or none.
    pub(crate) refused_tokens: Counter,
    /// Transactions that were not JSON.
    pub(crate) bad_transactions: Counter,
    /// Transactions that were handled.
    pub(crate) transactions: Counter,
    /// Events that became an input.
    pub(crate) inputs: Counter,
    /// Events that could not be read, or held a text that is too long.
    pub(crate) malformed_events: Counter,
    /// Call events whose lifetime had ended.
    pub(crate) expired_events: Counter,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests to the application service with a wrong token or none.
    pub refused_tokens: u64,
    /// Transactions that were not JSON.
    pub bad_transactions: u64,
    /// Transactions that were handled.
    pub transactions: u64,
    /// Events that became an input.
    pub inputs: u64,
    /// Events that could not be read, or held a text that is too long.
    pub malformed_events: u64,
    /// Call events whose lifetime had ended.
    pub expired_events: u64,
}

impl Counters {
    /// The counts now.
    #[must_use]
    pub(crate) fn read(&self) -> Counts {
        Counts {
            refused_tokens: self.refused_tokens.read(),
            bad_transactions: self.bad_transactions.read(),
            transactions: self.transactions.read(),
            inputs: self.inputs.read(),
            malformed_events: self.malformed_events.read(),
            expired_events: self.expired_events.read(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
