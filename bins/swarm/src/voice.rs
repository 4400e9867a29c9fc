//! What callers send, encoded beforehand: speech, bursts of a tone, a steady tone, quiet noise.
//!
//! When it is sent never lives here.

use std::f64::consts::TAU;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use confocal_opus::{Encoder, EncoderSettings, MAX_PAYLOAD_BYTES};

use crate::measure::{dbov, level};

/// Samples of a frame.
const FRAME: usize = 960;
/// Samples a second.
const RATE: u32 = 48_000;
/// What is spoken: two voices, a few sentences each. Pauses are those between sentences.
const TEXTS: [(&str, &str); 4] = [
    (
        "en-gb",
        "The meeting begins at nine. Whoever comes late will find the door open, and a chair at the back of the room.",
    ),
    (
        "en-us+f3",
        "She asked him twice whether the parcel had arrived, but he only shook his head and went on reading his paper.",
    ),
    (
        "en-gb",
        "Seven boats left the harbour before dawn. By noon a strong wind had brought all but one of them home again.",
    ),
    (
        "en-us+f3",
        "If you turn left behind the church, there is a narrow path to the river, which is closed after heavy rain.",
    ),
];
/// A frame is spoken in if it is louder than this, in dBov.
const SPOKEN: f64 = -45.0;

/// From one burst to the next, in frames: longer than any delay that is measured by them.
pub const BURST_EVERY: usize = 50;

/// Sound that is sent in a loop, a packet each 20 ms.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Packets of 20 ms.
    pub packets: Vec<Vec<u8>>,
    /// The level of each, in -dBov (RFC 6464): 0 is the loudest, 127 silence.
    pub levels: Vec<u8>,
    /// Whether each holds speech.
    pub active: Vec<bool>,
    /// What was encoded, at 48 kHz.
    pub samples: Vec<i16>,
}

/// What there is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sound {
    /// Sentences, spoken by espeak-ng.
    Speech,
    /// A tone of 100 ms each second, silence between: for measuring delays.
    Bursts,
    /// A steady tone.
    Tone,
}

impl Voice {
    /// The voice of the talker of that number: different talkers have different words, or tones.
    ///
    /// # Errors
    ///
    /// When espeak-ng is missing or fails, or libopus does.
    pub fn of(sound: Sound, talker: usize) -> anyhow::Result<Self> {
        match sound {
            Sound::Speech => Self::encode(&speech(talker)?, false),
            Sound::Bursts => {
                let mut samples = tone(700.0, RATE as usize / 10, 8_192.0);
                samples.resize(BURST_EVERY * FRAME, 0);
                // Later than at the loop's seam: the first frame of a loop is encoded without the one before it.
                samples.rotate_right(FRAME * 10 + 333);
                Self::encode(&samples, false)
            }
            Sound::Tone => Self::encode(&tone(tone_of(talker), RATE as usize, 8_192.0), false),
        }
    }

    /// Two sentences and half a second of silence, to be recorded at the other end. With `copies` each packet has a coarse copy of the frame
    /// before it (in-band FEC), as for a line that loses 10 %.
    ///
    /// # Errors
    ///
    /// As [`Voice::of`].
    pub fn clip(number: usize, copies: bool) -> anyhow::Result<Self> {
        let (voice, text) = TEXTS[number % TEXTS.len()];
        let mut samples = spoken(voice, text)?;
        // To a whole frame, since what is less is not sent.
        samples.resize((samples.len() / FRAME + 26) * FRAME, 0);
        Self::encode(&samples, copies)
    }

    /// Quiet noise of a room, at −60 dBov, one second of it.
    ///
    /// # Errors
    ///
    /// When libopus fails.
    pub fn noise() -> anyhow::Result<Self> {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let samples: Vec<i16> = (0..RATE)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Even over ±56, whose RMS is −60 dBov.
                (state % 113) as i16 - 56
            })
            .collect();
        Self::encode(&samples, false)
    }

    /// What a client with discontinuous transmission sends while nobody speaks: an Opus packet without a frame in it (RFC 6716
    /// section 3.1), each 400 ms.
    #[must_use]
    pub fn dtx() -> Self {
        // One TOC byte: SILK wideband, 20 ms, mono, one frame of no bytes.
        Self { packets: vec![vec![0x48]], levels: vec![127], active: vec![false], samples: Vec::new() }
    }

    /// The first frame in which there is speech; the first of all if there is none.
    #[must_use]
    pub fn begins(&self) -> usize {
        self.active.iter().position(|active| *active).unwrap_or_default()
    }

    /// Encodes samples at 48 kHz; what is less than a frame at the end is left out. `copies` as in [`Voice::clip`].
    ///
    /// # Errors
    ///
    /// When libopus fails.
    pub fn encode(samples: &[i16], copies: bool) -> anyhow::Result<Self> {
        let mut encoder = Encoder::new(&EncoderSettings {
            inband_fec: copies,
            expected_loss_percent: if copies { 10 } else { 0 },
            ..EncoderSettings::default()
        })?;
        let mut room = [0; MAX_PAYLOAD_BYTES];
        let (mut packets, mut levels, mut active) = (Vec::new(), Vec::new(), Vec::new());
        for frame in samples.chunks_exact(FRAME) {
            let bytes = encoder.encode(frame, &mut room)?;
            packets.push(room[..bytes].to_vec());
            let loud = dbov(level(frame));
            levels.push((-loud).clamp(0.0, 127.0) as u8);
            active.push(loud > SPOKEN);
        }
        ensure!(!packets.is_empty(), "there is less than a frame of sound");
        Ok(Self { packets, levels, active, samples: samples.to_vec() })
    }
}

