//! What must be known of a session to set up another one in its place after it was lost, as by a crash.
//!
//! It is text for whoever keeps it and is read here alone. Secrets (ICE credentials, keys) and addresses are not in it: the new
//! session has its own.

use serde::{Deserialize, Serialize};

use super::own::OwnLines;
use super::pictures::PICTURE_LINES;
use super::shape::Shape;

/// A session as it was described last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memo {
    /// The session's number in `o=`.
    pub(crate) session: u64,
    /// The version of our last description.
    pub(crate) version: u64,
    /// Our stream's id: a client goes on playing a stream that it knows.
    pub(crate) stream: String,
    /// Our track's id.
    pub(crate) track: String,
    /// The caller has listened: not to listen any more is to hold.
    pub(crate) has_listened: bool,
    /// The lines.
    pub(crate) shape: Shape,
    /// The streams and tracks of pictures; none in memos of a time when only voice was taken.
    #[serde(default)]
    pub(crate) pictures: Option<[PictureNames; PICTURE_LINES]>,
}

/// The names of what is sent on a line for pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PictureNames {
    pub(crate) stream: String,
    pub(crate) track: String,
}

/// A memo that no session of ours wrote.
#[derive(Debug, thiserror::Error)]
#[error("the memo of a lost session can't be read")]
pub struct MemoError(#[source] serde_json::Error);

impl Memo {
    /// Of a session that has described itself by `lines` and `shape`.
    pub(crate) fn of(lines: &OwnLines, shape: &Shape, has_listened: bool) -> Self {
        Self {
            session: lines.session,
            version: lines.version,
            stream: lines.stream.clone(),
            track: lines.track.clone(),
            has_listened,
            shape: shape.clone(),
            pictures: Some(
                lines
                    .pictures
                    .each_ref()
                    .map(|own| PictureNames { stream: own.stream.clone(), track: own.track.clone() }),
            ),
        }
    }

    /// The form in which it is kept.
    pub(crate) fn to_text(&self) -> String {
        // Numbers, texts and lists of them: nothing in it can fail to be written. Should it all the same, the memo can't be read.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    ///
    /// [`MemoError`].
    pub(crate) fn parse(text: &str) -> Result<Self, MemoError> {
        serde_json::from_str(text).map_err(MemoError)
    }
}
