//! Our descriptions as the caller gets them, answers and offers: its own lines in its own order, those in use that are taken.
//!
//! Nothing of it is decided here: what is ours comes as [`LocalTransport`] from the connection, the rest from the caller's offer.

use std::fmt::Write as _;
use std::io::Cursor;

use rtc::sdp::SessionDescription;

use super::direction::Direction;
use super::offer::{AUDIO_LEVEL_URI, MID_URI, SEND_TIME_URI};
use super::pictures::{PICTURE_LINES, PictureShape, parameters, rtpmap};
use super::shape::{Directions, Line, Shape};
use super::voice::{AudioCodec, Voice};
use crate::session::AnswerError;

/// Our side's transport, as the WebRTC stack describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalTransport {
    ufrag: String,
    pwd: String,
    fingerprint: String,
    setup: String,
    candidates: Vec<String>,
}

impl LocalTransport {
    /// Reads it out of the stack's local description, but for the candidates, without `candidate:`.
    pub(crate) fn read(description: &str, candidates: Vec<String>) -> Result<Self, AnswerError> {
        let session = SessionDescription::unmarshal(&mut Cursor::new(description))
            .map_err(|_| AnswerError::Incomplete("a readable form"))?;
        let media = session.media_descriptions.first().ok_or(AnswerError::Incomplete("a media line"))?;
        let value = |key: &'static str| {
            let of_media = media.attribute(key).flatten();
            let of_session = || session.attribute(key).map(String::as_str);
            of_media.or_else(of_session).map(str::to_owned).ok_or(AnswerError::Incomplete(key))
        };
        if candidates.is_empty() {
            return Err(AnswerError::NoCandidate);
        }
        Ok(Self {
            ufrag: value("ice-ufrag")?,
            pwd: value("ice-pwd")?,
            fingerprint: value("fingerprint")?,
            setup: value("setup")?,
            candidates,
        })
    }

    /// For an offer while a session goes on: the roles stay, but it is the answer that says so (RFC 8842 section 5.3).
    pub(crate) fn offering(self) -> Self {
        Self { setup: "actpass".to_owned(), ..self }
    }

    /// The name by which checks call us.
    pub(crate) fn ufrag(&self) -> &str {
        &self.ufrag
    }
}

/// What is the same in all descriptions of a session, and the count of them.
#[derive(Clone, Debug)]
pub(crate) struct OwnLines {
    /// The session's number in `o=`, below 2^63 (RFC 8829 section 5.2.1).
    pub(crate) session: u64,
    /// The number of the description (RFC 3264 section 8: each is one more than the one before).
    pub(crate) version: u64,
    /// The stream's id (RFC 8830).
    pub(crate) stream: String,
    /// The track's id.
    pub(crate) track: String,
    /// Our SSRC.
    pub(crate) ssrc: u32,
    /// Our canonical name (RFC 3550 section 6.5.1).
    pub(crate) cname: String,
    /// We only answer connectivity checks.
    pub(crate) ice_lite: bool,
    /// What is sent on the lines for pictures.
    pub(crate) pictures: [OwnPictures; PICTURE_LINES],
}

/// What is ours on a line for pictures.
#[derive(Clone, Debug)]
pub(crate) struct OwnPictures {
    /// The stream's id.
    pub(crate) stream: String,
    /// The track's id.
    pub(crate) track: String,
    /// Our SSRC.
    pub(crate) ssrc: u32,
    /// That of packets that are sent again (RFC 4588).
    pub(crate) rtx: u32,
}

impl OwnLines {
    /// Writes an answer (RFC 8829 section 5.3.1) or a further offer (section 5.2.2): the lines in use, in `directions` as seen
    /// from us, every other rejected by port 0.
    pub(crate) fn write(&self, shape: &Shape, directions: &Directions, local: &LocalTransport) -> String {
        let mut sdp = Writer(String::with_capacity(4096));
        sdp.line(format_args!("v=0"));
        sdp.line(format_args!("o=- {} {} IN IP4 127.0.0.1", self.session, self.version));
        sdp.line(format_args!("s=-"));
        sdp.line(format_args!("t=0 0"));
        if shape.bundled {
            let mids: Vec<&str> = shape.bundle().collect();
            sdp.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
        }
        if self.ice_lite {
            sdp.line(format_args!("a=ice-lite"));
        }
        sdp.line(format_args!("a=msid-semantic: WMS {}", self.stream));
        for (index, line) in shape.lines.iter().enumerate() {
            if index == shape.audio {
                self.audio(&mut sdp, shape, directions.audio, local, line);
            } else if let Some(place) = shape.picture_place(index)
                && let Some(Some(picture)) = shape.pictures.get(place)
            {
                let (direction, own) = (directions.pictures[place], &self.pictures[place]);
                self.pictures(&mut sdp, picture, own, direction, local, line);
            } else {
                sdp.line(format_args!("m={} 0 {} {}", line.media, line.proto, line.format));
                sdp.line(format_args!("c=IN IP4 0.0.0.0"));
                sdp.line(format_args!("a=inactive"));
                if let Some(mid) = &line.mid {
                    sdp.line(format_args!("a=mid:{mid}"));
                }
            }
        }
        sdp.0
    }

