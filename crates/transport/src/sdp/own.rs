//! Our descriptions as the caller gets them, answers and offers: its own lines in its own order, one of them in use.
//!
//! Nothing of it is decided here: what is ours comes as [`LocalTransport`] from the connection, the rest from the caller's offer.

use std::fmt::Write as _;
use std::io::Cursor;

use rtc::sdp::SessionDescription;

use super::direction::Direction;
use super::offer::AUDIO_LEVEL_URI;
use super::reduced::OPUS_PARAMETERS;
use super::shape::Shape;
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
}

impl OwnLines {
    /// Writes an answer (RFC 8829 section 5.3.1) or a further offer (section 5.2.2): the audio line in use, in `direction` as seen
    /// from us, every other rejected by port 0.
    pub(crate) fn write(&self, shape: &Shape, direction: Direction, local: &LocalTransport) -> String {
        let mut sdp = Writer(String::with_capacity(1024));
        sdp.line(format_args!("v=0"));
        sdp.line(format_args!("o=- {} {} IN IP4 127.0.0.1", self.session, self.version));
        sdp.line(format_args!("s=-"));
        sdp.line(format_args!("t=0 0"));
        if let Some(mid) = shape.audio_mid().filter(|_| shape.bundled) {
            sdp.line(format_args!("a=group:BUNDLE {mid}"));
        }
        if self.ice_lite {
            sdp.line(format_args!("a=ice-lite"));
        }
        sdp.line(format_args!("a=msid-semantic: WMS {}", self.stream));
        for (index, line) in shape.lines.iter().enumerate() {
            if shape.takes(index) {
                self.audio(&mut sdp, shape, direction, local, &line.proto);
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
        proto: &str,
    ) {
        let Voice { codec, payload_type, .. } = shape.voice;
        sdp.line(format_args!("m=audio 9 {proto} {payload_type}"));
        sdp.line(format_args!("c=IN IP4 0.0.0.0"));
        sdp.line(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        for candidate in &local.candidates {
            sdp.line(format_args!("a=candidate:{candidate}"));
        }
        sdp.line(format_args!("a=end-of-candidates"));
        sdp.line(format_args!("a=ice-ufrag:{}", local.ufrag));
        sdp.line(format_args!("a=ice-pwd:{}", local.pwd));
        sdp.line(format_args!("a=ice-options:trickle"));
        sdp.line(format_args!("a=fingerprint:{}", local.fingerprint));
        sdp.line(format_args!("a=setup:{}", local.setup));
        if let Some(mid) = shape.audio_mid() {
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
            sdp.line(format_args!("a=fmtp:{payload_type} {OPUS_PARAMETERS}"));
        }
        if direction.sends() {
            sdp.line(format_args!("a=ssrc:{} cname:{}", self.ssrc, self.cname));
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
}
