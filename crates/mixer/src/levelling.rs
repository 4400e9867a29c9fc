//! Brings quiet and loud speakers slowly nearer to each other. It never makes silence audible, and never decides who is heard.

use crate::frame::{FRAME_SAMPLES, TICK_MS};
use crate::level::LevelDbov;
use crate::sound::Sound;

/// Speech between these levels is left as it is.
const QUIETEST: f32 = -26.0;
const LOUDEST: f32 = -14.0;

/// The most that is given or taken, in dB.
const RANGE: f32 = 6.0;

/// Frames below this level are pauses and tell nothing.
const SPEECH: LevelDbov = LevelDbov(-45);

/// The gain changes by 1 dB in a second of speech.
const STEP: f32 = TICK_MS as f32 / 1000.0;

/// The part of the way to a frame's level that the level of speech follows: 63 % in a second.
const FOLLOW: f32 = 0.02;

/// The levelling of one speaker.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Levelling {
    /// The level of speech, once there was any, in dBov.
    speech: Option<f32>,
    /// In dB; and the same as a factor.
    gain: f32,
}

impl Levelling {
    /// Takes one tick of sound of this level (not smoothed) through. As long as the gain is 0 dB every bit is kept.
    pub(crate) fn pass(&mut self, sound: &mut Sound, level: LevelDbov) {
        let before = self.gain;
        if level > SPEECH {
            let level = f32::from(level.0);
            let speech = self.speech.get_or_insert(level);
            *speech += (level - *speech) * FOLLOW;
            let wanted = (speech.clamp(QUIETEST, LOUDEST) - *speech).clamp(-RANGE, RANGE);
            self.gain += (wanted - self.gain).clamp(-STEP, STEP);
        }
        if before == 0.0 && self.gain == 0.0 {
            return;
        }
        let (from, to) = (factor(before), factor(self.gain));
        sound.each(|frame| {
            for (n, sample) in (1_u16..).zip(frame.iter_mut()) {
                let gain = from + (to - from) * f32::from(n) / FRAME_SAMPLES as f32;
                // The conversion saturates: only a peak 6 dB and more above speech that is quiet could come to that.
                *sample = (f32::from(*sample) * gain).round() as i16;
            }
        });
    }
}

fn factor(db: f32) -> f32 {
    10_f32.powf(db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gain in dB for speech of this amplitude (a square wave) after so many seconds with as long pauses.
    fn gain_after(seconds: u32, amplitude: i16) -> f32 {
        let mut levelling = Levelling::default();
        let mut gain = 0.0;
        for tick in 0..seconds * 100 {
            let input = if tick % 20 < 10 { amplitude } else { 20 };
            let mid = core::array::from_fn(|n| if n % 100 < 50 { input } else { -input });
            let mut sound = Sound { mid, ..Sound::default() };
            let level = LevelDbov::of(&sound.mid);
            levelling.pass(&mut sound, level);
            if input == amplitude {
                let last = f32::from(sound.mid[FRAME_SAMPLES - 60].abs());
                gain = 20.0 * (last / f32::from(amplitude)).log10();
            }
        }
        gain
    }

    #[test]
    fn quiet_speech_is_raised_and_loud_speech_lowered_slowly_and_by_6_db_at_most() {
        // −36, −29, −20, −9 and −2 dBov.
        for (amplitude, gain) in [(520, 6.0), (1160, 3.0), (3277, 0.0), (11_630, -5.0), (26_000, -6.0)] {
            let reached = gain_after(12, amplitude);
            assert!((reached - gain).abs() < 0.7, "{amplitude}: {reached:.1} dB instead of {gain}");
            let soon = gain_after(1, amplitude);
            assert!(soon.abs() <= 1.05, "{amplitude}: {soon:.1} dB in a second");
        }
    }

    #[test]
    fn speech_of_usual_loudness_is_kept_to_the_bit_and_a_peak_does_not_wrap() {
        let mut levelling = Levelling::default();
        let mut sound = Sound { mid: [3277; FRAME_SAMPLES], ..Sound::default() };
        levelling.pass(&mut sound, LevelDbov(-20));
        assert_eq!(sound.mid, [3277; FRAME_SAMPLES]);
        let mut levelling = Levelling { speech: Some(-40.0), gain: 6.0 };
        let mut sound = Sound { mid: [i16::MAX; FRAME_SAMPLES], side: [-1000; FRAME_SAMPLES], wide: true };
        levelling.pass(&mut sound, LevelDbov(-46));
        assert_eq!(sound.mid, [i16::MAX; FRAME_SAMPLES]);
        assert_eq!(sound.side, [-1995; FRAME_SAMPLES], "by as much, so that nothing moves aside");
    }
}
