//! What each part is told, out of the configuration. Reading the file never lives here, nor do defaults.

use anyhow::Context;
use confocal::conference::{Config as MachineConfig, Limits, Millis, RoomKey, SecondDevice};
use confocal_media::EngineConfig;
use confocal_signalling::{AdapterConfig, FocusIdScheme, Secret};
use confocal_transport::{PortRange, TransportConfig};
use ruma_common::ServerName;

use crate::config::{self, Config};

/// What the Matrix side is told.
pub(crate) fn adapter(config: &Config) -> anyhow::Result<AdapterConfig> {
    Ok(AdapterConfig {
        homeserver_url: config.homeserver.url.clone(),
        as_token: Secret::new(config.appservice.as_token.expose()),
        hs_token: Secret::new(config.appservice.hs_token.expose()),
        appservice_id: config.appservice.id.clone(),
        sender_localpart: config.appservice.sender_localpart.clone(),
        scheme: scheme(config)?,
    })
}

/// Which users are focus users.
pub(crate) fn scheme(config: &Config) -> anyhow::Result<FocusIdScheme> {
    let server = ServerName::parse(&config.homeserver.server_name).context("homeserver.server_name")?;
    FocusIdScheme::new(config.appservice.focus_prefixes.clone(), server).context("appservice.focus_prefixes")
}

/// What the engine is told.
pub(crate) fn engine(config: &Config) -> anyhow::Result<EngineConfig> {
    let ports = config
        .media
        .ports
        .map(|[first, last]| PortRange::new(first, last))
        .transpose()
        .context("media.ports")?;
    let transport = TransportConfig {
        listen: config.media.listen.clone(),
        ports,
        advertise: config.media.advertise_address,
        ice_lite: config.media.ice_lite,
        allow_private: config.media.allow_private_candidates,
        ..TransportConfig::default()
    };
    let mut engine = EngineConfig { transport, ..EngineConfig::default() };
    engine.legs_max = config.media.max_calls.into();
    // One conference may have them all.
    engine.mixer.legs_max = engine.legs_max;
    Ok(engine)
}

/// What the machine is told.
pub(crate) fn machine(config: &Config) -> MachineConfig {
    let conference = &config.conference;
    MachineConfig {
        linger: Millis::from_secs(conference.linger_seconds.into()),
        idle: Millis::from_secs(conference.idle_seconds.into()),
        second_device: match conference.second_device {
            config::SecondDevice::Replace => SecondDevice::Replace,
            config::SecondDevice::Add => SecondDevice::Add,
        },
        stay: conference.stay.iter().map(|room| RoomKey::from(room.as_str())).collect(),
        limits: Limits {
            legs_per_conference: conference.max_calls,
            conferences: conference.max_conferences,
            ..Limits::default()
        },
        ..MachineConfig::default()
    }
}

/// Real chance for the machine's names.
pub(crate) fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    Ok(u64::from_ne_bytes(bytes))
}
