//! What is known of how loud a sender is: what it claims, what was measured, and whether the two agree.
//! Who is heard for it is decided elsewhere.

use crate::frame::TICK_MS;
use crate::level::{LevelDbov, LevelMeter};
use crate::sound::Sound;

/// A claim is wrong if it is so far from what was measured, in dB.
const DISAGREEMENT_DB: i8 = 15;

/// After being wrong for so long a sender's claims are ignored: 1 s.
const PATIENCE_TICKS: u64 = 1000 / TICK_MS as u64;

/// How long the loudest of what was measured counts, so that nobody loses their place between two words: 600 ms.
const HOLD_TICKS: u64 = 600 / TICK_MS as u64;

/// Up to this level a sender is not heard: the noise of a quiet room, some 35 dB below speech. Each who is heard costs a decoder and a mix
/// of their own, and noise adds up; what is louder is heard as it is. (FreeSWITCH's `energy-level` of 100 is at −50.)
pub(crate) const HUSH: LevelDbov = LevelDbov(-58);

/// One who is not heard must be louder than this to be: a little more than noise, or noise would come and go. Decoding that begins in the
/// midst makes some of its own.
pub(crate) const AUDIBLE: LevelDbov = LevelDbov(-55);

/// Speech at usual rates takes at least so many bytes in 20 ms, 12 kbit/s; encoded silence takes less.
const SPEECH_BYTES: u32 = 30;

/// One sender's loudness.
#[derive(Debug)]
pub(crate) struct Standing {
    claims: LevelMeter,
    /// What these are at, as of the last packet.
    claims_level: LevelDbov,
    claimed: bool,
    distrusted: bool,
    /// Since when, in ticks, its claims have been found wrong.
    wrong_since: Option<u64>,
    measures: LevelMeter,
    held: Held,
    /// Bytes of its packets of late, smoothed, in sixteenths.
    bytes: u32,
    /// When, in ticks, it was measured last.
    measured_at: Option<u64>,
}

/// The loudest level of late.
#[derive(Clone, Copy, Debug)]
struct Held {
    level: LevelDbov,
    at: u64,
}

impl Default for Held {
    fn default() -> Self {
        Self { level: LevelDbov::SILENCE, at: 0 }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            claims: LevelMeter::new(),
            claims_level: LevelDbov::SILENCE,
            claimed: false,
            distrusted: false,
            wrong_since: None,
            measures: LevelMeter::new(),
            held: Held::default(),
            bytes: 0,
            measured_at: None,
        }
    }
}

