//! The sounds that can be played, made once at the start. When one is played is not decided here.

use confocal::conference::Sound;
use confocal_mixer::Clip;

/// All of them. A clone of one shares its samples.
#[derive(Debug)]
pub(crate) struct Sounds {
    joined: Clip,
    left: Clip,
    alone: Clip,
    recording_started: Clip,
    recording_stopped: Clip,
    recording: Clip,
}

impl Sounds {
    pub(crate) fn new() -> Self {
        Self {
            joined: Clip::join_tone(),
            left: Clip::leave_tone(),
            alone: Clip::alone_tone(),
            recording_started: Clip::recording_started_tone(),
            recording_stopped: Clip::recording_stopped_tone(),
            recording: Clip::recording_tone(),
        }
    }

    /// One, from its beginning.
    pub(crate) fn clip(&self, sound: Sound) -> Clip {
        let clip = match sound {
            Sound::Joined => &self.joined,
            Sound::Left => &self.left,
            Sound::Alone => &self.alone,
            Sound::RecordingStarted => &self.recording_started,
            Sound::RecordingStopped => &self.recording_stopped,
            Sound::Recording => &self.recording,
        };
        clip.clone()
    }
}
