//! What each part is told, out of the configuration. Reading the file never lives here, nor do defaults.

use std::num::NonZeroUsize;

use anyhow::Context;
use confocal::conference::{
    Config as MachineConfig, EncryptedRooms, Millis, Pattern, Policy, RoomKey, SecondDevice, Tones,
};
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
        tcp: config.media.tcp,
        advertise: config.media.advertise_address,
        ice_lite: config.media.ice_lite,
        allow_private: config.media.allow_private_candidates,
        ..TransportConfig::default()
    };
    let mut engine = EngineConfig { transport, ..EngineConfig::default() };
    if let Some(threads) = config.media.threads {
        engine.shards = threads.into();
    } else if let Some([first, last]) = config.media.ports {
        let ports = usize::from(last.saturating_sub(first)) + 1;
        engine.shards = NonZeroUsize::new(ports).map_or(engine.shards, |ports| ports.min(engine.shards));
    }
    engine.recordings = config.recording.engine();
    engine.legs_max = config.media.max_calls.into();
    engine.mixer.encoder.bitrate = i32::from(config.media.audio_kbits) * 1_000;
    // One conference may have them all.
    engine.mixer.legs_max = engine.legs_max;
    Ok(engine)
}

/// What the machine is told.
pub(crate) fn machine(config: &Config) -> MachineConfig {
    let (conference, policy) = (&config.conference, &config.policy);
    let seconds = |seconds: u32| Millis::from_secs(seconds.into());
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text.as_str())).collect();
    MachineConfig {
        linger: seconds(conference.linger_seconds),
        idle: seconds(conference.idle_seconds),
        media_timeout: seconds(conference.media_timeout_seconds),
        kick_lasts: seconds(conference.kick_lasts_seconds),
        compare_interval: seconds(conference.compare_seconds),
        direct_idle: seconds(conference.direct_idle_seconds),
        audience: conference.audience,
        encrypted_rooms: match conference.encrypted_rooms {
            config::EncryptedRooms::Allow => EncryptedRooms::Allow,
            config::EncryptedRooms::Refuse => EncryptedRooms::Refuse,
        },
        second_device: match conference.second_device {
            config::SecondDevice::Replace => SecondDevice::Replace,
            config::SecondDevice::Add => SecondDevice::Add,
        },
        stay: conference.stay.iter().map(|room| RoomKey::from(room.as_str())).collect(),
        policy: Policy { allow: patterns(&policy.allow), deny: patterns(&policy.deny) },
        speaker: config.speaker.machine(),
        pictures: config.video.machine(),
        discovery: config.discovery.machine(),
        tones: Tones {
            opening: config.sounds.opening.is_some(),
            welcome: config.sounds.welcome.is_some(),
            ..config.tones.machine()
        },
        recordings: config.recording.directory.is_some(),
        limits: config.limits.machine(),
        ..MachineConfig::default()
    }
}

/// Real chance for the machine's names.
pub(crate) fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("the system has no random numbers")?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_configuration_does_not_say_is_the_machines_default() {
        assert_eq!(machine(&Config::default()), MachineConfig::default());
        let (ours, usual) = (engine(&Config::default()).unwrap(), EngineConfig::default());
        assert_eq!(ours.mixer.encoder, usual.mixer.encoder);
    }

    #[test]
    fn the_mixer_is_told_what_a_listeners_sound_may_take() {
        let config: Config = toml::from_str("[media]\naudio_kbits = 48\n").unwrap();
        assert_eq!(engine(&config).unwrap().mixer.encoder.bitrate, 48_000);
    }

    #[test]
    fn the_machine_is_told_what_the_configuration_says() {
        let config: Config = toml::from_str(
            "[conference]\nmedia_timeout_seconds = 7\nkick_lasts_seconds = 8\ndirect_idle_seconds = 9\n\
             compare_seconds = 10\naudience = true\n\
             [policy]\nallow = [\"*:a.org\"]\ndeny = [\"@eve:*\"]\n\
             [speaker]\ndwell_ms = 10\n[video]\ngrid_participants = 12\n[limits]\ninvite_interval_seconds = 11\n\
             [tones]\njoin_and_leave = true\n[sounds]\nwelcome = \"/welcome.wav\"\n[recording]\ndirectory = \"/recordings\"\n",
        )
        .unwrap();
        let machine = machine(&config);
        assert_eq!(
            [machine.media_timeout, machine.kick_lasts, machine.direct_idle, machine.compare_interval],
            [Millis(7_000), Millis(8_000), Millis(9_000), Millis(10_000)]
        );
        assert!(machine.audience && machine.tones.on && machine.recordings);
        assert!(machine.tones.welcome && !machine.tones.opening);
        let recordings = engine(&config).unwrap().recordings.unwrap();
        assert_eq!(recordings.directory.to_str(), Some("/recordings"));
        assert!(machine.policy.allows(&"@anna:a.org".into()));
        assert!(
            !machine.policy.allows(&"@eve:a.org".into()) && !machine.policy.allows(&"@anna:b.org".into())
        );
        assert_eq!(machine.pictures.grid_participants, 12);
        assert_eq!((machine.speaker.dwell, machine.limits.invite_interval), (Millis(10), Millis(11_000)));
    }
}
