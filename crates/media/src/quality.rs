//! How well a leg's packets get through, out of what its port has counted, and when that is told.
//!
//! Counting never lives here. Moments are told, counted from any origin.

use std::time::Duration;

use confocal::conference::{Millis, PerMille, Quality};
use confocal_transport::LinkStats;

/// A leg is told of so often at most: as often as callers send reports (RFC 3550 section 6.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// A share of fewer packets says little: half a second of sound, at 20 ms a packet. A client that sends silence (DTX) sends one in 400 ms.
const ENOUGH: u64 = 25;

/// When the legs of a conference are told of.
#[derive(Debug, Default)]
pub(crate) struct Rhythm {
    due: Option<Duration>,
}

impl Rhythm {
    /// It is time. The first look begins the first interval.
    pub(crate) fn is_due(&mut self, now: Duration) -> bool {
        now >= *self.due.get_or_insert(now + INTERVAL)
    }

    /// They were told of.
    pub(crate) const fn told(&mut self, now: Duration) {
        self.due = Some(now.saturating_add(INTERVAL));
    }
}

/// What the port had counted of a leg when it was told of last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    received: u64,
    lost: u64,
    sent: u64,
    told_missed: u64,
}

impl Meter {
    /// What there is to tell since then; `None` where nothing was learnt.
    pub(crate) fn read(&self, stats: &LinkStats) -> Option<Quality> {
        let received = stats.received.saturating_sub(self.received);
        // What came late is counted as lost no more, so there may be less than before.
        let found = self.lost.saturating_sub(stats.lost);
        let lost = stats.lost.saturating_sub(self.lost);
        let expected = (received + lost).saturating_sub(found);
        let (heard, reported) = (expected >= ENOUGH, stats.told_missed != self.told_missed);
        let sent = stats.sent.saturating_sub(self.sent);
        let quality = Quality {
            incoming_loss: heard.then(|| share(lost, expected)),
            outgoing_loss: stats
                .missed
                .filter(|_| reported && sent >= ENOUGH)
                // In 1/256 (RFC 3550 section 6.4.1).
                .map(|missed| share(missed.into(), 256)),
            jitter: heard.then(|| millis(stats.jitter)),
            round_trip: stats.round_trip.filter(|_| reported).map(millis),
        };
        (quality != Quality::default()).then_some(quality)
    }

    /// It was told of.
    pub(crate) const fn told(&mut self, stats: &LinkStats) {
        let LinkStats { received, lost, sent, told_missed, .. } = *stats;
        *self = Self { received, lost, sent, told_missed };
    }
}

/// To the nearest; of nothing it is nothing.
fn share(part: u64, whole: u64) -> PerMille {
    let thousandths = (part * 1000 + whole / 2).checked_div(whole).unwrap_or(0);
    PerMille(u16::try_from(thousandths.min(1000)).unwrap_or(1000))
}

/// To the nearest.
fn millis(span: Duration) -> Millis {
    let rounded = (span + Duration::from_micros(500)).as_millis();
    Millis(u64::try_from(rounded).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn legs_are_told_of_every_five_seconds_and_the_first_time_after_as_many() {
        let mut rhythm = Rhythm::default();
        assert!(!rhythm.is_due(at(700)) && !rhythm.is_due(at(5_699)) && rhythm.is_due(at(5_700)));
        assert!(rhythm.is_due(at(6_200)), "as long as it could not be told");
        rhythm.told(at(6_200));
        assert!(!rhythm.is_due(at(11_199)) && rhythm.is_due(at(11_200)));
    }

    /// A leg from which so many came, of which as many more were lost.
    fn counted(received: u64, lost: u64) -> LinkStats {
        LinkStats { received, lost, jitter: Duration::from_micros(3_600), ..LinkStats::default() }
    }

    fn incoming(meter: &Meter, stats: &LinkStats) -> Option<u16> {
        meter.read(stats)?.incoming_loss.map(|share| share.0)
    }

    #[test]
    fn loss_is_what_was_lost_since_it_was_told_last() {
        let mut meter = Meter::default();
        let first = counted(225, 25);
        assert_eq!(
            meter.read(&first),
            Some(Quality {
                incoming_loss: Some(PerMille(100)),
                jitter: Some(Millis(4)),
                ..Quality::default()
            })
        );
        meter.told(&first);
        assert_eq!(incoming(&meter, &counted(475, 25)), Some(0));
        assert_eq!(incoming(&meter, &counted(349, 26)), Some(8), "one of 125");
        assert_eq!(incoming(&meter, &counted(225, 225)), Some(1000), "all of it");
    }

    #[test]
    fn what_comes_late_is_found_again() {
        let mut meter = Meter::default();
        meter.told(&counted(200, 50));
        // Ten of those that were missed are among the 110.
        assert_eq!(incoming(&meter, &counted(310, 40)), Some(0));
        // Of 24 that were expected nothing is told.
        assert_eq!(incoming(&meter, &counted(234, 40)), None);
        assert_eq!(incoming(&meter, &counted(235, 40)), Some(0));
    }

    #[test]
    fn of_a_few_packets_nothing_is_told() {
        let mut meter = Meter::default();
        assert_eq!(meter.read(&LinkStats::default()), None);
        assert_eq!(meter.read(&counted(23, 1)), None);
        assert_eq!(incoming(&meter, &counted(24, 1)), Some(40));
        meter.told(&counted(24, 1));
        assert_eq!(meter.read(&counted(36, 2)), None, "silence");
    }

    #[test]
    fn what_the_caller_reports_is_told_once() {
        let mut meter = Meter::default();
        let mut stats = LinkStats {
            sent: 250,
            missed: Some(32),
            told_missed: 1,
            round_trip: Some(Duration::from_micros(40_499)),
            ..LinkStats::default()
        };
        let told = Quality {
            outgoing_loss: Some(PerMille(125)),
            round_trip: Some(Millis(40)),
            ..Quality::default()
        };
        assert_eq!(meter.read(&stats), Some(told));
        meter.told(&stats);
        stats.sent = 500;
        assert_eq!(meter.read(&stats), None, "no report has come since");
        stats.told_missed = 2;
        assert_eq!(meter.read(&stats), Some(told));
        stats.sent = 274;
        assert_eq!(meter.read(&stats), Some(Quality { outgoing_loss: None, ..told }), "of 24 packets");
        (stats.missed, stats.sent) = (Some(255), 500);
        assert_eq!(meter.read(&stats).unwrap().outgoing_loss, Some(PerMille(996)));
    }

    #[test]
    fn any_numbers_do_no_harm() {
        let mut meter = Meter::default();
        let most = LinkStats {
            received: u64::MAX / 4000,
            lost: u64::MAX / 4000,
            sent: u64::MAX,
            missed: Some(255),
            told_missed: u64::MAX,
            round_trip: Some(Duration::from_secs(u64::MAX >> 1)),
            jitter: Duration::from_secs(u64::MAX >> 1),
            ..LinkStats::default()
        };
        assert!(meter.read(&most).is_some());
        meter.told(&most);
        assert_eq!(meter.read(&LinkStats::default()), None);
    }
}
