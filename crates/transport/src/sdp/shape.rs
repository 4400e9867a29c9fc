//! The media lines of a call, as far as every description of ours repeats them: what is in each answer, and in each offer after it.
//!
//! What changes from one description to the next (direction, credentials, candidates) never lives here.

use confocal_video::PictureCodec;
use serde::{Deserialize, Serialize};

use super::direction::Direction;
use super::pictures::{Feedback, PICTURE_LINES, PictureShape};
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
    /// The number of the extension that tells when a packet was sent, on it.
    #[serde(default)]
    pub(crate) send_time: Option<u8>,
    /// The lines are bundled (RFC 8843), so it has to be said which of them stay.
    pub(crate) bundled: bool,
    /// The lines for pictures in use, in the order of [`PictureLine`](super::PictureLine).
    #[serde(default)]
    pub(crate) pictures: [Option<PictureShape>; PICTURE_LINES],
    /// There is a screen to show on the second of them.
    #[serde(default)]
    pub(crate) screen: bool,
}

/// Which way media flows on the lines that are taken, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directions {
    /// On the audio line.
    pub(crate) audio: Direction,
    /// On the lines for pictures; of no meaning where there is none.
    pub(crate) pictures: [Direction; PICTURE_LINES],
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

    /// Whether a line is in use: the audio line, or one for pictures.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn takes(&self, index: usize) -> bool {
        index == self.audio || self.picture_place(index).is_some()
    }

    /// Which of the lines for pictures a line is.
    pub(crate) fn picture_place(&self, index: usize) -> Option<usize> {
        self.pictures.iter().position(|picture| picture.as_ref().is_some_and(|picture| picture.line == index))
    }

    /// The names of the lines in use, the audio line's first: it carries what all of them share (RFC 8843 section 7.2).
    pub(crate) fn bundle(&self) -> impl Iterator<Item = &str> {
        let pictures = self.pictures.iter().flatten().map(|picture| picture.line);
        std::iter::once(self.audio)
            .chain(pictures)
            .filter_map(|line| self.lines.get(line).and_then(|line| line.mid.as_deref()))
    }

    /// What we offer: all that there may be. A client that is on hold, or only listens, says so in its answer.
    pub(crate) const fn offered(&self) -> Directions {
        let screen = if self.screen { Direction::SendRecv } else { Direction::RecvOnly };
        Directions { audio: Direction::SendRecv, pictures: [Direction::SendRecv, screen] }
    }

    /// Adds a line for a screen of ours, coded as pictures are on the other line. Nothing happens where one is there already, or
    /// where lines are not bundled: then there is no way to name it.
    pub(crate) fn add_screen_line(&mut self) {
        let [camera, screen] = &self.pictures;
        if screen.is_some() || !self.bundled {
            return;
        }
        let line = self.lines.len();
        let shape = camera.as_ref().map_or_else(
            || {
                let mut free = (96..128).filter(|number| *number != self.voice.payload_type);
                PictureShape {
                    line,
                    codec: PictureCodec::Vp8,
                    payload_type: free.next().unwrap_or(96),
                    rtx: free.next(),
                    feedback: Feedback::ALL,
                    send_time: self.send_time,
                    mid: None,
                }
            },
            |camera| PictureShape { line, ..camera.clone() },
        );
        // Short, as it may be told in packets; there are at most 64 others.
        let taken = |mid: &String| self.lines.iter().any(|line| line.mid.as_ref() == Some(mid));
        let mid = (0..).map(|number| format!("s{number}")).find(|mid| !taken(mid));
        self.lines.push(Line {
            media: "video".to_owned(),
            proto: "UDP/TLS/RTP/SAVPF".to_owned(),
            format: shape.payload_type.to_string(),
            mid,
        });
        self.pictures[1] = Some(shape);
    }
}
