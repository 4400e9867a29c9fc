//! `[video]`: whose pictures are shown, and how.
//!
//! Coding pictures never lives here, nor the decision itself.

use confocal::conference::{LayoutChoice, Millis, Pictures, ScreenShares as MachineScreenShares};
use serde::Deserialize;

/// The settings, with the machine's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Video {
    /// The layout that conferences begin with.
    pub(crate) layout: Layout,
    /// The grid of `auto` is for so many participants at most.
    pub(crate) grid_participants: usize,
    /// Whose screen is shown when several share theirs.
    pub(crate) screen_shares: ScreenShares,
    /// The least time for which someone has the picture, in milliseconds.
    pub(crate) hold_ms: u32,
}

/// The layout that conferences begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// Who speaks.
    Speaker,
    /// All side by side.
    Grid,
    /// The grid while few are there and the machine has the time for it.
    Auto,
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
        let Pictures { layout, grid_participants, screen_shares, hold } = Pictures::default();
        Self {
            layout: match layout {
                LayoutChoice::Speaker => Layout::Speaker,
                LayoutChoice::Grid => Layout::Grid,
                LayoutChoice::Auto => Layout::Auto,
            },
            grid_participants,
            screen_shares: match screen_shares {
                MachineScreenShares::One => ScreenShares::One,
                MachineScreenShares::TakeOver => ScreenShares::TakeOver,
            },
            hold_ms: u32::try_from(hold.0).unwrap_or(u32::MAX),
        }
    }
}

impl Video {
    /// As the machine has them.
    pub(crate) const fn machine(&self) -> Pictures {
        let Self { layout, grid_participants, screen_shares, hold_ms } = *self;
        Pictures {
            layout: match layout {
                Layout::Speaker => LayoutChoice::Speaker,
                Layout::Grid => LayoutChoice::Grid,
                Layout::Auto => LayoutChoice::Auto,
            },
            grid_participants,
            screen_shares: match screen_shares {
                ScreenShares::One => MachineScreenShares::One,
                ScreenShares::TakeOver => MachineScreenShares::TakeOver,
            },
            hold: Millis(hold_ms as u64),
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
        for (word, layout) in
            [("speaker", LayoutChoice::Speaker), ("grid", LayoutChoice::Grid), ("auto", LayoutChoice::Auto)]
        {
            let video: Video = toml::from_str(&format!("layout = \"{word}\"")).unwrap();
            assert_eq!(video.machine().layout, layout);
        }
        for (word, screens) in
            [("one", MachineScreenShares::One), ("take_over", MachineScreenShares::TakeOver)]
        {
            let video: Video = toml::from_str(&format!("screen_shares = \"{word}\"")).unwrap();
            assert_eq!(video.machine().screen_shares, screens);
        }
        assert!(toml::from_str::<Video>("layout = \"circle\"").is_err());
    }
}
