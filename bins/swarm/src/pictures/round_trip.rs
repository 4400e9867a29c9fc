//! The time there and back, by what the other side reports of our sound (RFC 3550 section 6.4.1).

use std::time::Duration;

use confocal_rtp::rtcp::ReportBlock;
use confocal_rtp::{NtpTime, round_trip};

/// As long as it is not known: as browsers have it.
const USUAL: Duration = Duration::from_millis(100);

/// The time there and back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip(Option<Duration>);

impl RoundTrip {
    /// A block came at `at`, in µs since 1970.
    pub(super) fn reported(&mut self, block: &ReportBlock, at: i64) {
        let now = NtpTime::from_unix(Duration::from_micros(at.unsigned_abs()));
        self.0 = round_trip(now, block.last_sr, block.delay_since_last_sr).or(self.0);
    }

    pub(super) fn value(self) -> Duration {
        self.0.unwrap_or(USUAL)
    }
}
