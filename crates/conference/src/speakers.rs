//! Who has the word, by what is heard: one active speaker with hysteresis, and those before.
//!
//! Measuring sound never lives here, nor who may speak: only voices that are heard are told.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::config::SpeakerConfig;
use crate::id::ParticipantId;
use crate::input::LevelDbov;
use crate::time::Timestamp;

/// How many voices may compete for the word: more than a conversation has, and all that a mixer makes heard at once.
const MAX_VOICES: usize = 16;

/// How loudness is smoothed, in parts of the way to the new level at each report: up at once, down slowly, so that the gaps
/// between words do not count.
const RISE: i32 = 2;
const FALL: i32 = 8;

/// The speakers of one conference. Not a record: after a restart the first words decide anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Speakers {
    /// Of those who speak now; never more than [`MAX_VOICES`].
    voices: Vec<Voice>,
    active: Option<ParticipantId>,
    /// Since when.
    changed: Option<Timestamp>,
    /// One who is louder than the active speaker, and since when.
    challenger: Option<(ParticipantId, Timestamp)>,
    /// The speakers before, the last one first.
    before: VecDeque<ParticipantId>,
}

/// One participant's voice.
#[derive(Clone, Debug)]
struct Voice {
    who: ParticipantId,
    /// Smoothed level, in tenths of a dBov.
    loudness: i32,
    /// Since when they speak without a pause that counts.
    since: Timestamp,
    /// When they were last heard to speak.
    spoke: Timestamp,
}

impl Voice {
    /// They are speaking, or have paused for so short that it does not count.
    fn speaks(&self, config: &SpeakerConfig, now: Timestamp) -> bool {
        now.since(self.spoke) < config.pause
    }
}

impl Speakers {
    /// A voice was measured.
    pub(crate) fn heard(
        &mut self,
        who: ParticipantId,
        level: LevelDbov,
        speaking: bool,
        config: &SpeakerConfig,
        now: Timestamp,
    ) {
        let tenths = i32::from(level.0) * 10;
        let at = match self.voices.iter().position(|voice| voice.who == who) {
            Some(at) => at,
            None if !speaking => return,
            None => return self.begin(Voice { who, loudness: tenths, since: now, spoke: now }),
        };
        let Some(voice) = self.voices.get_mut(at) else { return };
        let part = if tenths > voice.loudness { RISE } else { FALL };
        voice.loudness += (tenths - voice.loudness) / part;
        if speaking {
            if !voice.speaks(config, now) {
                voice.since = now;
            }
            voice.spoke = now;
        }
    }

    /// Decides who has the word. True if that changed.
    pub(crate) fn decide(&mut self, config: &SpeakerConfig, now: Timestamp) -> bool {
        let active = self.active;
        // Only of those who speak now there is something to know, so there are never many.
        self.voices.retain(|voice| voice.speaks(config, now));
        let Some((best, loudness)) = self.loudest(config) else {
            self.challenger = None;
            return false;
        };
        let Some(active) = active else { return self.change(best, config, now) };
        if best == active {
            self.challenger = None;
            return false;
        }
        if self.changed.is_some_and(|changed| now.since(changed) < config.dwell) {
            return false;
        }
        let Some(voice) = self.voices.iter().find(|voice| voice.who == active) else {
            return self.change(best, config, now);
        };
        if loudness < voice.loudness + i32::from(config.margin_db) * 10 {
            self.challenger = None;
            return false;
        }
        match self.challenger {
            Some((who, since)) if who == best => {
                now.since(since) >= config.insist && self.change(best, config, now)
            }
            _ => {
                self.challenger = Some((best, now));
                false
            }
        }
    }

    /// Someone is not heard any more. True if they had the word.
    pub(crate) fn gone(&mut self, who: ParticipantId) -> bool {
        self.voices.retain(|voice| voice.who != who);
        self.before.retain(|before| *before != who);
        self.challenger = self.challenger.filter(|(challenger, _)| *challenger != who);
        let had_it = self.active == Some(who);
        if had_it {
            self.active = None;
        }
        had_it
    }

    pub(crate) const fn active(&self) -> Option<ParticipantId> {
        self.active
    }

    /// Those who had the word before, the last one first.
    pub(crate) fn before(&self) -> Vec<ParticipantId> {
        self.before.iter().copied().collect()
    }

    /// The loudest of those who have spoken for long enough; of equal ones, who came first.
    fn loudest(&self, config: &SpeakerConfig) -> Option<(ParticipantId, i32)> {
        self.voices
            .iter()
            .filter(|voice| voice.spoke.since(voice.since) >= config.onset)
            .max_by_key(|voice| (voice.loudness, core::cmp::Reverse(voice.who)))
            .map(|voice| (voice.who, voice.loudness))
    }

    /// Another one speaks; of too many the one who did so the longest ago is forgotten.
    fn begin(&mut self, voice: Voice) {
        if self.voices.len() >= MAX_VOICES {
            let oldest =
                (0..self.voices.len()).min_by_key(|at| self.voices.get(*at).map(|voice| voice.spoke));
            oldest.map(|at| self.voices.remove(at));
        }
        self.voices.push(voice);
    }