impl Standing {
    /// A packet of so many bytes arrived, with this claim.
    pub(crate) fn note_packet(&mut self, bytes: usize, claim: Option<LevelDbov>) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(1500) * 16;
        self.bytes = self.bytes - self.bytes / 4 + bytes / 4;
        self.claimed = claim.is_some();
        if let Some(claim) = claim {
            self.claims.feed_level(claim);
            self.claims_level = self.claims.level();
        }
    }

    /// It has stopped sending: nothing of late counts any more.
    pub(crate) fn note_silence(&mut self) {
        self.bytes = 0;
        self.claims = LevelMeter::new();
        self.claims_level = LevelDbov::SILENCE;
    }

    /// One tick of its sound was decoded; returns its level, not smoothed.
    pub(crate) fn measure(&mut self, sound: &Sound, tick: u64) -> LevelDbov {
        let level = if sound.wide {
            self.measures.feed_both(&sound.mid, &sound.side)
        } else {
            self.measures.feed(&sound.mid)
        };
        self.judge(tick);
        level
    }

    /// A tick in which it was not decoded.
    pub(crate) fn miss(&mut self) {
        self.measures.feed_level(LevelDbov::SILENCE);
    }

    /// Some of its late sound was decoded, to learn how loud that is.
    pub(crate) fn sample(&mut self, sampled: LevelMeter, tick: u64) {
        self.measures = sampled;
        self.judge(tick);
    }

    fn judge(&mut self, tick: u64) {
        let level = self.measures.level();
        self.measured_at = Some(tick);
        if level >= self.held.level || tick.saturating_sub(self.held.at) > HOLD_TICKS {
            self.held = Held { level, at: tick };
        }
        if !self.claimed {
            return;
        }
        // Below what matters any two levels are the same.
        let audible = |level: LevelDbov| level.0.max(HUSH.0);
        if audible(level).abs_diff(audible(self.claims_level)) < DISAGREEMENT_DB.unsigned_abs() {
            self.wrong_since = None;
        } else {
            let since = *self.wrong_since.get_or_insert(tick);
            self.distrusted |= tick.saturating_sub(since) >= PATIENCE_TICKS;
        }
    }

    /// What was measured of it has died away.
    pub(crate) fn is_silent(&self) -> bool {
        self.measures.is_silent()
    }

    /// The smoothed measured level.
    pub(crate) fn level(&self) -> LevelDbov {
        self.measures.level()
    }

    /// The loudest measured of late.
    pub(crate) const fn held(&self) -> LevelDbov {
        self.held.level
    }

    /// The smoothed level that it claims, if that is to be believed.
    pub(crate) fn claim(&self) -> Option<LevelDbov> {
        (self.claimed && !self.distrusted).then_some(self.claims_level)
    }

    /// What it sends, it claims to be silence, and as far as is known that is true.
    pub(crate) fn claims_silence(&self) -> bool {
        self.claim().is_some_and(|claim| claim <= HUSH) && self.bytes < SPEECH_BYTES * 16
    }

    /// What it sends, it claims to be too quiet to be heard, and so it was when it was measured last.
    pub(crate) fn is_quiet_as_claimed(&self) -> bool {
        self.measured_at.is_some()
            && self.held.level <= AUDIBLE
            && self.claim().is_some_and(|claim| claim <= AUDIBLE)
    }

    /// The smoothed number of bytes of its packets.
    pub(crate) const fn bytes(&self) -> u32 {
        self.bytes / 16
    }

    /// For how many ticks it has not been measured.
    pub(crate) fn unmeasured(&self, tick: u64) -> u64 {
        self.measured_at.map_or(u64::MAX, |at| tick.saturating_sub(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FRAME_SAMPLES;

    const LOUD: Sound = Sound { mid: [3000; FRAME_SAMPLES], side: [0; FRAME_SAMPLES], wide: false };
    const SILENT: Sound = Sound { mid: [0; FRAME_SAMPLES], ..LOUD };

    fn after(ticks: u64, claim: i8, frame: &Sound) -> Standing {
        let mut standing = Standing::default();
        for tick in 0..ticks {
            standing.note_packet(60, Some(LevelDbov(claim)));
            standing.measure(frame, tick);
        }
        standing
    }

    #[test]
    fn a_claim_that_is_wrong_for_a_second_is_ignored_from_then_on() {
        for (claim, frame) in [(0, SILENT), (-127, LOUD)] {
            assert!(after(50, claim, &frame).claim().is_some(), "{claim} dBov: not at once");
            let mut standing = after(52, claim, &frame);
            assert_eq!(standing.claim(), None, "{claim} dBov");
            // Honesty afterwards is no help.
            for tick in 52..200 {
                standing.note_packet(60, Some(LevelDbov(-21)));
                standing.measure(&LOUD, tick);
            }
            assert_eq!(standing.claim(), None);
        }
    }

    #[test]
    fn an_honest_claim_is_believed_through_the_pauses_of_speech() {
        let mut standing = Standing::default();
        for tick in 0..1000 {
            let (claim, frame) = if tick % 20 < 12 { (-21, &LOUD) } else { (-127, &SILENT) };
            standing.note_packet(60, Some(LevelDbov(claim)));
            standing.measure(frame, tick);
        }
        assert!(standing.claim().is_some());
    }

    #[test]
    fn the_loudest_counts_for_a_while() {
        let mut standing = after(10, -21, &LOUD);
        assert_eq!(standing.held().0, -21);
        let mut tick = 10;
        while standing.held().0 == -21 {
            standing.measure(&SILENT, tick);
            tick += 1;
        }
        assert_eq!((tick - 10) * u64::from(TICK_MS), 620);
        assert!(standing.level().0 < -40);
    }
}
