//! What is being played, and to whom. How it comes to a leg's stream is decided elsewhere.

use crate::frame::{FRAME_SAMPLES, Frame, WideFrame};
use crate::key::LegKey;
use crate::mix_bus::MixBus;
use crate::source::Source;

/// Sounds that are played at a time at most: each costs an addition, and one to a single leg an encoding.
const SOUNDS_MAX: usize = 8;

/// A sound that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayKey(u64);

/// Who hears a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All who are sent to.
    All,
    /// One leg, besides all else that it hears.
    Leg(LegKey),
}

/// Why a sound is not played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// Eight are being played.
    #[error("too many sounds are being played")]
    TooMany,
    /// There is no such leg.
    #[error("the leg that is to hear it is not in the mix")]
    NoSuchLeg,
}

/// All sounds of a conference that come from no leg.
#[derive(Debug, Default)]
pub(crate) struct Sounds {
    sounds: Vec<Sound>,
    next: u64,
}

#[derive(Debug)]
struct Sound {
    key: PlayKey,
    to: Audience,
    source: Box<dyn Source>,
    state: State,
    /// What is heard of it in this tick.
    frame: Box<Frame>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Playing,
    /// It dies away in the next tick.
    Stopping,
    /// It died away in this tick.
    Stopped,
    Over,
}

impl Sounds {
    pub(crate) fn play(&mut self, to: Audience, source: Box<dyn Source>) -> Result<PlayKey, PlayError> {
        self.clear_away();
        if self.sounds.len() >= SOUNDS_MAX {
            return Err(PlayError::TooMany);
        }
        let key = PlayKey(self.next);
        self.next += 1;
        let (state, frame) = (State::Playing, Box::new([0; FRAME_SAMPLES]));
        self.sounds.push(Sound { key, to, source, state, frame });
        Ok(key)
    }

    pub(crate) fn stop(&mut self, key: PlayKey) {
        for sound in self.sounds.iter_mut().filter(|sound| sound.key == key) {
            sound.state = State::Stopping;
        }
    }

    pub(crate) fn is_playing(&self, key: PlayKey) -> bool {
        self.sounds.iter().any(|sound| sound.key == key && sound.state != State::Over)
    }

    /// Nothing is played to a leg that is gone.
    pub(crate) fn forget(&mut self, leg: LegKey) {
        self.sounds.retain(|sound| sound.to != Audience::Leg(leg));
    }

    /// None is played.
    pub(crate) fn are_over(&self) -> bool {
        self.sounds.iter().all(|sound| sound.state == State::Over)
    }

    /// Some have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.sounds.iter().any(|sound| sound.state == State::Over)
    }

    /// Lets go of what has ended; not within a tick, as memory is freed.
    pub(crate) fn clear_away(&mut self) {
        self.sounds.retain(|sound| sound.state != State::Over);
    }

    /// Plays one tick: what is for all, onto the bus.
    pub(crate) fn tick(&mut self, bus: &mut MixBus) {
        for sound in &mut self.sounds {
            let ended = matches!(sound.state, State::Stopped | State::Over);
            if ended || !sound.source.next_frame(&mut sound.frame) {
                sound.state = State::Over;
                continue;
            }
            if sound.state == State::Stopping {
                for (n, sample) in (0..).zip(sound.frame.iter_mut()) {
                    *sample = (i32::from(*sample) * (FRAME_SAMPLES as i32 - n) / FRAME_SAMPLES as i32) as i16;
                }
                sound.state = State::Stopped;
            }
            if sound.to == Audience::All {
                bus.contribute_to_all(&sound.frame);
            }
        }
    }

    /// Something is played to this leg alone.
    pub(crate) fn plays_to(&self, leg: LegKey) -> bool {
        self.sounds.iter().any(|sound| sound.to == Audience::Leg(leg) && sound.state != State::Over)
    }

    /// Adds what is played to this leg alone in this tick.
    pub(crate) fn add_to(&self, leg: LegKey, mix: &mut WideFrame) -> bool {
        let mut any = false;
        let own = self.sounds.iter().filter(|sound| sound.to == Audience::Leg(leg));
        for sound in own.filter(|sound| sound.state != State::Over) {
            any = true;
            for (mix, &sample) in mix.iter_mut().zip(sound.frame.iter()) {
                *mix += i32::from(sample);
            }
        }
        any
    }
}
