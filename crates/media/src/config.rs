//! How an engine is set up. Reading configuration files never lives here.

use confocal_mixer::MixerConfig;
use confocal_transport::TransportConfig;

/// Settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Addresses, ports, ICE.
    pub transport: TransportConfig,
    /// Sound.
    pub mixer: MixerConfig,
    /// Legs that may exist at once; more are refused as overloaded.
    pub legs_max: usize,
    /// Legs that are set up at the same time; more wait for their turn, so that a crowd arriving doesn't starve those who talk.
    pub setups_max: usize,
}

impl Default for EngineConfig {
    /// 500 legs, which is what sessions with sockets of their own carry on two cores; 8 set up at once.
    fn default() -> Self {
        Self {
            transport: TransportConfig::default(),
            mixer: MixerConfig::default(),
            legs_max: 500,
            setups_max: 8,
        }
    }
}
