//! One call's reports (RFC 3550 section 6): what is told the caller of its stream and ours, and what the caller tells of ours.
//!
//! Keys and sockets never live here.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use confocal_rtp::rtcp::{ReceiverReport, ReportBlock, RtcpPacket, RtcpPackets, RtcpWriter};
use confocal_rtp::{NtpTime, Reception, Transmission, round_trip};

use crate::packet::LinkStats;

/// The first report comes soon: it lets the caller measure the round trip, and tell voice and picture in time.
const FIRST: Duration = Duration::from_secs(1);

/// Then one in this time (RFC 3550 section 6.2), by half of it more or less, so that those of many calls don't come at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// What is reported on one call.
#[derive(Debug)]
pub(super) struct Reports {
    /// Our stream's, by which we report.
    ssrc: u32,
    /// How timestamps count, both ways, in Hz.
    clock_rate: u32,
    /// From where time is counted.
    origin: Instant,
    due: Instant,
    /// Where chance has got to; it begins with the SSRC, which is random.
    chance: u32,
    sent: Transmission,
    /// The caller's stream. A caller that begins another (RFC 3550 section 8.2) is counted anew.
    received: Option<(u32, Reception)>,
    /// Lost on streams before that one.
    lost_before: u64,
}

impl Reports {
    pub(super) fn new(ssrc: u32, clock_rate: u32, now: Instant) -> Self {
        Self {
            ssrc,
            clock_rate,
            origin: now,
            due: now + FIRST,
            chance: ssrc | 1,
            sent: Transmission::new(clock_rate),
            received: None,
            lost_before: 0,
        }
    }

    /// A packet of the caller's stream came.
    pub(super) fn received(&mut self, ssrc: u32, sequence: u16, timestamp: u32, arrival: Instant) {
        let since = arrival.saturating_duration_since(self.origin);
        if self.received.as_ref().is_none_or(|(known, _)| *known != ssrc) {
            self.lost_before = self.lost();
            self.received = Some((ssrc, Reception::new(self.clock_rate)));
        }
        if let Some((_, reception)) = &mut self.received {
            reception.on_packet(sequence, timestamp, since);
        }
    }

    /// A packet of our stream was sent.
    pub(super) fn sent(&mut self, timestamp: u32, bytes: usize, now: Instant) {
        self.sent.on_packet(timestamp, bytes, now.saturating_duration_since(self.origin));
    }