    fn audio(
        &self,
        sdp: &mut Writer,
        shape: &Shape,
        direction: Direction,
        local: &LocalTransport,
        line: &Line,
    ) {
        let Voice { codec, payload_type, .. } = shape.voice;
        sdp.line(format_args!("m=audio 9 {} {payload_type}", line.proto));
        sdp.line(format_args!("c=IN IP4 0.0.0.0"));
        sdp.line(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        for candidate in &local.candidates {
            sdp.line(format_args!("a=candidate:{candidate}"));
        }
        sdp.line(format_args!("a=end-of-candidates"));
        sdp.transport(local);
        if let Some(mid) = &line.mid {
            sdp.line(format_args!("a=mid:{mid}"));
        }
        if let Some(id) = shape.level_extension {
            sdp.line(format_args!("a=extmap:{id} {AUDIO_LEVEL_URI}"));
        }
        sdp.line(format_args!("a={direction}"));
        if direction.sends() {
            sdp.line(format_args!("a=msid:{} {}", self.stream, self.track));
        }
        sdp.line(format_args!("a=rtcp-mux"));
        sdp.line(format_args!("a=rtpmap:{payload_type} {}", codec.rtpmap()));
        if codec == AudioCodec::Opus {
            sdp.line(format_args!("a=fmtp:{payload_type} {}", shape.voice.opus_parameters()));
        }
        if direction.sends() {
            sdp.line(format_args!("a=ssrc:{} cname:{}", self.ssrc, self.cname));
        }
    }

    fn pictures(
        &self,
        sdp: &mut Writer,
        picture: &PictureShape,
        own: &OwnPictures,
        direction: Direction,
        local: &LocalTransport,
        line: &Line,
    ) {
        let number = picture.payload_type;
        match picture.rtx {
            Some(again) => sdp.line(format_args!("m=video 9 {} {number} {again}", line.proto)),
            None => sdp.line(format_args!("m=video 9 {} {number}", line.proto)),
        }
        sdp.line(format_args!("c=IN IP4 0.0.0.0"));
        sdp.line(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        // Being bundled it has no need of them, but there are clients that ask each line.
        sdp.transport(local);
        if let Some(mid) = &line.mid {
            sdp.line(format_args!("a=mid:{mid}"));
        }
        for (id, uri) in [(picture.send_time, SEND_TIME_URI), (picture.mid, MID_URI)] {
            if let Some(id) = id {
                sdp.line(format_args!("a=extmap:{id} {uri}"));
            }
        }
        sdp.line(format_args!("a={direction}"));
        if direction.sends() {
            sdp.line(format_args!("a=msid:{} {}", own.stream, own.track));
        }
        sdp.line(format_args!("a=rtcp-mux"));
        sdp.line(format_args!("a=rtpmap:{number} {}", rtpmap(picture.codec)));
        for name in picture.feedback.names() {
            sdp.line(format_args!("a=rtcp-fb:{number} {name}"));
        }
        if let Some(parameters) = parameters(picture.codec) {
            sdp.line(format_args!("a=fmtp:{number} {parameters}"));
        }
        if let Some(again) = picture.rtx {
            sdp.line(format_args!("a=rtpmap:{again} rtx/90000"));
            sdp.line(format_args!("a=fmtp:{again} apt={number}"));
        }
        if direction.sends() {
            if picture.rtx.is_some() {
                sdp.line(format_args!("a=ssrc-group:FID {} {}", own.ssrc, own.rtx));
            }
            sdp.line(format_args!("a=ssrc:{} cname:{}", own.ssrc, self.cname));
            if picture.rtx.is_some() {
                sdp.line(format_args!("a=ssrc:{} cname:{}", own.rtx, self.cname));
            }
        }
    }
}

/// Lines that end as RFC 8866 section 5 wants.
struct Writer(String);

impl Writer {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into a String can't fail.
        let _ = self.0.write_fmt(text);
        self.0.push_str("\r\n");
    }

    /// What all lines in use share.
    fn transport(&mut self, local: &LocalTransport) {
        self.line(format_args!("a=ice-ufrag:{}", local.ufrag));
        self.line(format_args!("a=ice-pwd:{}", local.pwd));
        self.line(format_args!("a=ice-options:trickle"));
        self.line(format_args!("a=fingerprint:{}", local.fingerprint));
        self.line(format_args!("a=setup:{}", local.setup));
    }
}

/// What tests and fuzzers send on the lines for pictures.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn numbered() -> [OwnPictures; PICTURE_LINES] {
    [("stream", "camera", 78), ("screen", "shown", 80)].map(|(stream, track, ssrc)| OwnPictures {
        stream: stream.to_owned(),
        track: track.to_owned(),
        ssrc,
        rtx: ssrc + 1,
    })
}
