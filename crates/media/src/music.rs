//! Music for whoever is alone in a conference's mix: begun when they have been for a moment, ended when someone comes.
//!
//! What it sounds like never lives here, nor what else is played: that interrupts it.

use std::time::Duration;

use confocal::conference::{LegId, ParticipantId};
use confocal_mixer::{Audience, Clip, LegKey, Mixer, PlayKey};
use tracing::debug;

/// One who has just come in hears first what is played to them for it, which is commanded a moment later.
const QUIET: Duration = Duration::from_secs(1);

/// The music of one conference.
#[derive(Debug, Default)]
pub(crate) struct Music {
    /// Without it nothing is ever played.
    clip: Option<Clip>,
    /// Since when there was reason to play it.
    since: Option<Duration>,
    playing: Vec<(LegId, PlayKey)>,
    /// What else is played: there is room for a few at a time.
    others: Vec<PlayKey>,
}

impl Music {
    pub(crate) fn new(clip: Option<Clip>) -> Self {
        Self { clip, ..Self::default() }
    }

    /// Something else is played now, or someone has come in.
    pub(crate) fn pause(&mut self, mixer: &mut Mixer) {
        self.since = None;
        for (_, key) in self.playing.drain(..) {
            mixer.stop_playing(key);
        }
    }

    /// Something else is played, which it has to wait for.
    pub(crate) fn wait_for(&mut self, other: PlayKey) {
        if self.clip.is_some() {
            self.others.push(other);
        }
    }

    /// Looks who is in the mix, and begins or ends it. It is played to each leg by itself, so that it is in no recording.
    pub(crate) fn look<L>(&mut self, mixer: &mut Mixer, legs: L, now: Duration)
    where
        L: Iterator<Item = (LegId, ParticipantId)> + Clone,
    {
        let Some(clip) = &self.clip else { return };
        self.others.retain(|other| mixer.is_playing(*other));
        if !self.others.is_empty() || !is_one(legs.clone()) {
            return self.pause(mixer);
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) < QUIET {
            return;
        }
        self.playing.retain(|(_, key)| mixer.is_playing(*key));
        for (leg, _) in legs {
            if self.playing.iter().any(|(to, _)| *to == leg) {
                continue;
            }
            match mixer.play(Audience::Leg(LegKey(leg.0)), Box::new(clip.clone())) {
                Ok(key) => self.playing.push((leg, key)),
                // It is tried again at the next look.
                Err(error) => debug!(%leg, %error, "music is not played"),
            }
        }
    }
}

/// There is one participant, by however many legs.
fn is_one(mut legs: impl Iterator<Item = (LegId, ParticipantId)>) -> bool {
    let first = legs.next();
    first.is_some_and(|(_, first)| legs.all(|(_, other)| other == first))
}

#[cfg(test)]
mod tests {
    use confocal_mixer::{Micros, MixerConfig, SpeakerKey};

    use super::*;

    /// A mixer and its music, looked at each half second.
    struct Played {
        mixer: Mixer,
        music: Music,
        legs: Vec<(LegId, ParticipantId)>,
        now: Duration,
    }

    impl Played {
        fn new(clip: Option<Clip>) -> Self {
            let mixer = Mixer::new(MixerConfig::default());
            Self { mixer, music: Music::new(clip), legs: Vec::new(), now: Duration::ZERO }
        }

        fn comes(&mut self, leg: u64, participant: u64) {
            self.mixer.add_leg(LegKey(leg), SpeakerKey(participant)).unwrap();
            self.legs.push((LegId(leg), ParticipantId(participant)));
            self.music.pause(&mut self.mixer);
        }

        fn goes(&mut self, leg: u64) {
            self.mixer.remove_leg(LegKey(leg));
            self.legs.retain(|(id, _)| id.0 != leg);
        }

        fn plays(&mut self, clip: Clip) {
            self.music.pause(&mut self.mixer);
            let key = self.mixer.play(Audience::All, Box::new(clip)).unwrap();
            self.music.wait_for(key);
        }

        /// After a further half second: the legs that hear music.
        fn hear(&mut self) -> Vec<u64> {
            for _ in 0..25 {
                self.now += Duration::from_millis(20);
                let now = Micros(self.now.as_micros() as u64);
                self.mixer.tick(now, |_, _| {});
            }
            self.music.look(&mut self.mixer, self.legs.iter().copied(), self.now);
            let playing = self.music.playing.iter().filter(|(_, key)| self.mixer.is_playing(*key));
            playing.map(|(leg, _)| leg.0).collect()
        }
    }

    const NONE: Vec<u64> = Vec::new();

    fn clip() -> Option<Clip> {
        Some(Clip::repeated(vec![500; 4_000].into()))
    }

    #[test]
    fn whoever_is_alone_hears_it_by_all_their_legs_until_someone_comes_and_again_when_they_have_gone() {
        let mut played = Played::new(clip());
        assert_eq!(played.hear(), NONE, "nobody is there");
        played.comes(1, 1);
        assert_eq!([played.hear(), played.hear(), played.hear()], [NONE, NONE, vec![1]]);
        played.comes(2, 1);
        assert_eq!([played.hear(), played.hear(), played.hear()], [NONE, NONE, vec![1, 2]]);
        played.comes(3, 2);
        assert_eq!([played.hear(), played.hear(), played.hear(), played.hear()], [NONE; 4]);
        played.goes(1);
        played.goes(2);
        assert_eq!([played.hear(), played.hear(), played.hear()], [NONE, NONE, vec![3]]);
    }

    #[test]
    fn other_sounds_interrupt_it() {
        let mut played = Played::new(clip());
        played.comes(1, 1);
        for _ in 0..3 {
            played.hear();
        }
        // 1.2 s.
        played.plays(Clip::once(vec![500; 57_600].into()));
        let heard: Vec<_> = (0..6).map(|_| played.hear()).collect();
        assert_eq!(heard, [NONE, NONE, NONE, NONE, vec![1], vec![1]]);
    }

    #[test]
    fn without_any_none_is_played_and_nothing_kept() {
        let mut played = Played::new(None);
        played.comes(1, 1);
        played.plays(Clip::join_tone());
        assert_eq!([played.hear(), played.hear(), played.hear()], [NONE; 3]);
        assert!(played.music.others.is_empty() && played.music.since.is_none());
    }
}
