//! How a stream is received, and sent, in the numbers that RTCP reports have (RFC 3550 appendix A). Which streams there are, and when
//! a report is due, is not known here.

use core::time::Duration;

use crate::ntp::{NtpTime, compact_span};
use crate::rtcp::{ReportBlock, SenderReport};

/// A sequence number that is further ahead than this begins the stream anew, if the next one follows it (RFC 3550 appendix A.1).
const MAX_DROPOUT: u16 = 3000;
/// What is behind by less came late.
const MAX_MISORDER: u16 = 100;
const SEQUENCES: u32 = 1 << 16;

/// How one stream is received. There is no probation (RFC 3550 appendix A.1): what came through SRTP is of who has the key.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    started: Option<Started>,
    last_sr: Option<(NtpTime, Duration)>,
}

#[derive(Clone, Debug)]
struct Started {
    highest: u16,
    /// The wraps so far, times 2¹⁶.
    cycles: u32,
    base: u32,
    /// What would follow a leap, if there was one just now.
    after_leap: Option<u16>,
    received: u32,
    /// As of the report before.
    expected_prior: u32,
    received_prior: u32,
    /// Arrival less timestamp of the packet before, in units of the clock.
    transit: u32,
    /// In 1/16 of the clock's units.
    jitter: u32,
}

impl Reception {
    /// Of a stream whose timestamps count at `clock_rate` Hz (Opus: 48,000; video: 90,000).
    #[must_use]
    pub const fn new(clock_rate: u32) -> Self {
        Self { clock_rate, started: None, last_sr: None }
    }

    /// Takes note of a packet that came at `arrival`, told as what has gone by since any fixed moment.
    pub fn on_packet(&mut self, sequence: u16, timestamp: u32, arrival: Duration) {
        let transit = in_clock_units(arrival, self.clock_rate).wrapping_sub(timestamp);
        let Some(started) = &mut self.started else {
            self.started = Some(Started::at(sequence, transit));
            return;
        };
        let ahead = sequence.wrapping_sub(started.highest);
        if ahead < MAX_DROPOUT {
            if sequence < started.highest {
                started.cycles = started.cycles.wrapping_add(SEQUENCES);
            }
            started.highest = sequence;
        } else if ahead <= MAX_MISORDER.wrapping_neg() {
            if started.after_leap == Some(sequence) {
                // Two in a row: the other side began anew.
                *started = Started::at(sequence, transit);
            } else {
                started.after_leap = Some(sequence.wrapping_add(1));
            }
            return;
        }
        started.after_leap = None;
        started.received = started.received.wrapping_add(1);
        // RFC 3550 appendix A.8, with its rounding.
        let distance = (transit.wrapping_sub(started.transit) as i32).unsigned_abs();
        started.transit = transit;
        started.jitter = started.jitter.saturating_add(distance) - ((started.jitter.saturating_add(8)) >> 4);
    }

    /// Takes note of a sender report of the stream, which came at `now`.
    pub const fn on_sender_report(&mut self, sent: NtpTime, now: Duration) {
        self.last_sr = Some((sent, now));
    }

    /// The block of the next report, which goes out at `now`; `None` as long as no packet has come. What was lost is counted from
    /// one call to the next.
    pub fn report_block(&mut self, ssrc: u32, now: Duration) -> Option<ReportBlock> {
        let started = self.started.as_mut()?;
        let extended_highest = started.extended_highest();
        let expected = started.expected();
        let cumulative_lost = expected.wrapping_sub(started.received) as i32;
        let expected_interval = expected.wrapping_sub(started.expected_prior);
        let received_interval = started.received.wrapping_sub(started.received_prior);
        started.expected_prior = expected;
        started.received_prior = started.received;
        // More may have come than was expected: doubles, and what the last report counted as lost.
        let lost_interval = i64::from(expected_interval) - i64::from(received_interval);
        let fraction_lost = if expected_interval == 0 || lost_interval <= 0 {
            0
        } else {
            u8::try_from((lost_interval << 8) / i64::from(expected_interval)).unwrap_or(u8::MAX)
        };
        let (last_sr, delay_since_last_sr) = self
            .last_sr
            .map_or((0, 0), |(sent, came)| (sent.compact(), compact_span(now.saturating_sub(came))));
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: cumulative_lost.clamp(-(1 << 23), (1 << 23) - 1),
            extended_highest,
            jitter: started.jitter >> 4,
            last_sr,
            delay_since_last_sr,
        })
    }

    /// The interarrival jitter so far, in units of the stream's clock.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        self.started.as_ref().map_or(0, |started| started.jitter >> 4)
    }

    /// The packets that came so far, late and doubled ones included.
    #[must_use]
    pub fn received(&self) -> u32 {
        self.started.as_ref().map_or(0, |started| started.received)
    }

    /// The packets that should have come so far: from the first to the highest sequence number.
    #[must_use]
    pub fn expected(&self) -> u32 {
        self.started.as_ref().map_or(0, Started::expected)
    }
}

