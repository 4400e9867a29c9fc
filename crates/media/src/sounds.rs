//! The sounds that can be played, made once at the start. When one is played is not decided here, nor are files read.

use std::fmt;
use std::sync::Arc;

use confocal::conference::Sound;
use confocal_mixer::Clip;

/// Sounds of the operator's own: mono samples at 48 kHz. None of them is needed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OwnSounds {
    /// In place of the tone that says to whoever is alone that they are ([`Sound::Alone`]).
    pub alone: Option<Arc<[i16]>>,
    /// Played again and again to whoever is alone in the mix of a conference, until someone else comes. It must not be empty.
    pub music: Option<Arc<[i16]>>,
    /// Heard by the first one who comes in ([`Sound::Opening`]).
    pub opening: Option<Arc<[i16]>>,
    /// Heard by whoever comes in ([`Sound::Welcome`]).
    pub welcome: Option<Arc<[i16]>>,
}

impl fmt::Debug for OwnSounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |sound: &Option<Arc<[i16]>>| sound.as_ref().map(|samples| samples.len());
        f.debug_struct("OwnSounds")
            .field("alone", &length(&self.alone))
            .field("music", &length(&self.music))
            .field("opening", &length(&self.opening))
            .field("welcome", &length(&self.welcome))
            .finish()
    }
}

/// All of them. A clone of one shares its samples.
#[derive(Debug)]
pub(crate) struct Sounds {
    joined: Clip,
    left: Clip,
    alone: Clip,
    opening: Option<Clip>,
    welcome: Option<Clip>,
    recording_started: Clip,
    recording_stopped: Clip,
    recording: Clip,
}

impl Sounds {
    /// Those of the operator's in place of ours, where there are such.
    pub(crate) fn new(own: OwnSounds) -> Self {
        let OwnSounds { alone, music: _, opening, welcome } = own;
        Self {
            joined: Clip::join_tone(),
            left: Clip::leave_tone(),
            alone: alone.map_or_else(Clip::alone_tone, Clip::once),
            opening: opening.map(Clip::once),
            welcome: welcome.map(Clip::once),
            recording_started: Clip::recording_started_tone(),
            recording_stopped: Clip::recording_stopped_tone(),
            recording: Clip::recording_tone(),
        }
    }

    /// One, from its beginning; `None` for one that is the operator's only, where there is none.
    pub(crate) fn clip(&self, sound: Sound) -> Option<Clip> {
        let clip = match sound {
            Sound::Joined => &self.joined,
            Sound::Left => &self.left,
            Sound::Alone => &self.alone,
            Sound::Opening => self.opening.as_ref()?,
            Sound::Welcome => self.welcome.as_ref()?,
            Sound::RecordingStarted => &self.recording_started,
            Sound::RecordingStopped => &self.recording_stopped,
            Sound::Recording => &self.recording,
        };
        Some(clip.clone())
    }
}

#[cfg(test)]
mod tests {
    use confocal_mixer::{FRAME_SAMPLES, Source as _};

    use super::*;

    /// The first sample that is heard of a sound, of which ours begin with silence.
    fn begins(sounds: &Sounds, sound: Sound) -> Option<i16> {
        let mut frame = [0; FRAME_SAMPLES];
        assert!(sounds.clip(sound)?.next_frame(&mut frame));
        Some(frame[0])
    }

    #[test]
    fn the_operators_own_are_played_in_place_of_ours_and_where_there_are_none() {
        let all = [
            Sound::Joined,
            Sound::Left,
            Sound::Alone,
            Sound::Opening,
            Sound::Welcome,
            Sound::RecordingStarted,
            Sound::RecordingStopped,
            Sound::Recording,
        ];
        let ours = Sounds::new(OwnSounds::default());
        let heard = |sounds: &Sounds| all.map(|sound| begins(sounds, sound));
        let tone = Some(0);
        assert_eq!(heard(&ours), [tone, tone, tone, None, None, tone, tone, tone]);
        let own = |sample: i16| Some(vec![sample; 100].into());
        let sounds = OwnSounds { alone: own(1), music: own(2), opening: own(3), welcome: own(4) };
        let sounds = Sounds::new(sounds);
        assert_eq!(heard(&sounds), [tone, tone, Some(1), Some(3), Some(4), tone, tone, tone]);
    }

    #[test]
    fn samples_are_not_written_into_a_log() {
        let long = OwnSounds { music: Some(vec![1; 1000].into()), ..OwnSounds::default() };
        assert_eq!(
            format!("{long:?}"),
            "OwnSounds { alone: None, music: Some(1000), opening: None, welcome: None }"
        );
    }
}
