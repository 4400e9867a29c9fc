//! Time as a value. A clock never lives here: whoever drives the mixer has one.

/// A moment in microseconds on any monotonic scale; the mixer only looks at differences.
///
/// Arrivals and ticks of one mixer must be told on the same scale. Time that runs backwards does no harm beyond bad timing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// A moment from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// The moment `millis` milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// For arithmetic with sign. 2⁶⁰ µs are 36 000 years: differences of two such values can't overflow.
    pub(crate) const fn signed(self) -> i64 {
        const LIMIT: u64 = 1 << 60;
        (if self.0 < LIMIT { self.0 } else { LIMIT }) as i64
    }
}

/// The length of `samples` at 48 kHz in microseconds, rounded down.
pub(crate) const fn samples_to_micros(samples: i64) -> i64 {
    // 1 000 000 / 48 000 = 125 / 6
    samples.saturating_mul(125) / 6
}