    /// Reads the caller's reports.
    pub(super) fn take(&mut self, compound: &[u8], arrival: Instant, stats: &mut LinkStats) {
        // What can't be read is passed over: it is authentic, so the caller's own matter.
        for packet in RtcpPackets::new(compound).flatten() {
            let blocks = match packet {
                RtcpPacket::SenderReport(report, blocks) => {
                    if let Some((ssrc, reception)) = &mut self.received
                        && *ssrc == report.ssrc
                    {
                        let since = arrival.saturating_duration_since(self.origin);
                        reception.on_sender_report(report.ntp, since);
                    }
                    blocks
                }
                RtcpPacket::ReceiverReport(_, blocks) => blocks,
                RtcpPacket::SourceDescription(_)
                | RtcpPacket::Goodbye(_)
                | RtcpPacket::Nack(_)
                | RtcpPacket::Pli(_)
                | RtcpPacket::Fir(_)
                | RtcpPacket::Remb(_)
                | RtcpPacket::TransportFeedback(_) => continue,
            };
            for block in blocks.filter(|block| block.ssrc == self.ssrc) {
                stats.missed = Some(block.fraction_lost);
                stats.told_missed += 1;
                let told = round_trip(wall_time(), block.last_sr, block.delay_since_last_sr);
                stats.round_trip = told.or(stats.round_trip);
            }
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Writes a compound report, not protected yet: how long it is.
    pub(super) fn write(&mut self, cname: &str, now: Instant, out: &mut [u8]) -> Option<usize> {
        self.due = now + INTERVAL / 2 + INTERVAL.mul_f64(f64::from(self.draw()) / f64::from(u32::MAX));
        let since = now.saturating_duration_since(self.origin);
        let block = self.received.as_mut().and_then(|(ssrc, reception)| reception.report_block(*ssrc, since));
        let block: &[ReportBlock] = block.as_slice();
        let mut writer = RtcpWriter::new(out);
        match self.sent.sender_report(self.ssrc, wall_time(), since) {
            Some(report) => writer.sender_report(&report, block).ok()?,
            None => writer.receiver_report(&ReceiverReport { ssrc: self.ssrc }, block).ok()?,
        }
        writer.cname(self.ssrc, cname).ok()?;
        Some(writer.len())
    }

    /// How unevenly the caller's packets come.
    pub(super) fn jitter(&self) -> Duration {
        let units = self.received.as_ref().map_or(0, |(_, reception)| reception.jitter());
        Duration::from_micros(u64::from(units) * 1_000_000 / u64::from(self.clock_rate))
    }

    /// How many of the caller's packets never came.
    pub(super) fn lost(&self) -> u64 {
        let lost =
            |(_, reception): &(u32, Reception)| reception.expected().saturating_sub(reception.received());
        self.lost_before + self.received.as_ref().map_or(0, |received| u64::from(lost(received)))
    }

    /// The next number of a short random sequence (Marsaglia's xorshift, 32 bits): reports are to be spread, not kept secret.
    fn draw(&mut self) -> u32 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 17;
        self.chance ^= self.chance << 5;
        self.chance
    }
}

/// The clock that all reports share.
fn wall_time() -> NtpTime {
    // A clock set before 1970 tells nothing that anyone could use.
    NtpTime::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the other side of `from` reads of a report that it writes.
    fn passed(from: &mut Reports, to: &mut Reports, now: Instant) -> LinkStats {
        let mut stats = LinkStats::default();
        let mut room = [0; 256];
        let length = from.write("name", now, &mut room).unwrap();
        to.take(&room[..length], now, &mut stats);
        stats
    }

    #[test]
    fn each_side_learns_what_the_other_misses_and_how_far_it_is() {
        let start = Instant::now();
        let (mut ours, mut theirs) = (Reports::new(1, 48_000, start), Reports::new(2, 48_000, start));
        for number in 0..100_u16 {
            let now = start + Duration::from_millis(20 * u64::from(number));
            ours.sent(u32::from(number) * 960, 80, now);
            // One in four is lost.
            if number % 4 != 1 {
                theirs.received(1, number, u32::from(number) * 960, now);
            }
        }
        assert_eq!(theirs.lost(), 25);
        let now = start + Duration::from_secs(2);
        assert_eq!(passed(&mut ours, &mut theirs, now).missed, None, "nothing was sent to us");
        let told = passed(&mut theirs, &mut ours, now);
        assert_eq!((told.missed, told.told_missed), (Some(64), 1));
        assert!(told.round_trip.is_some_and(|span| span < Duration::from_secs(1)), "{told:?}");
    }

    #[test]
    fn a_new_stream_of_the_caller_loses_nothing_that_the_old_one_had_not_lost() {
        let start = Instant::now();
        let mut reports = Reports::new(1, 48_000, start);
        for (ssrc, sequence) in [(7, 10), (7, 12), (8, 40_000), (8, 40_001), (8, 40_003)] {
            reports.received(ssrc, sequence, 0, start);
        }
        assert_eq!(reports.lost(), 2);
    }

    #[test]
    fn reports_are_a_few_seconds_apart_and_not_all_alike() {
        let start = Instant::now();
        let mut reports = Reports::new(0xDEAD_BEEF, 48_000, start);
        let mut now = start + FIRST;
        let mut room = [0; 256];
        let mut gaps = Vec::new();
        for _ in 0..50 {
            assert!(reports.is_due(now) && !reports.is_due(now - Duration::from_nanos(1)));
            reports.write("name", now, &mut room).unwrap();
            gaps.push(reports.due - now);
            now = reports.due;
        }
        assert!(gaps.iter().all(|gap| (INTERVAL / 2..=INTERVAL * 3 / 2).contains(gap)), "{gaps:?}");
        let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
        assert!(*most - *least > INTERVAL / 2, "{gaps:?}");
    }

    #[test]
    fn nonsense_is_passed_over() {
        let start = Instant::now();
        let mut reports = Reports::new(1, 48_000, start);
        let mut stats = LinkStats::default();
        reports.take(&[0x81, 201, 0, 0xFF, 1, 2, 3], start, &mut stats);
        reports.take(&[], start, &mut stats);
        assert_eq!(stats, LinkStats::default());
    }
}
