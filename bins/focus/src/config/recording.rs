//! `[recording]` and `[tones]`: where conferences are recorded, and what is heard besides voices.
//!
//! Who may record never lives here, nor who is told.

use std::path::PathBuf;
use std::time::Duration;

use confocal::conference::{Millis, Tones as MachineTones};
use confocal_media::RecordingConfig;
use serde::Deserialize;

/// Where conferences are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recording {
    /// The directory of the files; without it nothing is recorded.
    pub(crate) directory: Option<PathBuf>,
    /// Days for which a file is kept; 0: for ever.
    pub(crate) keep_days: u32,
}

impl Recording {
    /// As the engine has it.
    pub(crate) fn engine(&self) -> Option<RecordingConfig> {
        let keep = Duration::from_secs(u64::from(self.keep_days) * 24 * 3600);
        let keep = Some(keep).filter(|keep| !keep.is_zero());
        Some(RecordingConfig { directory: self.directory.clone()?, keep })
    }
}

/// What is heard besides voices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tones {
    /// Coming and going is heard.
    pub(crate) join_and_leave: bool,
    /// In conferences of so many participants at most.
    pub(crate) participants: usize,
    /// Seconds after which whoever is alone hears so; 0: never.
    pub(crate) alone_seconds: u32,
}

impl Default for Tones {
    fn default() -> Self {
        let MachineTones { on, participants, .. } = MachineTones::default();
        Self { join_and_leave: on, participants, alone_seconds: 0 }
    }
}

impl Tones {
    /// As the machine has them.
    pub(crate) fn machine(&self) -> MachineTones {
        let alone = Some(self.alone_seconds).filter(|seconds| *seconds > 0);
        MachineTones {
            on: self.join_and_leave,
            participants: self.participants,
            alone_after: alone.map(|seconds| Millis::from_secs(seconds.into())),
            ..MachineTones::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_machines_and_nothing_is_recorded() {
        assert_eq!(Tones::default().machine(), MachineTones::default());
        assert_eq!(Recording::default().engine(), None);
    }

    #[test]
    fn days_and_seconds_are_as_they_are_said_and_0_is_without_end() {
        let recording = |keep_days| Recording { directory: Some("/r".into()), keep_days }.engine().unwrap();
        assert_eq!(recording(0).keep, None);
        assert_eq!(recording(2).keep, Some(Duration::from_secs(172_800)));
        let tones = Tones { join_and_leave: true, participants: 5, alone_seconds: 7 }.machine();
        assert_eq!((tones.on, tones.participants, tones.alone_after), (true, 5, Some(Millis(7000))));
    }
}
