//! When packets came, by their transport-wide sequence numbers, until it is told to their sender
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01). How often that is, and what the sender makes of it, is not known here.

use core::time::Duration;

use crate::rtcp::{RtcpWriter, TransportFeedbackHead, WriteRtcpError};

/// How many sequence numbers are remembered: at a thousand packets a second more than a second, while feedback is due ten times in it.
const REMEMBERED: usize = 1024;
/// How many one feedback tells of at most, so that it stays below 1000 bytes.
const TOLD_AT_ONCE: usize = 400;
/// The unit of distances, in µs.
const TICK_MICROS: i64 = 250;
/// The unit of the reference time, in µs.
const REFERENCE_MICROS: i64 = 64_000;
const NEVER: i64 = i64::MIN;
/// The latest moment that is told apart, in µs, some 36,000 years: differences of two such can't overflow.
const LATEST: i64 = 1 << 60;

/// When the packets of one peer came, over all of its streams.
///
/// What came late is told with all that follows it once more; what is further behind than 1024 is passed over.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// In µs, by sequence number; [`NEVER`] for what did not come.
    came: Box<[i64; REMEMBERED]>,
    span: Option<Span>,
    feedback_count: u8,
}

/// Sequence numbers, counted on over their wraps.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The first one that was not told.
    untold: i64,
    /// One past the highest one that came.
    end: i64,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

impl Arrivals {
    /// Begins with nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { came: Box::new([NEVER; REMEMBERED]), span: None, feedback_count: 0 }
    }

    /// Takes note of a packet with this transport-wide sequence number that came at `arrival`, told as what has gone by since any
    /// fixed moment. Of doubles the first counts.
    pub fn on_packet(&mut self, sequence: u16, arrival: Duration) {
        let arrival = i64::try_from(arrival.as_micros()).unwrap_or(LATEST).min(LATEST);
        let span = self.span.get_or_insert_with(|| {
            // Whatever is behind the first one stays above zero.
            let first = i64::from(sequence) + (1 << 32);
            Span { untold: first, end: first }
        });
        let ahead = sequence.wrapping_sub(span.end as u16) as i16;
        let number = span.end + i64::from(ahead);
        if number < span.end - REMEMBERED as i64 {
            return;
        }
        for skipped in span.end.max(number - REMEMBERED as i64 + 1)..=number {
            self.came[slot(skipped)] = NEVER;
        }
        span.end = span.end.max(number + 1);
        let place = &mut self.came[slot(number)];
        if *place != NEVER {
            return;
        }
        *place = arrival;
        // What has left the memory can't be told any more.
        span.untold = span.untold.min(number).max(span.end - REMEMBERED as i64);
    }

    /// Whether there is something to tell.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        matches!(self.span, Some(Span { untold, end }) if untold < end)
    }

    /// Writes what was not told yet; whether there was something. What is too much for one feedback is left for the next call, which
    /// may follow at once.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`]; nothing counts as told then.
    pub fn write_feedback(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        writer: &mut RtcpWriter<'_>,
    ) -> Result<bool, WriteRtcpError> {
        let Some(span) = self.span.filter(|span| span.untold < span.end) else {
            return Ok(false);
        };
        let numbers = span.untold..span.end.min(span.untold + TOLD_AT_ONCE as i64);
        let first = numbers.clone().map(|number| self.came[slot(number)]).find(|came| *came != NEVER);
        // Where none of so many came, any time will do.
        let reference = first.unwrap_or(0).div_euclid(REFERENCE_MICROS);
        let mut deltas = [None; TOLD_AT_ONCE];
        let mut told = 0;
        let mut time = reference * REFERENCE_MICROS;
        for number in numbers {
            let came = self.came[slot(number)];
            if came != NEVER {
                // From what was told so far, so that rounding does not add up.
                let ticks = (came - time + TICK_MICROS / 2).div_euclid(TICK_MICROS);
                let Ok(delta) = i16::try_from(ticks) else {
                    break;
                };
                time += i64::from(delta) * TICK_MICROS;
                deltas[told] = Some(delta);
            }
            told += 1;
        }
        let head = TransportFeedbackHead {
            sender_ssrc,
            media_ssrc,
            base_sequence: span.untold as u16,
            // 24 bits with their sign.
            reference_time: (reference as i32) << 8 >> 8,
            feedback_count: self.feedback_count,
        };
        writer.transport_feedback(&head, &deltas[..told])?;
        self.feedback_count = self.feedback_count.wrapping_add(1);
        self.span = Some(Span { untold: span.untold + told as i64, ..span });
        Ok(true)
    }
}