    fn change(&mut self, to: ParticipantId, config: &SpeakerConfig, now: Timestamp) -> bool {
        if let Some(last) = self.active.replace(to) {
            self.before.push_front(last);
        }
        self.before.retain(|before| *before != to);
        self.before.truncate(config.remembered);
        self.changed = Some(now);
        self.challenger = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::time::Millis;

    const ANNA: ParticipantId = ParticipantId(1);
    const BERT: ParticipantId = ParticipantId(2);
    const CARL: ParticipantId = ParticipantId(3);

    /// A conference heard five times a second.
    struct Talk {
        speakers: Speakers,
        config: SpeakerConfig,
        now: Timestamp,
        changes: Vec<(u64, ParticipantId)>,
    }

    impl Talk {
        fn new() -> Self {
            let (speakers, config) = (Speakers::default(), SpeakerConfig::default());
            Self { speakers, config, now: Timestamp::from_unix_millis(0), changes: Vec::new() }
        }

        /// For so long each of these is so loud (dBov); below -60 is not speech.
        fn go_on(&mut self, millis: u64, levels: &[(ParticipantId, i8)]) {
            for _ in 0..millis / 200 {
                self.now = self.now + Millis(200);
                for (who, level) in levels {
                    self.speakers.heard(*who, LevelDbov(*level), *level > -60, &self.config, self.now);
                }
                if self.speakers.decide(&self.config, self.now) {
                    self.changes.extend(self.speakers.active().map(|who| (self.now.as_unix_millis(), who)));
                }
            }
        }
    }

    #[test]
    fn a_word_after_a_pause_takes_over_within_two_seconds_and_a_cough_does_not() {
        let mut talk = Talk::new();
        talk.go_on(3_000, &[(ANNA, -20)]);
        talk.go_on(200, &[(ANNA, -20), (BERT, -3)]);
        talk.go_on(2_000, &[(ANNA, -20), (BERT, -90)]);
        assert_eq!(talk.changes, [(600, ANNA)], "a cough is no word");
        talk.go_on(1_000, &[(ANNA, -90), (BERT, -90)]);
        talk.go_on(200, &[(ANNA, -90), (BERT, -3)]);
        talk.go_on(1_000, &[(ANNA, -90), (BERT, -90)]);
        assert_eq!(talk.changes.len(), 1, "nor in a pause");
        talk.go_on(2_000, &[(ANNA, -90), (BERT, -25)]);
        assert_eq!(talk.changes.len(), 2);
        let (when, who) = talk.changes[1];
        assert!(who == BERT && when <= 7_400 + 1_000, "{when}");
    }

    #[test]
    fn one_who_goes_on_keeps_the_word_unless_another_is_much_louder_for_a_while() {
        let mut talk = Talk::new();
        talk.go_on(3_000, &[(ANNA, -20)]);
        talk.go_on(10_000, &[(ANNA, -20), (BERT, -16)]);
        assert_eq!(talk.changes, [(600, ANNA)], "4 dB is no reason");
        talk.go_on(3_000, &[(ANNA, -30), (BERT, -16)]);
        assert_eq!(talk.changes.len(), 2);
    }

    #[test]
    fn two_who_speak_by_turns_do_not_make_it_flap() {
        let mut talk = Talk::new();
        for _ in 0..20 {
            talk.go_on(400, &[(ANNA, -20), (BERT, -90)]);
            talk.go_on(400, &[(ANNA, -90), (BERT, -20)]);
        }
        for pair in talk.changes.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= 1_000, "{:?}", talk.changes);
        }
    }

    #[test]
    fn who_spoke_before_is_remembered_once_each_and_the_last_first() {
        let mut talk = Talk::new();
        for who in [ANNA, BERT, ANNA, CARL] {
            talk.go_on(3_000, &[(who, -20)]);
        }
        assert_eq!((talk.speakers.active(), talk.speakers.before()), (Some(CARL), vec![ANNA, BERT]));
        assert!(!talk.speakers.gone(ANNA));
        assert!(talk.speakers.gone(CARL));
        assert_eq!((talk.speakers.active(), talk.speakers.before()), (None, vec![BERT]));
    }

    #[test]
    fn of_a_crowd_only_so_many_voices_compete_and_the_last_ones_are_kept() {
        let mut talk = Talk::new();
        for who in 0..40 {
            talk.go_on(200, &[(ParticipantId(who), -20)]);
        }
        assert!(talk.speakers.voices.len() <= 5, "four are spoken of since the pause");
        let crowd: Vec<(ParticipantId, i8)> = (0..40).map(|who| (ParticipantId(who), -20)).collect();
        talk.go_on(200, &crowd);
        assert_eq!(talk.speakers.voices.len(), MAX_VOICES);
        assert_eq!(talk.speakers.voices.last().map(|voice| voice.who), Some(ParticipantId(39)));
    }

    #[test]
    fn silence_leaves_the_word_where_it_was() {
        let mut talk = Talk::new();
        talk.go_on(2_000, &[(ANNA, -20)]);
        talk.go_on(60_000, &[(ANNA, -90), (BERT, -90)]);
        assert_eq!(talk.speakers.active(), Some(ANNA));
        assert!(talk.speakers.voices.len() <= 1);
    }

    /// One setting at a time is looked at to the millisecond, the others out of its way.
    fn plain() -> SpeakerConfig {
        SpeakerConfig {
            onset: Millis(0),
            pause: Millis(10_000),
            margin_db: 6,
            insist: Millis(1_000),
            dwell: Millis(0),
            remembered: 10,
        }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    /// Anna has the word, at -20 dBov; each of the others is heard when and as loud as is said.
    fn anna_and(config: &SpeakerConfig, others: &[(u64, ParticipantId, i8)]) -> Speakers {
        let mut speakers = Speakers::default();
        speakers.heard(ANNA, LevelDbov(-20), true, config, at(0));
        assert!(speakers.decide(config, at(0)));
        for (when, who, level) in others {
            speakers.heard(*who, LevelDbov(*level), true, config, at(*when));
            assert!(!speakers.decide(config, at(*when)), "{who} at {when}");
        }
        speakers
    }

    #[test]
    fn a_voice_is_forgotten_when_its_pause_is_as_long_as_the_setting() {
        let config = SpeakerConfig { pause: Millis(800), ..plain() };
        let mut speakers = anna_and(&config, &[]);
        speakers.decide(&config, at(799));
        assert_eq!(speakers.voices.len(), 1);
        speakers.decide(&config, at(800));
        assert!(speakers.voices.is_empty());
    }

    #[test]
    fn a_level_without_speech_is_no_voice() {
        let mut speakers = Speakers::default();
        speakers.heard(ANNA, LevelDbov(-10), false, &plain(), at(0));
        assert!(speakers.voices.is_empty());
    }

    #[test]
    fn loudness_rises_fast_and_falls_slowly() {
        let mut speakers = Speakers::default();
        let mut loudness = Vec::new();
        for (when, level) in [-40, -20, -40].into_iter().enumerate() {
            speakers.heard(ANNA, LevelDbov(level), true, &plain(), at(20 * when as u64));
            loudness.push(speakers.voices[0].loudness);
        }
        assert_eq!(loudness, [-400, -300, -312]);
    }

    #[test]
    fn one_who_begins_to_speak_anew_must_do_so_for_as_long_as_at_first() {
        let config = SpeakerConfig { onset: Millis(300), pause: Millis(500), ..plain() };
        let mut speakers = Speakers::default();
        for when in [0, 500, 700] {
            speakers.heard(ANNA, LevelDbov(-20), true, &config, at(when));
        }
        assert!(!speakers.decide(&config, at(700)), "200 ms since the pause");
        speakers.heard(ANNA, LevelDbov(-20), true, &config, at(800));
        assert!(speakers.decide(&config, at(800)));
    }

    #[test]
    fn the_word_stays_for_the_dwell_also_when_its_holder_is_silent() {
        let config = SpeakerConfig { pause: Millis(100), dwell: Millis(1_000), ..plain() };
        let mut speakers = anna_and(&config, &[(999, BERT, -20)]);
        assert!(speakers.decide(&config, at(1_000)));
        assert_eq!(speakers.active(), Some(BERT));
    }

    #[test]
    fn one_louder_by_the_margin_takes_over_after_insisting() {
        let mut speakers = anna_and(&plain(), &[(100, BERT, -14)]);
        assert!(!speakers.decide(&plain(), at(1_099)));
        assert!(speakers.decide(&plain(), at(1_100)));
        assert_eq!(speakers.active(), Some(BERT));

        let mut speakers = anna_and(&plain(), &[(100, BERT, -15)]);
        assert!(!speakers.decide(&plain(), at(1_100)), "5 dB are not the margin");
        assert!(!speakers.decide(&plain(), at(9_000)));
    }

    #[test]
    fn each_challenger_insists_for_itself() {
        let mut speakers = anna_and(&plain(), &[(100, BERT, -10), (900, CARL, -5)]);
        assert!(!speakers.decide(&plain(), at(1_100)));
        assert!(speakers.decide(&plain(), at(1_900)));
        assert_eq!(speakers.active(), Some(CARL));
    }

    #[test]
    fn who_is_gone_challenges_no_more_and_the_others_go_on() {
        let both = [(100, CARL, -18), (200, BERT, -10)];
        let mut speakers = anna_and(&plain(), &both);
        assert!(!speakers.gone(CARL));
        assert_eq!(speakers.voices.iter().map(|voice| voice.who).collect::<Vec<_>>(), [ANNA, BERT]);
        assert!(speakers.decide(&plain(), at(1_200)), "it was not the challenger who went");

        let mut speakers = anna_and(&plain(), &both);
        assert!(!speakers.gone(BERT));
        speakers.heard(BERT, LevelDbov(-10), true, &plain(), at(1_200));
        assert!(!speakers.decide(&plain(), at(1_200)), "what was insisted on before is forgotten");
    }
}
