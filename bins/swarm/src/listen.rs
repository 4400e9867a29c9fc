//! Listening to what was kept: decodes packets after a run, finds bursts in them and measures levels.

use anyhow::Context as _;
use confocal_opus::{Decoder, MAX_PACKET_SAMPLES};

use crate::measure::{Arrival, level, onsets, places};
use crate::voice::Voice;

/// What is louder than this, RMS, is a burst: −30 dBov.
const BURST: f64 = 0.0316;

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listened {
    /// When bursts began, in µs of the clock of arrivals: when their packet came, and how far into it they begin.
    pub onsets: Vec<i64>,
    /// The level of the bursts, RMS, 1 being full scale; `None` without any.
    pub burst_level: Option<f64>,
    /// The level of all of it.
    pub level: f64,
}

/// Decodes what one listener received. Lost packets leave no gap in the sound, but the times are those of the packets that came.
///
/// # Errors
///
/// When libopus can't be set up. A packet that is no Opus counts as lost.
pub fn listen(arrivals: &[Arrival], payloads: &[Box<[u8]>]) -> anyhow::Result<Listened> {
    let Decoded { samples, starts } = decode(arrivals, payloads)?;
    let begun = onsets(&samples, BURST);
    let time = |place: usize| {
        let (start, at) = starts[starts.partition_point(|(start, _)| *start <= place) - 1];
        at + micros(place - start)
    };
    Ok(Listened {
        onsets: begun.iter().map(|&place| time(place)).collect(),
        burst_level: burst_level(&samples, &begun),
        level: level(&samples),
    })
}

/// Decoded sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// At 48 kHz.
    pub samples: Vec<i16>,
    /// Where in the samples each packet begins, and when it came (µs).
    pub starts: Vec<(usize, i64)>,
}

/// Decodes packets in the order in which they were sent.
///
/// # Errors
///
/// As [`listen`].
pub fn decode(arrivals: &[Arrival], payloads: &[Box<[u8]>]) -> anyhow::Result<Decoded> {
    let places = places(arrivals);
    let mut order: Vec<usize> = (0..arrivals.len().min(payloads.len())).collect();
    order.sort_by_key(|&index| places[index]);
    let mut decoder = Decoder::new()?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let (mut samples, mut starts) = (Vec::new(), Vec::new());
    for index in order {
        if let Ok(length) = decoder.decode(&payloads[index], &mut room) {
            starts.push((samples.len(), arrivals[index].at));
            samples.extend_from_slice(&room[..length]);
        }
    }
    Ok(Decoded { samples, starts })
}

/// How a voice of bursts sounds to who decodes it directly: the packet of the loop in which the burst begins, how far into it (µs), and
/// its level.
///
/// # Errors
///
/// When libopus fails, or there is no burst in it.
pub fn listen_to(voice: &Voice) -> anyhow::Result<(usize, i64, f64)> {
    let mut decoder = Decoder::new()?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let (mut samples, mut starts) = (Vec::new(), Vec::new());
    // The second time around is as all later ones.
    for packet in voice.packets.iter().chain(&voice.packets) {
        let length = decoder.decode(packet, &mut room)?;
        starts.push(samples.len());
        samples.extend_from_slice(&room[..length]);
    }
    let begun = onsets(&samples, BURST);
    let &place = begun.last().context("the voice has no bursts")?;
    let packet = starts.partition_point(|start| *start <= place) - 1;
    let loud = burst_level(&samples, &begun).context("the bursts are too short")?;
    Ok((packet % voice.packets.len(), micros(place - starts[packet]), loud))
}

/// The level of bursts, from 10 to 80 ms after each began.
fn burst_level(samples: &[i16], onsets: &[usize]) -> Option<f64> {
    let inner: Vec<f64> =
        onsets.iter().filter_map(|&onset| Some(level(samples.get(onset + 480..onset + 3_840)?))).collect();
    (!inner.is_empty()).then(|| inner.iter().sum::<f64>() / inner.len() as f64)
}

const fn micros(samples: usize) -> i64 {
    samples as i64 * 1_000 / 48
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{dbov, delays};
    use crate::voice::Sound;

    #[test]
    fn a_burst_that_is_passed_on_late_is_heard_late_and_as_loud() {
        let voice = Voice::of(Sound::Bursts, 0).expect("bursts");
        let (packet, into, loud) = listen_to(&voice).expect("a burst");
        // Encoded 10 frames and 333 samples into the loop, and 6.5 ms later by the codec's look-ahead.
        assert!((10..=11).contains(&packet), "{packet}");
        let (mut arrivals, mut payloads, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..500_usize {
            let at = index as i64 * 20_000;
            if index % voice.packets.len() == packet {
                sent.push(at + into);
            }
            let (sequence, timestamp) = (65_400_u16.wrapping_add(index as u16), index as u32 * 960);
            arrivals.push(Arrival { at: at + 55_000, sequence, timestamp, samples: 960, copy: false });
            payloads.push(voice.packets[index % voice.packets.len()].clone().into());
        }
        arrivals.swap(100, 101);
        payloads.swap(100, 101);
        let heard = listen(&arrivals, &payloads).expect("libopus");
        let found = delays(&sent, &heard.onsets, 900_000);
        assert!((9..=10).contains(&found.len()), "{found:?}");
        assert!(found.iter().all(|delay| (53_000..=57_000).contains(delay)), "{found:?}");
        assert!((dbov(heard.burst_level.expect("bursts")) - dbov(loud)).abs() < 0.2);
    }

    #[test]
    fn each_burst_of_an_hour_is_heard_and_as_loud() {
        let voice = Voice::of(Sound::Bursts, 0).expect("bursts");
        let (packet, into, loud) = listen_to(&voice).expect("a burst");
        let (mut arrivals, mut payloads, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        // Three seconds of every five and a half minutes are enough, so placed that those in which the numbers have wrapped have the same.
        for start in (0..180_000_usize).step_by(1 << 14) {
            for index in start..start + 150 {
                let at = index as i64 * 20_000;
                if index % voice.packets.len() == packet && index < start + 140 {
                    sent.push(at + into);
                }
                let (sequence, timestamp) = (index as u16, (index as u32).wrapping_mul(960));
                arrivals.push(Arrival { at: at + 30_000, sequence, timestamp, samples: 960, copy: false });
                payloads.push(voice.packets[index % voice.packets.len()].clone().into());
            }
        }
        let heard = listen(&arrivals, &payloads).expect("libopus");
        let found = delays(&sent, &heard.onsets, 900_000);
        assert!(found.len() + 1 >= sent.len() && sent.len() > 30, "{} of {}", found.len(), sent.len());
        assert!(found.iter().all(|delay| (28_000..=32_000).contains(delay)), "{found:?}");
        assert!((dbov(heard.burst_level.expect("bursts")) - dbov(loud)).abs() < 0.2);
    }
}
