//! How an engine is set up. Reading configuration files never lives here.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use confocal_mixer::MixerConfig;
use confocal_transport::TransportConfig;

use crate::recordings::RecordingConfig;
use crate::sounds::OwnSounds;

/// Settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Addresses, ports, ICE.
    pub transport: TransportConfig,
    /// Threads that carry packets and mix, each with a UDP port of its own; a conference is on one of them. As many as there are
    /// cores is enough.
    pub shards: NonZeroUsize,
    /// Threads that decode, compose and encode pictures, each started when it has something to do; a conference is on one of them. As
    /// many as there are cores is enough: they yield to everything else.
    pub codec_threads: NonZeroUsize,
    /// Sound.
    pub mixer: MixerConfig,
    /// Where recordings are kept; `None`: no conference is recorded.
    pub recordings: Option<RecordingConfig>,
    /// Sounds in place of ours.
    pub sounds: OwnSounds,
    /// Legs that may exist at once; more are refused as overloaded.
    pub legs_max: usize,
    /// Legs that are set up at the same time; more wait for their turn, so that a crowd arriving doesn't starve those who talk.
    pub setups_max: usize,
}

impl Default for EngineConfig {
    /// A shard and a thread for codecs a core; no recordings; our own sounds; 1,000 legs; 8 set up at once.
    fn default() -> Self {
        Self {
            transport: TransportConfig::default(),
            shards: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            codec_threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            mixer: MixerConfig::default(),
            recordings: None,
            sounds: OwnSounds::default(),
            legs_max: 1_000,
            setups_max: 8,
        }
    }
}
