//! What was received, judged: frames that are missing, packets that are late, when a burst begins. Pure arithmetic on what was noted.
//!
//! Sockets, clocks and codecs never live here.

use std::ops::Range;

/// Samples a second of Opus' media clock (RFC 7587 section 4.1).
pub const RATE: i64 = 48_000;
/// Samples of a frame of 20 ms.
pub const FRAME: i64 = 960;

/// A packet as it was noted on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it came, in µs of any clock that all of a run share.
    pub at: i64,
    /// Its place in the stream (RTP sequence number).
    pub sequence: u16,
    /// Its time on the sender's media clock (RTP timestamp), in samples at 48 kHz.
    pub timestamp: u32,
    /// How much sound it holds, in samples at 48 kHz.
    pub samples: u16,
    /// It holds a coarse copy of the frame before it (in-band FEC, RFC 6716 section 2.1.7).
    pub copy: bool,
}

/// What one listener got in a window of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Packets that arrived, without repetitions.
    pub packets: u64,
    /// Packets that arrived once more.
    pub duplicates: u64,
    /// Frames that it should have played while somebody else spoke.
    pub due: u64,
    /// Of those, how many came with no packet.
    pub missing: u64,
    /// Of those missing, how many came as a copy in the packet after.
    pub recovered: u64,
    /// Packets more than 20 ms after the fastest one, by the media clock.
    pub late_20: u64,
    /// Packets more than 60 ms after it.
    pub late_60: u64,
    /// How long after the fastest one each packet came, in µs, sorted.
    pub delays: Vec<i64>,
}

impl Heard {
    /// The share of due frames that there was nothing to play for, copies counted as something. 1 where nothing ever came.
    #[must_use]
    pub fn missing_share(&self) -> f64 {
        share(self.missing - self.recovered, self.due)
    }

    /// The share of packets that came more than 60 ms late.
    #[must_use]
    pub fn late_share(&self) -> f64 {
        share(self.late_60, self.packets)
    }

    /// Whether a participant would have been content: less than 1 % missing, less than 5 % more than 60 ms late, and something there
    /// at all.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.packets > 0 && self.missing_share() < 0.01 && self.late_share() < 0.05
    }
}

/// `part` of `whole`; 0 of nothing is 0.
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Judges what one listener received of one stream in `window` (µs).
///
/// `arrivals` may go on after the window, so that the last frames of it may be late without being missing. The fastest packet tells how the sender's media clock lies to the clock of arrivals; a frame is expected 20 ms after the one before,
/// whether packets come or not. `spoken` says whether somebody else spoke when a frame that is expected at that time (µs) was made; only
/// such frames are due.
#[must_use]
pub fn judge(arrivals: &[Arrival], window: &Range<i64>, spoken: impl Fn(i64) -> bool) -> Heard {
    let packets = unwrapped(arrivals, window.start);
    let mut heard = Heard::default();
    let Some(base) = packets.iter().map(|packet| packet.at - micros(packet.time)).min() else {
        // Nothing came: all that was spoken is missing.
        heard.due = frames(window).filter(|&(_, at)| spoken(at)).count() as u64;
        heard.missing = heard.due;
        return heard;
    };
    for packet in &packets {
        if packet.again {
            heard.duplicates += 1;
            continue;
        }
        if base + micros(packet.time) >= window.end {
            continue;
        }
        let delay = packet.at - micros(packet.time) - base;
        heard.packets += 1;
        heard.late_20 += u64::from(delay > 20_000);
        heard.late_60 += u64::from(delay > 60_000);
        heard.delays.push(delay);
    }
    heard.delays.sort_unstable();
    // The window on the media clock, in whole frames; a packet lies in the frame that its middle is in.
    let first = samples(window.start - base).div_euclid(FRAME) + 1;
    let last = samples(window.end - base).div_euclid(FRAME);
    let length = usize::try_from(last - first).unwrap_or_default();
    let (mut came, mut copied) = (vec![false; length], vec![false; length]);
    let mark = |marks: &mut Vec<bool>, time: i64| {
        let frame = usize::try_from((time + FRAME / 2).div_euclid(FRAME) - first);
        if let Some(mark) = frame.ok().and_then(|frame| marks.get_mut(frame)) {
            *mark = true;
        }
    };
    for packet in &packets {
        for part in 0..(packet.samples / FRAME).max(1) {
            mark(&mut came, packet.time + part * FRAME);
        }
        if packet.copy {
            mark(&mut copied, packet.time - packet.samples.max(FRAME));
        }
    }
    for (index, (came, copied)) in came.into_iter().zip(copied).enumerate() {
        let frame = first + i64::try_from(index).unwrap_or_default();
        if spoken(base + micros(frame * FRAME)) {
            heard.due += 1;
            heard.missing += u64::from(!came);
            heard.recovered += u64::from(!came && copied);
        }
    }
    heard
}