impl Started {
    fn at(sequence: u16, transit: u32) -> Self {
        Self {
            highest: sequence,
            cycles: 0,
            base: u32::from(sequence),
            after_leap: None,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            transit,
            jitter: 0,
        }
    }

    fn extended_highest(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.highest))
    }

    fn expected(&self) -> u32 {
        self.extended_highest().wrapping_sub(self.base).wrapping_add(1)
    }
}

/// What one of our own streams has sent, for its sender reports.
#[derive(Clone, Debug)]
pub struct Transmission {
    clock_rate: u32,
    packets: u32,
    octets: u32,
    /// The timestamp of the newest packet, and the moment that it stands for.
    newest: Option<(u32, Duration)>,
}

impl Transmission {
    /// Of a stream whose timestamps count at `clock_rate` Hz.
    #[must_use]
    pub const fn new(clock_rate: u32) -> Self {
        Self { clock_rate, packets: 0, octets: 0, newest: None }
    }

    /// Takes note of a packet that was sent, and of the moment `now` for which its timestamp stands, told as what has gone by since any
    /// fixed moment: that of sending, unless streams are told to belong together otherwise. It may be ahead of the next report.
    pub const fn on_packet(&mut self, timestamp: u32, payload_bytes: usize, now: Duration) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_bytes as u32);
        self.newest = Some((timestamp, now));
    }

    /// The report that goes out at `now`, which is `wall` by the clock that all streams of a participant share; `None` as long as
    /// nothing was sent: then there is nothing to relate the clock to.
    #[must_use]
    pub fn sender_report(&self, ssrc: u32, wall: NtpTime, now: Duration) -> Option<SenderReport> {
        let (timestamp, sent) = self.newest?;
        let rtp_timestamp = if now >= sent {
            timestamp.wrapping_add(in_clock_units(now - sent, self.clock_rate))
        } else {
            timestamp.wrapping_sub(in_clock_units(sent - now, self.clock_rate))
        };
        Some(SenderReport { ssrc, ntp: wall, rtp_timestamp, packets: self.packets, octets: self.octets })
    }
}

