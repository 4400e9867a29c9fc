//! Who is heard when more speak than are mixed: the loudest, with patience. How loud someone is, is found out elsewhere.

use crate::level::LevelDbov;
use crate::standing::{AUDIBLE, Standing};

/// Who is heard must be outdone by so many dB, or two who are as loud would take turns.
const HYSTERESIS_DB: i8 = 6;

/// One who was measured, and not taken, is not measured again for so long: 100 ms, in which all of what is kept of its sound
/// has been renewed.
const AGAIN_TICKS: u64 = 5;

/// Who was found to be as quiet as it claims is believed for so long, 1 s. Noise takes as many bytes as speech, so most who listen would
/// else be decoded over and over, which costs as much as to hear them.
const FOUND_TRUE_TICKS: u64 = 50;

/// Who claims silence, in packets in which nothing else could be, is believed for so long, 10 s, before it is measured in turn.
const BELIEVED_TICKS: u64 = 500;

/// Someone who sends and is not heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nominee {
    /// The index of the leg.
    pub(crate) at: usize,
    /// How much there is to say for it.
    weight: u64,
    /// It may be heard without being measured before, if there is a place.
    pub(crate) direct: bool,
    /// It is to be measured in its turn.
    pub(crate) again: bool,
    /// It is chosen to be heard.
    pub(crate) chosen: bool,
    /// It claims to be loud enough.
    pub(crate) claims: bool,
    /// How loud it was when it was measured.
    measured: Option<LevelDbov>,
}

impl Nominee {
    /// Someone who sends and is not heard, unless there is no reason to look at it in this tick. `last`: all others go before it.
    pub(crate) fn new(at: usize, standing: &Standing, last: bool, tick: u64) -> Option<Self> {
        let unmeasured = standing.unmeasured(tick);
        // The claim of one who says the truth, or at least has not been found to lie.
        let claim = standing.claim().filter(|&claim| claim > AUDIBLE);
        let again = unmeasured >= believed(standing);
        // Who was found to be loud is not looked at again so soon, and is heard all the same where there is a place.
        if !again && (unmeasured >= BELIEVED_TICKS || standing.held() <= AUDIBLE) {
            return None;
        }
        // Claims come first, by loudness. Then the others in turn, and those sooner whose packets look like speech: one that
        // takes a few bytes is silence or as good as.
        let weight = match claim {
            _ if last => 0,
            Some(claim) => (1 << 62) + (claim.0 as i64 + 128).unsigned_abs(),
            None => {
                let bytes = u64::from(standing.bytes());
                (bytes * bytes + 1).saturating_mul(unmeasured.min(1 << 30)).min((1 << 62) - 1)
            }
        };
        // Who was found to be quiet is measured first; so is who claims to be.
        let known_quiet = unmeasured < u64::MAX && standing.held() <= AUDIBLE && claim.is_none();
        let direct = !known_quiet && !standing.claims_silence();
        let measured = (unmeasured < u64::MAX).then(|| standing.held());
        Some(Self { at, weight, direct, again, chosen: false, claims: claim.is_some(), measured })
    }

    /// The greatest is the first to be heard where there is a place: who claims to be loud by that, then who has never been
    /// measured, then who was loudest; for equal reasons the older leg.
    pub(crate) fn preference(&self) -> (u8, u64, core::cmp::Reverse<usize>) {
        let (class, weight) = match self.measured {
            _ if self.claims => (2, self.weight),
            None => (1, self.weight),
            Some(level) => (0, u64::from(level.0.abs_diff(i8::MIN))),
        };
        (class, weight, core::cmp::Reverse(self.at))
    }

    /// The order in which they are sampled; for equal reasons the older leg's comes first.
    pub(crate) const fn rank(&self) -> (core::cmp::Reverse<u64>, usize) {
        (core::cmp::Reverse(self.weight), self.at)
    }
}

/// For how many ticks what is known of one's loudness is relied on.
fn believed(standing: &Standing) -> u64 {
    if standing.claims_silence() {
        BELIEVED_TICKS
    } else if standing.is_quiet_as_claimed() {
        FOUND_TRUE_TICKS
    } else {
        AGAIN_TICKS
    }
}

/// Whether one who was measured takes the place of another.
pub(crate) const fn outdoes(nominee: LevelDbov, place: LevelDbov) -> bool {
    nominee.0 > AUDIBLE.0 && nominee.0 >= place.0.saturating_add(HYSTERESIS_DB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FRAME_SAMPLES;
    use crate::sound::Sound;

    /// One whose packets are of so many bytes and who claims this level, measured once, in tick 0, with every sample at `sample`.
    fn measured(bytes: usize, claim: Option<i8>, sample: i16) -> Standing {
        let mut standing = Standing::default();
        let sound = Sound { mid: [sample; FRAME_SAMPLES], side: [0; FRAME_SAMPLES], wide: false };
        for _ in 0..50 {
            standing.note_packet(bytes, claim.map(LevelDbov));
        }
        standing.measure(&sound, 0);
        standing
    }

    /// After how many ticks it is measured again.
    fn again(standing: &Standing) -> Option<u64> {
        (0..2 * BELIEVED_TICKS)
            .find(|&tick| Nominee::new(0, standing, false, tick).is_some_and(|it| it.again))
    }

    #[test]
    fn who_is_as_quiet_as_it_claims_is_measured_seldom_and_all_others_often() {
        assert_eq!(again(&measured(8, Some(-127), 0)), Some(BELIEVED_TICKS), "silence");
        assert_eq!(again(&measured(80, Some(-60), 10)), Some(FOUND_TRUE_TICKS), "the noise of a room");
        assert_eq!(again(&measured(80, None, 10)), Some(AGAIN_TICKS), "it claims nothing");
        assert_eq!(again(&measured(80, Some(-60), 3000)), Some(AGAIN_TICKS), "it is louder than it claims");
        assert_eq!(again(&measured(80, Some(-20), 10)), Some(AGAIN_TICKS), "it claims to speak by now");
    }
}