/// A packet on an unbroken media clock.
struct Packet {
    at: i64,
    time: i64,
    samples: i64,
    copy: bool,
    again: bool,
}

/// The arrivals from `start` on, with timestamps that don't wrap: each is taken to lie within 2^31 of the one that arrived before it. The
/// first one is at 0.
fn unwrapped(arrivals: &[Arrival], start: i64) -> Vec<Packet> {
    let mut seen = std::collections::HashSet::new();
    let mut before: Option<(u32, i64)> = None;
    let arrivals: Vec<Arrival> = arrivals.iter().filter(|arrival| arrival.at >= start).copied().collect();
    let packets = arrivals.iter().zip(places(&arrivals)).map(|(arrival, place)| {
        let time = before.map_or(0, |(timestamp, time)| {
            time + i64::from(arrival.timestamp.wrapping_sub(timestamp).cast_signed())
        });
        before = Some((arrival.timestamp, time));
        let (at, samples, copy) = (arrival.at, i64::from(arrival.samples), arrival.copy);
        Packet { at, time, samples, copy, again: !seen.insert(place) }
    });
    packets.collect()
}

/// The place of each packet in its stream, by sequence numbers that don't wrap, as they do after 22 minutes of 50 packets a second: each
/// is taken to lie within 2^15 of the one that arrived before it. The first one is at 0.
#[must_use]
pub fn places(arrivals: &[Arrival]) -> Vec<i64> {
    let mut before: Option<(u16, i64)> = None;
    let places = arrivals.iter().map(|arrival| {
        let place = before.map_or(0, |(sequence, place)| {
            place + i64::from(arrival.sequence.wrapping_sub(sequence).cast_signed())
        });
        before = Some((arrival.sequence, place));
        place
    });
    places.collect()
}

/// The frames of a window of which no packet tells how they lie.
fn frames(window: &Range<i64>) -> impl Iterator<Item = (i64, i64)> {
    let (start, count) = (window.start, samples(window.end - window.start) / FRAME);
    (0..count).map(move |frame| (frame, start + micros(frame * FRAME)))
}

const fn micros(samples: i64) -> i64 {
    samples * 1_000 / 48
}

const fn samples(micros: i64) -> i64 {
    micros * 48 / 1_000
}

/// Whether somebody spoke all through the 300 ms before a frame was expected, `micros` after the beginning of `active`, which has a value
/// for each 20 ms. So a frame is due only if it holds speech whatever delay the conference has, up to that.
#[must_use]
pub fn steadily(active: impl Fn(usize) -> bool, micros: i64) -> bool {
    const BACK: i64 = 300_000;
    const FRAME: i64 = 20_000;
    let (Ok(from), Ok(to)) =
        (usize::try_from((micros - BACK).div_euclid(FRAME)), usize::try_from(micros.div_euclid(FRAME)))
    else {
        return false;
    };
    (from..=to).all(active)
}

/// Where bursts begin in samples at 48 kHz: the first millisecond whose level is above `threshold` (of 1, RMS) after 100 ms below it.
#[must_use]
pub fn onsets(samples: &[i16], threshold: f64) -> Vec<usize> {
    const STEP: usize = 48;
    const QUIET: usize = 100;
    let mut quiet = 0;
    let mut onsets = Vec::new();
    for (index, step) in samples.chunks_exact(STEP).enumerate() {
        if level(step) <= threshold {
            quiet += 1;
        } else {
            if quiet >= QUIET {
                onsets.push(index * STEP);
            }
            quiet = 0;
        }
    }
    onsets
}

