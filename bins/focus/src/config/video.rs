//! `[video]`: whose pictures are shown, and how.
//!
//! Coding pictures never lives here, nor the decision itself.

use confocal::conference::{Millis, Pictures, ScreenShares as MachineScreenShares};
use serde::Deserialize;

/// The settings, with the machine's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Video {
    /// Whose screen is shown when several share theirs.
    pub(crate) screen_shares: ScreenShares,
    /// The least time for which someone has the picture, in milliseconds.
    pub(crate) hold_ms: u32,
}

/// Whose screen is shown when several share theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScreenShares {
    /// The first one's.
    One,
    /// The latest one's.
    TakeOver,
}

impl Default for Video {
    fn default() -> Self {
        let Pictures { screen_shares, hold, .. } = Pictures::default();
        Self {
            screen_shares: match screen_shares {
                MachineScreenShares::One => ScreenShares::One,
                MachineScreenShares::TakeOver => ScreenShares::TakeOver,
            },
            hold_ms: u32::try_from(hold.0).unwrap_or(u32::MAX),
        }
    }
}

impl Video {
    /// As the machine has them. Its other layouts are for engines that compose pictures, which ours does not.
    pub(crate) fn machine(&self) -> Pictures {
        let Self { screen_shares, hold_ms } = *self;
        Pictures {
            screen_shares: match screen_shares {
                ScreenShares::One => MachineScreenShares::One,
                ScreenShares::TakeOver => MachineScreenShares::TakeOver,
            },
            hold: Millis(u64::from(hold_ms)),
            ..Pictures::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_machines() {
        assert_eq!(Video::default().machine(), Pictures::default());
    }

    #[test]
    fn every_choice_is_written_in_a_word() {
        for (word, screens) in
            [("one", MachineScreenShares::One), ("take_over", MachineScreenShares::TakeOver)]
        {
            let video: Video = toml::from_str(&format!("screen_shares = \"{word}\"")).unwrap();
            assert_eq!(video.machine().screen_shares, screens);
        }
        assert!(toml::from_str::<Video>("screen_shares = \"all\"").is_err());
    }
}
