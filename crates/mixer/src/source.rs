//! Sound that is played into a conference and comes from no leg: tones, announcements, music. Where it comes from, a file or a
//! synthesiser, never lives here: all of it is there before it is played.

use std::sync::Arc;

use crate::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

/// Something that is played.
///
/// It is asked within a tick, so it neither allocates, waits nor reads files.
pub trait Source: Send + core::fmt::Debug {
    /// Writes the next 20 ms (mono, 48 kHz, 16 bit) and returns whether there was any; `false`: it is over, and the frame is not
    /// looked at.
    fn next_frame(&mut self, frame: &mut Frame) -> bool;
}

/// Sound in memory, which any number of plays share.
#[derive(Clone, Debug)]
pub struct Clip {
    samples: Arc<[i16]>,
    at: usize,
    repeats: bool,
}

impl Clip {
    /// Plays these samples (mono, 48 kHz) once.
    #[must_use]
    pub fn once(samples: Arc<[i16]>) -> Self {
        Self { samples, at: 0, repeats: false }
    }

    /// Plays these samples (mono, 48 kHz) again and again, as music on hold is. Without any it is over at once.
    #[must_use]
    pub fn repeated(samples: Arc<[i16]>) -> Self {
        Self { samples, at: 0, repeats: true }
    }

    /// Someone has come: two short soft notes, the second higher.
    #[must_use]
    pub fn join_tone() -> Self {
        Self::once(notes(&[LOW, HIGH]))
    }

    /// Someone has left: two short soft notes, the second lower.
    #[must_use]
    pub fn leave_tone() -> Self {
        Self::once(notes(&[HIGH, LOW]))
    }

    /// Whoever hears it is alone: the lower note, twice.
    #[must_use]
    pub fn alone_tone() -> Self {
        Self::once(notes(&[LOW, LOW]))
    }

    /// What is said is recorded from now on: three notes, the last one the highest of all.
    #[must_use]
    pub fn recording_started_tone() -> Self {
        Self::once(notes(&[HIGH, HIGH, HIGHEST]))
    }

    /// It is not any more: the same, backwards.
    #[must_use]
    pub fn recording_stopped_tone() -> Self {
        Self::once(notes(&[HIGHEST, HIGH, HIGH]))
    }

    /// Whoever comes in is recorded: the highest note, twice.
    #[must_use]
    pub fn recording_tone() -> Self {
        Self::once(notes(&[HIGHEST, HIGHEST]))
    }
}

impl Source for Clip {
    fn next_frame(&mut self, frame: &mut Frame) -> bool {
        if self.samples.len() <= self.at {
            return false;
        }
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let left = &self.samples[self.at..];
            let taken = left.len().min(FRAME_SAMPLES - filled);
            frame[filled..filled + taken].copy_from_slice(&left[..taken]);
            filled += taken;
            self.at += taken;
            if self.at == self.samples.len() {
                if !self.repeats {
                    break;
                }
                self.at = 0;
            }
        }
        frame[filled..].fill(0);
        true
    }
}

/// E5, A5 and D6, Hz.
const LOW: f64 = 659.26;
const HIGH: f64 = 880.0;
const HIGHEST: f64 = 1174.66;

/// The length of a note, 120 ms.
const NOTE: usize = SAMPLE_RATE as usize * 120 / 1000;

/// The amplitude of a note at its loudest: about 10 dB below speech of usual loudness.
const SOFT: f64 = 1200.0;

/// Notes one after the other, each swelling and dying away as half a sine, so that nothing clicks.
fn notes(notes: &[f64]) -> Arc<[i16]> {
    let sample = |hz: f64, n: usize| {
        let swell = (n as f64 * core::f64::consts::PI / NOTE as f64).sin();
        let turn = n as f64 * hz * core::f64::consts::TAU / f64::from(SAMPLE_RATE);
        (turn.sin() * swell * SOFT).round() as i16
    };
    notes.iter().flat_map(|&hz| (0..NOTE).map(move |n| sample(hz, n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::LevelDbov;

    #[test]
    fn a_clip_is_played_once_or_again_and_again_to_its_last_sample() {
        let samples: Arc<[i16]> = (1..=1000).collect();
        let mut frame = [7; FRAME_SAMPLES];
        let mut once = Clip::once(Arc::clone(&samples));
        assert!(once.next_frame(&mut frame) && frame[959] == 960);
        assert!(once.next_frame(&mut frame) && frame[..40] == samples[960..] && frame[40..] == [0; 920]);
        assert!(!once.next_frame(&mut frame));
        let mut repeated = Clip::repeated(samples);
        for n in 0..100 {
            assert!(repeated.next_frame(&mut frame));
            assert!((0..FRAME_SAMPLES).all(|at| frame[at] == ((n * FRAME_SAMPLES + at) % 1000 + 1) as i16));
        }
        assert!(!Clip::repeated(Arc::new([])).next_frame(&mut frame));
    }

    #[test]
    fn the_tones_are_short_and_soft_and_do_not_click() {
        for mut tone in [Clip::join_tone(), Clip::leave_tone()] {
            let samples = Arc::clone(&tone.samples);
            assert_eq!(samples.len(), 11_520, "240 ms");
            assert!(LevelDbov::of(&samples) < LevelDbov(-30));
            let steps = samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
            assert!(steps < Some(145), "no more than the steepest of its higher note: {steps:?}");
            assert!(tone.next_frame(&mut [0; FRAME_SAMPLES]));
        }
    }
}
