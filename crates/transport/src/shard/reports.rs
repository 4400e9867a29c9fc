//! What is reported of one stream of a call and of its counterpart (RFC 3550 section 6), and when.
//!
//! Keys and sockets never live here, nor which streams a call has.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use confocal_rtp::rtcp::{ReceiverReport, ReportBlock, RtcpWriter, SenderReport, WriteRtcpError};
use confocal_rtp::{NtpTime, Reception, Transmission};

/// The first report comes soon: it lets the caller measure the round trip. So does the one that follows it: browsers tell by two of each,
/// and not by one, which sound belongs to which picture.
const SOON: Duration = Duration::from_secs(1);

/// Then one in this time (RFC 3550 section 6.2), by half of it more or less, so that those of many calls don't come at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// Before one that is made for a reason has to come, so much goes by since the last: less than the rhythm in which it is looked whether any
/// is due, so that each look makes one.
const HURRY: Duration = Duration::from_millis(150);

/// How many are made for one reason. Browsers draw a line through the last twenty (`RtpToNtpEstimator` of libwebrtc), so what has changed is
/// believed when all of these say so: after five seconds, and not after a hundred. Were there fewer, the line would be bent by what was
/// said before, and lead further astray until the next one comes. Some may be lost.
const BELIEVED: u8 = 24;

/// When the reports of a call are due.
#[derive(Debug)]
pub(super) struct Rhythm {
    due: Instant,
    last: Instant,
    /// The second one is to come.
    twice: bool,
    /// How many are still to be made for a reason.
    hurried: u8,
    /// Where chance has got to; it begins with an SSRC, which is random.
    chance: u32,
}

impl Rhythm {
    pub(super) fn new(ssrc: u32, now: Instant) -> Self {
        Self { due: now + SOON, last: now, twice: true, hurried: 0, chance: ssrc | 1 }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// One is made now.
    pub(super) fn beat(&mut self, now: Instant) {
        self.last = now;
        let first = std::mem::take(&mut self.twice);
        self.hurried = self.hurried.saturating_sub(1);
        self.due = now
            + if self.hurried > 0 {
                HURRY
            } else if first {
                SOON
            } else {
                INTERVAL / 2 + INTERVAL.mul_f64(f64::from(self.draw()) / f64::from(u32::MAX))
            };
    }

    /// There is something that the caller should know soon, and believe.
    pub(super) fn hurry(&mut self) {
        self.due = self.due.min(self.last + HURRY);
        self.hurried = BELIEVED;
    }

    /// The next number of a short random sequence (Marsaglia's xorshift, 32 bits): reports are to be spread, not kept secret.
    fn draw(&mut self) -> u32 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 17;
        self.chance ^= self.chance << 5;
        self.chance
    }
}

/// What is reported of one stream of ours, and of the caller's that came in return. Moments are told as what has gone by since any
/// fixed one.
#[derive(Debug)]
pub(super) struct StreamReports {
    /// Our stream's, by which we report.
    ssrc: u32,
    /// How timestamps count, both ways, in Hz.
    clock_rate: u32,
    sent: Transmission,
    /// The caller's stream. A caller that begins another (RFC 3550 section 8.2) is counted anew.
    received: Option<(u32, Reception)>,
    /// Lost on streams before that one.
    lost_before: u64,
}

impl StreamReports {
    pub(super) const fn new(ssrc: u32, clock_rate: u32) -> Self {
        Self { ssrc, clock_rate, sent: Transmission::new(clock_rate), received: None, lost_before: 0 }
    }

    /// Our SSRC.
    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The caller's SSRC, once a packet has come.
    pub(super) fn theirs(&self) -> Option<u32> {
        self.received.as_ref().map(|(ssrc, _)| *ssrc)
    }

    /// A packet of the caller's stream came.
    pub(super) fn received(&mut self, ssrc: u32, sequence: u16, timestamp: u32, arrival: Duration) {
        if self.theirs() != Some(ssrc) {
            self.lost_before = self.lost();
            self.received = Some((ssrc, Reception::new(self.clock_rate)));
        }
        if let Some((_, reception)) = &mut self.received {
            reception.on_packet(sequence, timestamp, arrival);
        }
    }

    /// A packet of our stream was sent, whose timestamp stands for the moment `at`.
    pub(super) const fn sent(&mut self, timestamp: u32, bytes: usize, at: Duration) {
        self.sent.on_packet(timestamp, bytes, at);
    }

    /// A sender report came; whether it is of the caller's stream.
    pub(super) fn on_sender_report(&mut self, report: &SenderReport, arrival: Duration) -> bool {
        match &mut self.received {
            Some((ssrc, reception)) if *ssrc == report.ssrc => {
                reception.on_sender_report(report.ntp, arrival);
                true
            }
            _ => false,
        }
    }

