//! Moments as RTCP tells them. The clock is the caller's.

use core::time::Duration;

/// From 1900 to 1970, the epochs of NTP and Unix.
const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

/// Wall time in NTP's form (RFC 3550 section 4): seconds since 1900 in the upper 32 bits, wrapping in 2036, and a fraction of 2⁻³² s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Wall time told as what has gone by since the beginning of 1970.
    #[must_use]
    pub const fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs().wrapping_add(UNIX_EPOCH_SECONDS);
        let fraction = ((since_1970.subsec_nanos() as u64) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// The middle 32 bits, in 2⁻¹⁶ s, as report blocks have it.
    #[must_use]
    pub const fn compact(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// A span in 2⁻¹⁶ s, as report blocks have it; what is longer than 18 hours is told as that.
pub(crate) fn compact_span(span: Duration) -> u32 {
    u32::try_from((span.as_nanos() << 16) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// The round-trip time that a report block tells (RFC 3550 section 6.4.1): it came at `now`, and repeats our sender report's time as
/// `last_sr` and how long it was kept as `delay`, both in 2⁻¹⁶ s. `None` if the peer has had no sender report of ours. What comes
/// out below zero, by rounding or because the peer tells nonsense, is zero.
#[must_use]
pub fn round_trip(now: NtpTime, last_sr: u32, delay: u32) -> Option<Duration> {
    if last_sr == 0 {
        return None;
    }
    let span = now.compact().wrapping_sub(last_sr).wrapping_sub(delay);
    let span = if span >= 1 << 31 { 0 } else { u64::from(span) };
    Some(Duration::from_nanos((span * 1_000_000_000) >> 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3550 figure 2: the report came at 0xb710:8000, of a sender report at 0xb705:2000 that was kept for 5.25 s.
    #[test]
    fn the_example_of_rfc_3550() {
        let now = NtpTime(0x0000_b710_8000_0000);
        assert_eq!(round_trip(now, 0xb705_2000, 0x0005_4000), Some(Duration::from_millis(6125)));
    }

    #[test]
    fn wall_time_in_the_form_of_ntp() {
        // 2001-02-03 04:05:06.25 UTC.
        let time = NtpTime::from_unix(Duration::from_millis(981_173_106_250));
        assert_eq!(time.0, (981_173_106 + UNIX_EPOCH_SECONDS) << 32 | 1 << 30);
        assert_eq!(time.compact() & 0xFFFF, 0x4000);
    }

    #[test]
    fn nonsense_is_zero_and_nothing_is_none() {
        let now = NtpTime(5 << 32);
        assert_eq!(round_trip(now, 0, 0), None);
        assert_eq!(round_trip(now, 5 << 16, 1), Some(Duration::ZERO));
    }

    #[test]
    fn spans_end_at_what_can_be_told() {
        assert_eq!(compact_span(Duration::from_millis(1500)), 0x0001_8000);
        assert_eq!(compact_span(Duration::MAX), u32::MAX);
    }
}
