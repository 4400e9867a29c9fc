//! When a datagram arrived, which is before it was read. Reading it never lives here.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest that a datagram is believed to have waited: when the system's clock is set, its times are of no use for a moment.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Both clocks at one moment: the kernel tells arrivals by that which may be set, and we count by that which may not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    steady: Instant,
    /// Since 1970.
    wall: Duration,
}

impl Clocks {
    pub(super) fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { steady: Instant::now(), wall }
    }

    /// When a datagram arrived that has been read now, by the kernel's time of it if there is one.
    pub(super) fn arrival(self, kernel: Option<Duration>) -> Instant {
        let waited =
            kernel.and_then(|kernel| self.wall.checked_sub(kernel)).filter(|waited| *waited <= WAIT_MAX);
        waited.and_then(|waited| self.steady.checked_sub(waited)).unwrap_or(self.steady)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_arrived_when_the_kernel_had_it_unless_that_cannot_be() {
        let clocks = Clocks { steady: Instant::now(), wall: Duration::from_secs(1_000) };
        let arrived = |millis| clocks.steady - clocks.arrival(Some(Duration::from_millis(millis)));
        assert_eq!(arrived(999_993), Duration::from_millis(7));
        assert_eq!(arrived(1_000_000), Duration::ZERO);
        assert_eq!(arrived(1_000_050), Duration::ZERO, "in the future");
        assert_eq!(arrived(400_000), Duration::ZERO, "long ago");
        assert_eq!(clocks.arrival(None), clocks.steady);
    }
}
