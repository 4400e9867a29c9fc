//! How the pictures of a conference are shown: words that the machine, its moderators and the engine share.
//!
//! Who is shown is decided elsewhere (`pictures.rs`); packets, codecs and tiles never live here.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{LegId, ParticipantId};

/// How the engine shows a conference's pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Each caller is shown who speaks, forwarded as it comes; the speaker is shown who spoke before.
    #[default]
    Speaker,
    /// All are shown side by side, in one composed picture.
    Grid,
}

/// Which layout is wanted, by the operator or a moderator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LayoutChoice {
    /// [`Layout::Speaker`].
    #[default]
    Speaker,
    /// [`Layout::Grid`].
    Grid,
    /// The grid while few are in the conference and the engine has the time for it, else the speaker.
    Auto,
}

/// Whose screen is shown when several share theirs: one at a time in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScreenShares {
    /// The first one's, until it stops.
    #[default]
    One,
    /// The latest one's.
    TakeOver,
}

/// What the engine shows in a conference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// How.
    pub layout: Layout,
    /// Whose camera has the picture; `None`: nobody's is on. Nobody is shown themselves: to this one `before` is for.
    pub speaker: Option<ParticipantId>,
    /// Whose cameras are next, four at the most: those who had the picture before, the last one first, then others in the order
    /// in which they came.
    pub before: Vec<ParticipantId>,
    /// The one leg whose screen is shown.
    pub screen: Option<LegId>,
}