/// The tone of a talker, in Hz: no two of them are harmonics of each other.
#[must_use]
pub fn tone_of(talker: usize) -> f64 {
    const TONES: [f64; 8] = [440.0, 1_000.0, 1_700.0, 610.0, 770.0, 1_250.0, 2_130.0, 2_690.0];
    TONES[talker % TONES.len()]
}

/// A sine, in whole periods where the length allows.
fn tone(hertz: f64, length: usize, peak: f64) -> Vec<i16> {
    (0..length).map(|at| ((TAU * hertz * at as f64 / f64::from(RATE)).sin() * peak) as i16).collect()
}

/// Half a minute of speech: the sentences in turn, beginning with another one for each talker.
fn speech(talker: usize) -> anyhow::Result<Vec<i16>> {
    let mut all = Vec::new();
    for turn in 0..TEXTS.len() {
        let (voice, text) = TEXTS[(talker + turn) % TEXTS.len()];
        all.extend(spoken(voice, text)?);
    }
    Ok(all)
}

/// A text spoken by espeak-ng, at about −20 dBov.
fn spoken(voice: &str, text: &str) -> anyhow::Result<Vec<i16>> {
    let mut espeak = Command::new("espeak-ng");
    espeak.args(["-v", voice, "-s", "150", "--stdout", text]).stdin(Stdio::null()).stderr(Stdio::null());
    let spoken = espeak
        .output()
        .context("speech needs espeak-ng, which could not be started; `--sound tone` does without")?;
    ensure!(spoken.status.success(), "espeak-ng ended with {}", spoken.status);
    // It writes to a pipe, so it can't know the length and leaves a huge one in the header: the samples are what follows.
    let mut header = hound::WavReader::new(spoken.stdout.as_slice()).context("espeak-ng wrote no WAV")?;
    let rate = header.spec().sample_rate;
    let samples: Vec<i16> = header.samples::<i16>().map_while(Result::ok).collect();
    let loud: Vec<i16> = samples.iter().copied().filter(|sample| sample.unsigned_abs() > 300).collect();
    let gain = 0.1 / level(&loud).max(0.001);
    Ok(resampled(&samples, rate, gain))
}

/// At 48 kHz, by straight lines between samples: it is for load and for what can be told from levels, not to be listened to.
fn resampled(samples: &[i16], rate: u32, gain: f64) -> Vec<i16> {
    let length = (samples.len() as u64 * u64::from(RATE) / u64::from(rate.max(1))) as usize;
    (0..length)
        .map(|index| {
            let place = index as f64 * f64::from(rate) / f64::from(RATE);
            let at = |index: usize| f64::from(samples.get(index).copied().unwrap_or_default());
            let (before, part) = (place as usize, place.fract());
            ((at(before) * (1.0 - part) + at(before + 1) * part) * gain).clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_are_a_tenth_of_the_time() {
        let bursts = Voice::of(Sound::Bursts, 0).expect("bursts");
        assert_eq!(bursts.packets.len(), BURST_EVERY);
        assert!((5..=6).contains(&bursts.active.iter().filter(|&&active| active).count()));
        assert!(!bursts.active[0] && !bursts.active[BURST_EVERY - 1]);
    }

    #[test]
    fn noise_is_quiet_and_is_no_speech() {
        let noise = Voice::noise().expect("noise");
        assert!(noise.levels.iter().all(|level| (58..=62).contains(level)), "{:?}", noise.levels);
        assert!(!noise.active.contains(&true));
        assert_eq!(confocal_opus::packet_samples(&Voice::dtx().packets[0]), Some(960));
    }

    #[test]
    fn sound_at_another_rate_becomes_as_long() {
        let samples = resampled(&[1_000; 22_050], 22_050, 2.0);
        assert_eq!((samples.len(), samples[100]), (48_000, 2_000));
    }
}