/// A span in units of a clock, wrapping.
const fn in_clock_units(span: Duration, clock_rate: u32) -> u32 {
    (span.as_nanos() * clock_rate as u128 / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: u32 = 7;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Takes the `n`th packet of a stream of 20 ms packets that began with `first`, `late` ms after it was sent.
    fn take(reception: &mut Reception, first: u16, n: u64, late: u64) {
        reception.on_packet(first.wrapping_add(n as u16), (n * 960) as u32, ms(1000 + 20 * n + late));
    }

    fn block(reception: &mut Reception) -> ReportBlock {
        reception.report_block(SSRC, ms(100_000)).unwrap()
    }

    #[test]
    fn nothing_is_told_of_what_has_not_begun() {
        assert_eq!(Reception::new(48_000).report_block(SSRC, ms(0)), None);
    }

    #[test]
    fn a_clean_line() {
        let mut reception = Reception::new(48_000);
        for n in 0..200 {
            take(&mut reception, 65_500, n, 0);
        }
        let expected =
            ReportBlock { ssrc: SSRC, extended_highest: (1 << 16) + 163, ..ReportBlock::default() };
        assert_eq!(block(&mut reception), expected);
        assert_eq!((reception.received(), reception.expected()), (200, 200));
    }

    #[test]
    fn losses_are_told_since_the_last_report_and_in_all() {
        let mut reception = Reception::new(48_000);
        for n in (0..100).filter(|n| n % 4 != 1) {
            take(&mut reception, 65_500, n, 0);
        }
        let first = block(&mut reception);
        assert_eq!((first.fraction_lost, first.cumulative_lost), (64, 25));
        for n in 100..200 {
            take(&mut reception, 65_500, n, 0);
        }
        let second = block(&mut reception);
        assert_eq!((second.fraction_lost, second.cumulative_lost), (0, 25));
        assert_eq!(block(&mut reception).fraction_lost, 0, "nothing was expected");
        take(&mut reception, 65_500, 210, 0);
        let third = block(&mut reception);
        assert_eq!((third.fraction_lost, third.cumulative_lost), ((10 * 256 / 11) as u8, 35));
    }

    #[test]
    fn late_ones_and_doubles_make_up_for_losses() {
        let mut reception = Reception::new(48_000);
        for n in [0, 1, 4, 5] {
            take(&mut reception, 10, n, 0);
        }
        assert_eq!(block(&mut reception).cumulative_lost, 2);
        for n in [2, 3, 3, 3] {
            take(&mut reception, 10, n, 100);
        }
        let after = block(&mut reception);
        assert_eq!((after.fraction_lost, after.cumulative_lost), (0, -2));
        assert_eq!(after.extended_highest, 15);
    }

    #[test]
    fn one_that_is_far_away_is_passed_over_and_two_begin_anew() {
        let mut reception = Reception::new(48_000);
        take(&mut reception, 0, 0, 0);
        take(&mut reception, 0, 1, 0);
        reception.on_packet(30_000, 5, ms(2000));
        let before = block(&mut reception);
        assert_eq!((before.extended_highest, before.cumulative_lost), (1, 0));
        reception.on_packet(30_001, 965, ms(2020));
        let after = block(&mut reception);
        assert_eq!((after.extended_highest, after.cumulative_lost), (30_001, 0));
    }

    /// RFC 3550 appendix A.8: each step goes 1/16 of the way. Packets that are alternately 10 ms late differ by 480 units.
    #[test]
    fn jitter_comes_to_the_mean_difference() {
        let mut reception = Reception::new(48_000);
        take(&mut reception, 0, 0, 0);
        take(&mut reception, 0, 1, 10);
        assert_eq!(reception.jitter(), 480 / 16);
        for n in 2..300 {
            take(&mut reception, 0, n, n % 2 * 10);
        }
        assert!((475..=480).contains(&reception.jitter()), "{}", reception.jitter());
    }

    #[test]
    fn the_last_sender_report_is_told_with_its_age() {
        let mut reception = Reception::new(48_000);
        take(&mut reception, 0, 0, 0);
        reception.on_sender_report(NtpTime(0x1234_5678_9abc_def0), ms(98_500));
        let block = block(&mut reception);
        assert_eq!((block.last_sr, block.delay_since_last_sr), (0x5678_9abc, 0x0001_8000));
    }

    #[test]
    fn a_sender_report_relates_the_clocks_at_its_own_moment() {
        let mut transmission = Transmission::new(48_000);
        assert_eq!(transmission.sender_report(SSRC, NtpTime(1), ms(0)), None);
        transmission.on_packet(u32::MAX, 100, ms(1000));
        transmission.on_packet(959, 60, ms(1020));
        let report = transmission.sender_report(SSRC, NtpTime(9), ms(1530)).unwrap();
        let expected = SenderReport {
            ssrc: SSRC,
            ntp: NtpTime(9),
            rtp_timestamp: 959 + 510 * 48,
            packets: 2,
            octets: 160,
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn any_numbers_do_no_harm() {
        let mut reception = Reception::new(u32::MAX);
        for n in 0..200_u32 {
            let sequence = n.wrapping_mul(2_654_435_761) as u16;
            reception.on_packet(
                sequence,
                n.wrapping_mul(0x9E37_79B9),
                Duration::from_secs(u64::from(n) << 50),
            );
            reception.on_packet(sequence.wrapping_add(1), u32::MAX, Duration::MAX);
            let _ = reception.report_block(SSRC, Duration::ZERO);
        }
    }

    #[test]
    fn a_packet_may_stand_for_a_moment_that_is_yet_to_come() {
        let mut transmission = Transmission::new(90_000);
        transmission.on_packet(9_000, 100, ms(1_050));
        let at = |millis| transmission.sender_report(SSRC, NtpTime(0), ms(millis)).unwrap().rtp_timestamp;
        assert_eq!((at(1_000), at(1_050), at(1_100)), (4_500, 9_000, 13_500));
    }
}