    /// Writes its report, and our name, if there is anything to report; `always` also if there is not.
    pub(super) fn write(
        &mut self,
        writer: &mut RtcpWriter<'_>,
        cname: &str,
        always: bool,
        now: Duration,
    ) -> Result<(), WriteRtcpError> {
        let block = self.received.as_mut().and_then(|(ssrc, reception)| reception.report_block(*ssrc, now));
        let block: &[ReportBlock] = block.as_slice();
        match self.sent.sender_report(self.ssrc, wall_time(), now) {
            Some(report) => writer.sender_report(&report, block)?,
            None if always || !block.is_empty() => {
                writer.receiver_report(&ReceiverReport { ssrc: self.ssrc }, block)?;
            }
            None => return Ok(()),
        }
        writer.cname(self.ssrc, cname)
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
}

/// The clock that all reports share.
pub(super) fn wall_time() -> NtpTime {
    // A clock set before 1970 tells nothing that anyone could use.
    NtpTime::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use confocal_rtp::rtcp::{RtcpPacket, RtcpPackets};

    use super::*;

    const START: Duration = Duration::from_secs(100);

    /// The blocks of a report of that stream.
    fn blocks(from: &mut StreamReports, now: Duration) -> Vec<ReportBlock> {
        let mut room = [0; 256];
        let mut writer = RtcpWriter::new(&mut room);
        from.write(&mut writer, "name", true, now).unwrap();
        let length = writer.len();
        RtcpPackets::new(&room[..length])
            .filter_map(|packet| {
                let (RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport(_, blocks)) =
                    packet.unwrap()
                else {
                    return None;
                };
                Some(blocks)
            })
            .flatten()
            .collect()
    }

    #[test]
    fn each_side_learns_what_the_other_misses() {
        let (mut ours, mut theirs) = (StreamReports::new(1, 48_000), StreamReports::new(2, 48_000));
        for number in 0..100_u16 {
            let now = START + Duration::from_millis(20 * u64::from(number));
            ours.sent(u32::from(number) * 960, 80, now);
            // One in four is lost.
            if number % 4 != 1 {
                theirs.received(1, number, u32::from(number) * 960, now);
            }
        }
        assert_eq!(theirs.lost(), 25);
        let now = START + Duration::from_secs(2);
        assert_eq!(blocks(&mut ours, now), [], "nothing was sent to us");
        let told = blocks(&mut theirs, now);
        assert_eq!((told.len(), told[0].ssrc, told[0].fraction_lost), (1, 1, 64));
    }

    #[test]
    fn a_new_stream_of_the_caller_loses_nothing_that_the_old_one_had_not_lost() {
        let mut reports = StreamReports::new(1, 48_000);
        for (ssrc, sequence) in [(7, 10), (7, 12), (8, 40_000), (8, 40_001), (8, 40_003)] {
            reports.received(ssrc, sequence, 0, START);
        }
        assert_eq!((reports.lost(), reports.theirs()), (2, Some(8)));
    }

    #[test]
    fn a_stream_on_which_nothing_passes_is_not_reported_on() {
        let mut room = [0; 256];
        let mut writer = RtcpWriter::new(&mut room);
        StreamReports::new(1, 90_000).write(&mut writer, "name", false, START).unwrap();
        assert!(writer.is_empty());
    }

    #[test]
    fn reports_are_a_few_seconds_apart_and_not_all_alike() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(0xDEAD_BEEF, start);
        let mut now = start + SOON;
        assert!(rhythm.is_due(now));
        rhythm.beat(now);
        assert_eq!(rhythm.due, now + SOON, "the second one comes soon, too");
        now = rhythm.due;
        let mut gaps = Vec::new();
        for _ in 0..50 {
            assert!(rhythm.is_due(now) && !rhythm.is_due(now - Duration::from_nanos(1)));
            rhythm.beat(now);
            gaps.push(rhythm.due - now);
            now = rhythm.due;
        }
        assert!(gaps.iter().all(|gap| (INTERVAL / 2..=INTERVAL * 3 / 2).contains(gap)), "{gaps:?}");
        let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
        assert!(*most - *least > INTERVAL / 2, "{gaps:?}");
    }

    #[test]
    fn a_reason_to_report_brings_the_next_one_forward_but_not_all_the_time() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(7, start);
        rhythm.beat(start);
        rhythm.hurry();
        rhythm.hurry();
        let mut now = start;
        for count in 1..=BELIEVED {
            assert_eq!(rhythm.due, now + HURRY, "{count}: until it is believed");
            now = rhythm.due;
            rhythm.beat(now);
        }
        assert!(rhythm.due >= now + INTERVAL / 2);
    }
}
