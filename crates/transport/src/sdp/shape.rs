//! The media lines of a call, as far as every description of ours repeats them: what is in each answer, and in each offer after it.
//!
//! What changes from one description to the next (direction, credentials, candidates) never lives here.

use serde::{Deserialize, Serialize};

use super::voice::Voice;

/// The lines of a session: their order is kept for as long as a call goes on (RFC 3264 section 8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The media lines, in order.
    pub(crate) lines: Vec<Line>,
    /// Which of them is the audio line in use.
    pub(crate) audio: usize,
    /// How sound is coded on it.
    #[serde(flatten)]
    pub(crate) voice: Voice,
    /// The number of the audio level extension (RFC 6464) on it.
    pub(crate) level_extension: Option<u8>,
    /// The lines are bundled (RFC 8843), so it has to be said which of them stay.
    pub(crate) bundled: bool,
}

/// One media line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// `audio`, `video`, `application`, …
    pub(crate) media: String,
    /// `UDP/TLS/RTP/SAVPF`, …
    pub(crate) proto: String,
    /// The first format, which a rejection repeats.
    pub(crate) format: String,
    /// Its name (RFC 5888).
    pub(crate) mid: Option<String>,
}

/// The audio line in use: what every description of the other side has to keep of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudioLine {
    /// Its name (RFC 5888).
    pub(crate) mid: Option<String>,
    /// How sound is coded on it.
    pub(crate) voice: Voice,
}

impl Shape {
    /// The audio line in use.
    pub(crate) fn audio_line(&self) -> AudioLine {
        AudioLine { mid: self.audio_mid().map(str::to_owned), voice: self.voice }
    }

    /// The name of the audio line.
    pub(crate) fn audio_mid(&self) -> Option<&str> {
        self.lines.get(self.audio).and_then(|line| line.mid.as_deref())
    }

    /// Whether a line is in use: the audio line, and no other.
    pub(crate) const fn takes(&self, index: usize) -> bool {
        index == self.audio
    }
}