const fn slot(number: i64) -> usize {
    number as usize % REMEMBERED
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::rtcp::{RtcpPacket, RtcpPackets, TransportFeedback};

    /// What a sender reads: the sequence numbers told, each with its arrival in µs if it came.
    fn read(feedback: &TransportFeedback<'_>) -> Vec<(u16, Option<i64>)> {
        let mut time = i64::from(feedback.head().reference_time) * REFERENCE_MICROS;
        feedback
            .statuses()
            .map(|(sequence, delta)| {
                (
                    sequence,
                    delta.map(|delta| {
                        time += i64::from(delta) * TICK_MICROS;
                        time
                    }),
                )
            })
            .collect()
    }

    /// All feedback that is due.
    fn told(arrivals: &mut Arrivals) -> Vec<Vec<(u16, Option<i64>)>> {
        let mut all = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            let mut writer = RtcpWriter::new(&mut buffer);
            if !arrivals.write_feedback(1, 2, &mut writer).unwrap() {
                assert!(!arrivals.is_due());
                return all;
            }
            let len = writer.len();
            match RtcpPackets::new(&buffer[..len]).next() {
                Some(Ok(RtcpPacket::TransportFeedback(feedback))) => {
                    assert_eq!(usize::from(feedback.head().feedback_count), all.len() % 256);
                    all.push(read(&feedback));
                }
                other => panic!("{other:?}"),
            }
            // Numbers begin anew for each call of this function.
            if !arrivals.is_due() {
                arrivals.feedback_count = 0;
            }
        }
    }

    fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn what_came_and_what_did_not_is_told_once() {
        let mut arrivals = Arrivals::new();
        assert!(!arrivals.is_due());
        arrivals.on_packet(65_534, us(1_000_000));
        arrivals.on_packet(65_535, us(1_000_500));
        arrivals.on_packet(1, us(1_020_250));
        assert!(arrivals.is_due());
        let expected =
            [(65_534, Some(1_000_000)), (65_535, Some(1_000_500)), (0, None), (1, Some(1_020_250))];
        assert_eq!(told(&mut arrivals), [expected]);
        assert_eq!(told(&mut arrivals), Vec::<Vec<(u16, Option<i64>)>>::new());
        arrivals.on_packet(3, us(1_040_000));
        assert_eq!(told(&mut arrivals), [[(2, None), (3, Some(1_040_000))]], "a loss between two feedbacks");
    }

    #[test]
    fn what_came_late_is_told_with_what_follows_it() {
        let mut arrivals = Arrivals::new();
        for sequence in [10, 12, 13] {
            arrivals.on_packet(sequence, us(1000 * u64::from(sequence)));
        }
        told(&mut arrivals);
        arrivals.on_packet(11, us(15_000));
        assert_eq!(told(&mut arrivals), [[(11, Some(15_000)), (12, Some(12_000)), (13, Some(13_000))]]);
        arrivals.on_packet(12, us(99_000));
        assert!(!arrivals.is_due(), "a double is no news");
    }

    #[test]
    fn rounding_does_not_add_up() {
        let mut arrivals = Arrivals::new();
        for n in 0..300 {
            arrivals.on_packet(n, us(5_000_000 + 1124 * u64::from(n)));
        }
        for (sequence, came) in told(&mut arrivals).concat() {
            let off = came.unwrap() - (5_000_000 + 1124 * i64::from(sequence));
            assert!(off.abs() <= 125, "{sequence}: {off} µs");
        }
    }

    #[test]
    fn a_long_pause_begins_a_new_feedback() {
        let mut arrivals = Arrivals::new();
        arrivals.on_packet(0, us(0));
        arrivals.on_packet(1, us(10_000_000));
        assert_eq!(told(&mut arrivals), [vec![(0, Some(0))], vec![(1, Some(10_000_000))]]);
    }

    #[test]
    fn a_leap_leaves_only_what_is_remembered() {
        let mut arrivals = Arrivals::new();
        arrivals.on_packet(0, us(0));
        arrivals.on_packet(20_000, us(1000));
        let told = told(&mut arrivals).concat();
        assert_eq!(told.len(), REMEMBERED);
        assert_eq!(told.last(), Some(&(20_000, Some(1000))));
        assert!(told[..REMEMBERED - 1].iter().all(|(_, came)| came.is_none()), "not the one of long ago");
        for late in [1024, 1030] {
            arrivals.on_packet(20_000 - late, us(1000));
            assert!(!arrivals.is_due(), "too late to be told, and not in the place of another");
        }
    }

    #[test]
    fn any_times_do_no_harm() {
        let mut arrivals = Arrivals::new();
        let far = us(i64::MAX as u64);
        for (sequence, arrival) in [(0, us(0)), (1, far), (2, us(0)), (3, Duration::MAX)] {
            arrivals.on_packet(sequence, arrival);
        }
        assert_eq!(told(&mut arrivals).len(), 4, "none of them fits into the feedback of another");
    }

    #[test]
    fn what_does_not_fit_is_told_later() {
        let mut arrivals = Arrivals::new();
        arrivals.on_packet(7, us(0));
        assert_eq!(
            arrivals.write_feedback(1, 2, &mut RtcpWriter::new(&mut [0; 20])),
            Err(WriteRtcpError::NoRoom)
        );
        assert_eq!(told(&mut arrivals), [[(7, Some(0))]]);
    }

    proptest! {
        /// Whoever reads all feedback knows of each packet when it came, and of no other.
        #[test]
        fn all_that_came_is_told(
            start: u16,
            steps in prop::collection::vec((-60_i64..80, 0_u64..3_000_000, any::<bool>()), 1..200),
        ) {
            let mut arrivals = Arrivals::new();
            let (mut highest, mut now) = (i64::from(start) + 65_536, 0);
            let (mut came, mut read) = (BTreeMap::new(), BTreeMap::new());
            for (n, (step, pause, tell)) in steps.into_iter().enumerate() {
                let number = if n == 0 { highest } else { highest + step };
                highest = highest.max(number);
                now += pause;
                arrivals.on_packet(number as u16, us(now));
                came.entry(number as u16).or_insert(now as i64);
                if tell {
                    read.extend(told(&mut arrivals).concat());
                }
            }
            read.extend(told(&mut arrivals).concat());
            for (sequence, at) in &came {
                let told = read.get(sequence).copied().flatten();
                prop_assert!(told.is_some_and(|told| (told - at).abs() <= 125), "{}: {:?}, {}", sequence, told, at);
            }
            let told = read.into_iter().filter(|(_, at)| at.is_some()).count();
            prop_assert_eq!(told, came.len());
        }
    }
}
