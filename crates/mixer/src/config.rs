//! What can be set, with the values that suit a conference of browsers. Nothing is read from files or the environment here.

use crate::codec::{EncoderSettings, Signal};
use crate::level::LevelDbov;

/// How a [`Mixer`](crate::Mixer) behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct MixerConfig {
    /// How the mixes are encoded for those who ask for nothing else.
    pub encoder: EncoderSettings,
    /// How much a leg's packets are delayed to even out the network.
    pub jitter: JitterConfig,
    /// What counts as speech.
    pub speech: SpeechConfig,
    /// Legs at most; beyond it [`AddLegError::Full`](crate::AddLegError::Full). The sum can't overflow below 65 536.
    pub legs_max: usize,
    /// Legs that are heard at a time at most: the loudest. Only those are decoded, so it bounds the cost of a tick, whoever
    /// makes a noise.
    pub hot_max: usize,
    /// Losses that begin in one tick and are concealed by the network at most; any others are in the classic way, which costs
    /// no more than decoding. The network takes 1 to 2 ms for the first frame of a loss, and at times 5.
    pub deep_losses_max: u32,
    /// Bring speakers who are quieter or louder than usual nearer to the others, slowly and by 6 dB at most.
    pub levelling: bool,
    /// How long silence is sent as ordinary frames before it is thinned out, in milliseconds.
    pub silence_after_ms: u32,
    /// The time between two frames of lasting silence, in milliseconds; browsers send their own so.
    pub silence_interval_ms: u32,
    /// How long a new leg gets a frame every tick whatever there is to hear, in milliseconds: clients call a call
    /// connected by the media that arrives.
    pub warm_up_ms: u32,
}

impl Default for MixerConfig {
    fn default() -> Self {
        Self {
            // What senders encoded is encoded once more, so it takes more than theirs not to be heard; and few are encoded.
            encoder: EncoderSettings {
                bitrate: 96_000,
                complexity: 9,
                signal: Signal::Voice,
                ..EncoderSettings::default()
            },
            jitter: JitterConfig::default(),
            speech: SpeechConfig::default(),
            legs_max: 1024,
            hot_max: 4,
            deep_losses_max: 2,
            levelling: true,
            silence_after_ms: 200,
            silence_interval_ms: 400,
            warm_up_ms: 1000,
        }
    }
}

/// The bounds of a [`JitterBuffer`](crate::JitterBuffer), all in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JitterConfig {
    /// The depth before anything is known of the network.
    pub start_depth_ms: u32,
    /// The least depth, on a network without jitter.
    pub min_depth_ms: u32,
    /// The greatest depth. No packet is played that waited longer.
    pub max_depth_ms: u32,
    /// How much lost sound is made up in a row before there is silence.
    pub conceal_ms: u32,
}

impl Default for JitterConfig {
    fn default() -> Self {
        Self { start_depth_ms: 40, min_depth_ms: 10, max_depth_ms: 200, conceal_ms: 100 }
    }
}

/// What counts as speech, on the level of 20 ms frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechConfig {
    /// A frame above this level may be speech.
    pub threshold: LevelDbov,
    /// Someone who speaks goes on speaking as long as frames are above the threshold less this many dB.
    pub hysteresis_db: i8,
    /// How long the level must be above the threshold for speech to begin, in milliseconds. Shorter sounds are clicks.
    pub attack_ms: u32,
    /// How long speech lasts after the level fell, in milliseconds. Shorter pauses are between words.
    pub hangover_ms: u32,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self { threshold: LevelDbov(-45), hysteresis_db: 5, attack_ms: 60, hangover_ms: 400 }
    }
}
