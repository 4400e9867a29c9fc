//! How loud a frame is, and whether that is speech. Who may speak, and who is shown as the speaker, never lives here.

use crate::config::SpeechConfig;
use crate::frame::TICK_MS;

/// A level in dBov: decibels relative to the overload point, 0 (loudest) to −127 (digital silence), rounded.
///
/// As in RFC 6464 section 3 and RFC 6465, but with its sign. It is the root mean square of the samples relative to that of a
/// square wave of full scale: a sine of full scale is −3 dBov.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LevelDbov(pub i8);

impl LevelDbov {
    /// Digital silence, or as good as.
    pub const SILENCE: Self = Self(-127);

    /// What a sender claims in the header extension of RFC 6464 section 3: 0 to 127, without the sign and the flag.
    #[must_use]
    pub const fn from_claim(claim: u8) -> Self {
        Self(-((claim & 0x7f) as i8))
    }

    /// The level of some samples of 16 bit; silence if there are none.
    #[must_use]
    pub fn of(samples: &[i16]) -> Self {
        Self::from_power(mean_square(samples))
    }

    /// The level of two channels, of which half the sum and half the difference are given: the mean of their powers.
    pub(crate) fn of_both(mid: &[i16], side: &[i16]) -> Self {
        Self::from_power(mean_square(mid) + mean_square(side))
    }

    /// From the mean square of the samples, where 1 is full scale.
    fn from_power(power: f32) -> Self {
        // The conversion from float saturates, and log10(0) is −∞.
        Self(((10.0 * power.log10()).round() as i8).clamp(Self::SILENCE.0, 0))
    }
}

fn mean_square(samples: &[i16]) -> f32 {
    const FULL_SCALE: f32 = 32_768.0 * 32_768.0;
    if samples.is_empty() {
        return 0.0;
    }
    let sum: i64 = samples.iter().map(|&sample| i64::from(i32::from(sample) * i32::from(sample))).sum();
    sum as f32 / (samples.len() as f32 * FULL_SCALE)
}

/// Follows the level of one stream of frames: up within about 40 ms, down within about 100 ms.
#[derive(Clone, Debug, Default)]
pub struct LevelMeter {
    power: f32,
}

impl LevelMeter {
    /// The part of the way to the new power that is taken each frame, going up and down.
    const UP: f32 = 0.5;
    const DOWN: f32 = 0.2;

    /// Below −127.5 dBov, which is told as −127: 10^−12.75.
    const NOTHING: f32 = 1.7e-13;

    /// A meter that has heard silence so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one tick of sound into account and returns its own level, not smoothed.
    pub fn feed(&mut self, frame: &[i16]) -> LevelDbov {
        let power = mean_square(frame);
        self.follow(power);
        LevelDbov::from_power(power)
    }

    /// Takes one tick of two channels into account, as [`LevelDbov::of_both`] has them.
    pub(crate) fn feed_both(&mut self, mid: &[i16], side: &[i16]) -> LevelDbov {
        let power = mean_square(mid) + mean_square(side);
        self.follow(power);
        LevelDbov::from_power(power)
    }

    /// Takes one tick of sound of this level into account.
    pub fn feed_level(&mut self, level: LevelDbov) {
        self.follow(if level <= LevelDbov::SILENCE { 0.0 } else { 10_f32.powf(f32::from(level.0) / 10.0) });
    }

    fn follow(&mut self, power: f32) {
        let part = if power > self.power { Self::UP } else { Self::DOWN };
        self.power += (power - self.power) * part;
        // Below what is told as silence it comes to an end, since arithmetic with ever smaller numbers is slow.
        if self.power < Self::NOTHING {
            self.power = 0.0;
        }
    }

    /// It has come down to digital silence.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.power == 0.0
    }

    /// The smoothed level.
    #[must_use]
    pub fn level(&self) -> LevelDbov {
        LevelDbov::from_power(self.power)
    }
}

/// Decides by level and duration whether someone speaks.
#[derive(Clone, Debug)]
pub struct SpeechDetector {
    config: SpeechConfig,
    /// Ticks in a row that were loud enough, while not speaking.
    loud_ticks: u32,
    /// Ticks until speech is over, while speaking.
    ticks_left: u32,
}

impl SpeechDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub const fn new(config: SpeechConfig) -> Self {
        Self { config, loud_ticks: 0, ticks_left: 0 }
    }

    /// Takes the level of one tick (not smoothed) and returns whether someone speaks.
    pub fn feed(&mut self, level: LevelDbov) -> bool {
        let hangover = self.config.hangover_ms.div_ceil(TICK_MS).max(1);
        if self.is_speaking() {
            let floor = self.config.threshold.0.saturating_sub(self.config.hysteresis_db);
            self.ticks_left = if level.0 > floor { hangover } else { self.ticks_left - 1 };
        } else {
            self.loud_ticks = if level > self.config.threshold { self.loud_ticks + 1 } else { 0 };
            if self.loud_ticks >= self.config.attack_ms.div_ceil(TICK_MS).max(1) {
                self.loud_ticks = 0;
                self.ticks_left = hangover;
            }
        }
        self.is_speaking()
    }

    /// Someone speaks, as of the last tick.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.ticks_left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_relative_to_a_square_wave() {
        assert_eq!(LevelDbov::of(&[0; 960]), LevelDbov::SILENCE);
        assert_eq!(LevelDbov::of(&[]), LevelDbov::SILENCE);
        assert_eq!(LevelDbov::of(&[i16::MIN; 960]), LevelDbov(0));
        let sine: Vec<i16> = (0..960)
            .map(|n| {
                (f64::from(n) * core::f64::consts::TAU / 48.0).sin().mul_add(32_767.0, 0.0).round() as i16
            })
            .collect();
        assert_eq!(LevelDbov::of(&sine), LevelDbov(-3));
        assert_eq!(LevelDbov::of(&[3277; 960]), LevelDbov(-20));
        assert_eq!(LevelDbov::of(&[1; 960]), LevelDbov(-90));
    }

    #[test]
    fn the_meter_rises_faster_than_it_falls() {
        let mut meter = LevelMeter::new();
        assert_eq!(meter.level(), LevelDbov::SILENCE);
        for _ in 0..3 {
            assert_eq!(meter.feed(&[3277; 960]), LevelDbov(-20));
        }
        assert!(meter.level() >= LevelDbov(-21), "{:?}", meter.level());
        for _ in 0..3 {
            assert_eq!(meter.feed(&[0; 960]), LevelDbov::SILENCE);
        }
        assert!(meter.level() >= LevelDbov(-24), "{:?}", meter.level());
        for _ in 0..100 {
            meter.feed(&[0; 960]);
        }
        assert!(meter.level() < LevelDbov(-100), "{:?}", meter.level());
    }

    #[test]
    fn speech_begins_after_60_ms_and_lasts_400_ms_longer() {
        let mut detector = SpeechDetector::new(SpeechConfig::default());
        let loud = LevelDbov(-30);
        assert!(!detector.feed(loud) && !detector.feed(loud) && !detector.feed(LevelDbov(-60)), "a click");
        assert!(!detector.feed(loud) && !detector.feed(loud) && detector.feed(loud));
        assert!(detector.feed(LevelDbov(-48)), "within the hysteresis");
        let lasts = (0..100).take_while(|_| detector.feed(LevelDbov(-60))).count();
        assert_eq!(lasts, 19, "ticks, the twentieth ends it");
    }
}