/// The level of samples, RMS, 1 being full scale; 0 of none.
#[must_use]
pub fn level(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| (f64::from(sample) / 32_768.0).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// The amplitude of a tone in samples at 48 kHz, 1 being full scale (Goertzel's algorithm).
#[must_use]
pub fn amplitude(samples: &[i16], hertz: f64) -> f64 {
    let coefficient = 2.0 * (std::f64::consts::TAU * hertz / RATE as f64).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for &sample in samples {
        let next = f64::from(sample) / 32_768.0 + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len().max(1) as f64
}

/// A level of 1 or less in dBov (RFC 6465: relative to the overload point), −127 being silence.
#[must_use]
pub fn dbov(level: f64) -> f64 {
    (20.0 * level.log10()).max(-127.0)
}

/// The smallest value that at least `part` of all are not above (nearest rank); `None` of none. The values are sorted.
#[must_use]
pub fn quantile<T: Copy>(sorted: &[T], part: f64) -> Option<T> {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// From each sent burst to the first heard one after it, in µs, if it came within `bound`.
#[must_use]
pub fn delays(sent: &[i64], heard: &[i64], bound: i64) -> Vec<i64> {
    sent.iter()
        .filter_map(|&sent| {
            let heard = heard.iter().copied().find(|&heard| heard >= sent)?;
            Some(heard - sent).filter(|&delay| delay < bound)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `count` packets of 20 ms, each `delay` after its time, from sequence number and timestamp just before they wrap.
    fn stream(count: u32, delay: impl Fn(u32) -> i64) -> Vec<Arrival> {
        (0..count)
            .map(|index| Arrival {
                at: i64::from(index) * 20_000 + delay(index),
                sequence: 65_500_u16.wrapping_add(index as u16),
                timestamp: (u32::MAX - 9_000).wrapping_add(index * 960),
                samples: 960,
                copy: false,
            })
            .collect()
    }

    const ALL: Range<i64> = 0..20_000_000;

    #[test]
    fn a_whole_stream_passes() {
        let heard = judge(&stream(1_000, |_| 5_000), &ALL, |_| true);
        assert_eq!((heard.packets, heard.duplicates, heard.missing, heard.late_20), (1_000, 0, 0, 0));
        assert!((998..=1_000).contains(&heard.due), "{}", heard.due);
        assert!(heard.passes());
    }

    #[test]
    fn what_does_not_come_is_missing_while_somebody_speaks() {
        let mut arrivals = stream(1_000, |_| 5_000);
        arrivals.retain(|arrival| !(2_000_000..2_400_000).contains(&arrival.at));
        let heard = judge(&arrivals, &ALL, |_| true);
        assert_eq!((heard.missing, heard.recovered), (20, 0));
        assert!(!heard.passes());
        let quiet = judge(&arrivals, &ALL, |at| !(1_900_000..2_500_000).contains(&at));
        assert_eq!(quiet.missing, 0);
        assert!(quiet.passes());
    }

    #[test]
    fn a_stream_that_ends_early_is_missing_from_there() {
        let heard = judge(&stream(500, |_| 0), &ALL, |_| true);
        assert!((498..=500).contains(&heard.missing), "{}", heard.missing);
        let none = judge(&[], &ALL, |_| true);
        assert_eq!((none.due, none.missing, none.passes()), (1_000, 1_000, false));
    }

    #[test]
    fn a_copy_in_the_packet_after_makes_up_for_one() {
        let mut arrivals = stream(1_000, |_| 0);
        for arrival in &mut arrivals {
            arrival.copy = true;
        }
        arrivals.remove(500);
        arrivals.drain(700..702);
        let heard = judge(&arrivals, &ALL, |_| true);
        assert_eq!((heard.missing, heard.recovered), (3, 2));
    }

    #[test]
    fn lateness_counts_from_the_fastest() {
        // A queue that grows by 1 ms a packet, from the 100th on.
        let heard =
            judge(&stream(300, |index| i64::from(index.saturating_sub(100)) * 1_000), &ALL, |_| false);
        assert_eq!((heard.late_20, heard.late_60), (179, 139));
        assert_eq!(heard.delays.last(), Some(&199_000));
        assert!(!heard.passes());
    }

    #[test]
    fn a_leap_of_the_media_clock_is_missing_sound() {
        let mut arrivals = stream(400, |_| 0);
        for arrival in &mut arrivals[200..] {
            arrival.timestamp = arrival.timestamp.wrapping_add(5 * 960);
            arrival.at += 100_000;
        }
        assert_eq!(judge(&arrivals, &(0..8_000_000), |_| true).missing, 5);
    }

    #[test]
    fn packets_may_hold_more_than_a_frame_and_come_twice() {
        let arrivals: Vec<Arrival> = (0..200_u32)
            .flat_map(|index| {
                let packet = Arrival {
                    at: i64::from(index) * 60_000,
                    sequence: index as u16,
                    timestamp: index * 2_880,
                    samples: 2_880,
                    copy: false,
                };
                [packet, packet]
            })
            .collect();
        let heard = judge(&arrivals, &(0..12_000_000), |_| true);
        assert_eq!((heard.packets, heard.duplicates, heard.missing), (200, 200, 0));
    }

    #[test]
    fn speech_must_have_lasted() {
        let active = |index: usize| (10..=40).contains(&index);
        assert!(!steadily(active, 300_000));
        assert!(!steadily(active, 480_000));
        assert!(steadily(active, 500_000));
        assert!(steadily(active, 819_000));
        assert!(!steadily(active, 820_000));
    }

    #[test]
    fn bursts_are_found_where_they_begin() {
        let mut samples = vec![20_i16; 48_000];
        for begin in [9_600, 33_600] {
            for (index, sample) in samples[begin..begin + 4_800].iter_mut().enumerate() {
                *sample = if index % 48 < 24 { 8_000 } else { -8_000 };
            }
        }
        assert_eq!(onsets(&samples, 0.03), [9_600, 33_600]);
        assert_eq!(onsets(&samples[20_000..], 0.03), [13_584], "{}", "to the millisecond");
        assert!((dbov(level(&samples[9_600..14_400])) + 12.2).abs() < 0.1);
        assert_eq!(dbov(level(&[])), -127.0);
    }

    #[test]
    fn a_tone_is_found_where_it_is() {
        let samples: Vec<i16> =
            (0..9_600).map(|at| ((f64::from(at) * 0.09163).sin() * 8_192.0) as i16).collect();
        assert!((amplitude(&samples, 700.0) - 0.25).abs() < 0.01);
        assert!(amplitude(&samples, 1_100.0) < 0.01);
    }

    #[test]
    fn a_burst_is_heard_after_it_was_sent() {
        assert_eq!(delays(&[0, 1_000, 2_000], &[50, 1_070, 2_900], 800), [50, 70]);
        assert_eq!(quantile(&[1, 2, 3, 4], 0.5), Some(2));
        assert_eq!(quantile::<i64>(&[], 0.5), None);
    }

    #[test]
    fn a_place_in_a_stream_is_told_over_hours_of_sequence_numbers() {
        // An hour and a half of packets, each tenth of which is overtaken by the next.
        let mut arrivals = stream(270_000, |_| 0);
        let mut expected: Vec<i64> = (0..270_000).collect();
        for index in (1..269_990).step_by(10) {
            arrivals.swap(index, index + 1);
            expected.swap(index, index + 1);
        }
        assert_eq!(places(&arrivals), expected);
    }

    proptest! {
        /// However packets are lost and mixed up, what is missing is what was lost.
        #[test]
        fn as_many_are_missing_as_were_lost(lost in proptest::collection::btree_set(1_u32..999, 0..200), jitter in 0_i64..60_000) {
            let mut arrivals: Vec<Arrival> = stream(1_000, |index| i64::from(index * 7_919 % 101) * jitter / 100)
                .into_iter()
                .enumerate()
                .filter(|(index, _)| !lost.contains(&(*index as u32)))
                .map(|(_, arrival)| arrival)
                .collect();
            arrivals.sort_by_key(|arrival| arrival.at);
            let heard = judge(&arrivals, &ALL, |at| at < 19_900_000);
            prop_assert_eq!(heard.packets, 1_000 - lost.len() as u64);
            let counted = lost.iter().filter(|&&index| index < 994).count() as u64;
            prop_assert!(heard.missing.abs_diff(counted) <= 4, "{} of {counted}", heard.missing);
        }
    }
}
