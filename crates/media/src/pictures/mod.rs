//! The pictures of a shard's conferences, beside their sound and on the same thread: whose are seen by whom, forwarded as they come.
//!
//! - [`PictureDesk`] has all conferences, and the packets that wait to be forwarded (`queue`): the mix goes before them.
//! - `room` is one conference: its legs' lines, and what is to be done for them at each tick; `watching` decides who sees whom.
//! - `sender` is one line on which a caller sends pictures, `viewer` one on which a caller is sent some.
//! - `composed` is what the studio makes for one conference, `arranging` says what it shows; to viewers it is one more sender.
//!
//! Codecs never live here, nor who may be seen: that is told (`View`).

mod arranging;
mod composed;
mod desk;
mod kept;
mod lips;
mod queue;
mod room;
mod seated;
mod sender;
#[cfg(test)]
mod tests;
mod viewer;
mod watching;

pub(crate) use composed::Composing;
pub(crate) use desk::PictureDesk;
pub(crate) use kept::KeptPacket;
pub(crate) use lips::Played;
pub(crate) use seated::PictureSeat;

use std::collections::BTreeMap;

use confocal::conference::{StreamInfo, StreamMetadata, StreamPurpose};
use confocal_transport::{Direction, PictureLine, PictureTerms};

/// What was agreed on a leg's lines for pictures, and what the caller says they are of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PictureLines {
    lines: [Option<LineTerms>; 2],
    /// The caller says that there is nothing to hear.
    silent: bool,
}

/// The same of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineTerms {
    pub(crate) terms: PictureTerms,
    /// What the caller sends on it.
    pub(crate) purpose: StreamPurpose,
    /// The caller says that there is nothing to see.
    pub(crate) muted: bool,
}

impl PictureLines {
    /// `held`: nothing flows on any of them, whatever was agreed on. A stream of which the caller says nothing is its camera's.
    pub(crate) fn new(terms: [Option<PictureTerms>; 2], held: bool, said: Option<&StreamMetadata>) -> Self {
        let described: BTreeMap<&str, &StreamInfo> =
            said.into_iter().flatten().map(|(id, info)| (id.as_str(), info)).collect();
        let voice = |info: &&&StreamInfo| info.purpose == StreamPurpose::UserMedia;
        let silent = described.values().find(voice).is_some_and(|info| info.audio_muted);
        let lines = terms.map(|terms| {
            let mut terms = terms?;
            if held {
                terms.direction = Direction::Inactive;
            }
            let info = terms.theirs.as_deref().and_then(|stream| described.get(stream));
            let purpose = info.map_or(StreamPurpose::UserMedia, |info| info.purpose);
            Some(LineTerms { muted: info.is_some_and(|info| info.video_muted), purpose, terms })
        });
        Self { lines, silent }
    }

    /// The caller sends pictures for that purpose.
    pub(crate) fn sends(&self, purpose: StreamPurpose) -> bool {
        let sends = |line: &LineTerms| line.terms.direction.receives() && line.purpose == purpose;
        self.lines.iter().flatten().any(sends)
    }

    /// The caller can be sent pictures.
    pub(crate) fn receives(&self) -> bool {
        self.lines.iter().flatten().any(|line| line.terms.direction.sends())
    }

    /// There is a line for pictures.
    pub(crate) fn are_there(&self) -> bool {
        self.lines.iter().any(Option::is_some)
    }

    fn line(&self, line: PictureLine) -> Option<&LineTerms> {
        self.lines.get(line.index()).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod line_tests {
    use confocal::conference::StreamId;
    use confocal_transport::PictureCodec;

    use super::*;

    fn terms(theirs: Option<&str>, direction: Direction) -> Option<PictureTerms> {
        let theirs = theirs.map(str::to_owned);
        Some(PictureTerms { codec: PictureCodec::Vp8, direction, theirs, ours: "ours".to_owned() })
    }

    fn said(video_muted: bool) -> StreamMetadata {
        let info = |purpose| StreamInfo { purpose, audio_muted: false, video_muted };
        StreamMetadata::from([
            (StreamId::new("face".to_owned()), info(StreamPurpose::UserMedia)),
            (StreamId::new("screen".to_owned()), info(StreamPurpose::ScreenShare)),
        ])
    }

    #[test]
    fn what_a_line_is_of_is_said_by_its_streams_metadata() {
        let both = [terms(Some("screen"), Direction::SendRecv), terms(Some("face"), Direction::RecvOnly)];
        let lines = PictureLines::new(both.clone(), false, Some(&said(false)));
        let purpose = |line| lines.line(line).unwrap().purpose;
        assert_eq!(purpose(PictureLine::Camera), StreamPurpose::ScreenShare, "whichever line it is on");
        assert_eq!(purpose(PictureLine::Screen), StreamPurpose::UserMedia);
        assert!(lines.sends(StreamPurpose::ScreenShare) && lines.receives());
        let silent = PictureLines::new(both.clone(), false, None);
        assert!(!silent.sends(StreamPurpose::ScreenShare), "who says nothing sends a camera");
        let held = PictureLines::new(both, true, Some(&said(false)));
        assert!(!held.sends(StreamPurpose::UserMedia) && !held.receives());
    }

    #[test]
    fn a_camera_goes_off_and_on_by_what_is_said() {
        for muted in [true, false] {
            let one = [terms(Some("face"), Direction::SendRecv), None];
            let lines = PictureLines::new(one, false, Some(&said(muted)));
            assert_eq!(lines.line(PictureLine::Camera).unwrap().muted, muted);
            assert!(!lines.silent);
        }
    }

    #[test]
    fn a_microphone_that_is_off_is_known_with_pictures_or_without() {
        let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: true, video_muted: true };
        let said = StreamMetadata::from([(StreamId::new("voice".to_owned()), info)]);
        assert!(PictureLines::new([None, None], false, Some(&said)).silent);
    }
}
