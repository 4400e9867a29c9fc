//! The contents that are sent: a request of the machine as an event type and its JSON.
//!
//! Pure. Whether and when something is sent never lives here. <https://spec.matrix.org/v1.15/client-server-api/#voice-over-ip>

use std::borrow::Cow;
use std::collections::BTreeMap;

use confocal::conference::{
    CallAddress, CallVersion, HangupReason, Millis, Notice, Sdp, StreamId, StreamInfo, StreamMetadata,
    StreamPurpose,
};
use serde::Serialize;

use crate::words;

/// How long our negotiate answers are of use. Nothing depends on it, but clients require the field.
const NEGOTIATE_LIFETIME: Millis = Millis::from_secs(60);

/// The fields that all call events have.
#[derive(Serialize)]
struct Common<'a> {
    call_id: &'a str,
    version: Version,
    // Version 0 has no parties.
    #[serde(skip_serializing_if = "Option::is_none")]
    party_id: Option<&'a str>,
}

impl<'a> Common<'a> {
    fn of(to: &'a CallAddress) -> Self {
        let (version, party_id) = match to.version {
            CallVersion::V0 => (Version::Zero(0), None),
            CallVersion::V1 => (Version::One("1"), Some(to.party.as_str())),
        };
        Self { call_id: to.call.as_str(), version, party_id }
    }
}

// An integer in version 0, a text in version 1: so is the specification.
#[derive(Serialize)]
#[serde(untagged)]
enum Version {
    Zero(u8),
    One(&'static str),
}

#[derive(Serialize)]
struct Description<'a> {
    r#type: &'static str,
    sdp: &'a str,
}

#[derive(Serialize)]
struct Capabilities {
    #[serde(rename = "m.call.transferee")]
    transferee: bool,
    #[serde(rename = "m.call.dtmf")]
    dtmf: bool,
}

const CAPABILITIES: Capabilities = Capabilities { transferee: false, dtmf: false };

#[derive(Serialize)]
struct Stream {
    purpose: &'static str,
    audio_muted: bool,
    video_muted: bool,
}

type Streams<'a> = BTreeMap<&'a str, Stream>;

/// What the streams are for, if the client has said it of its own: under the name of the specification and under the one of
/// the proposal, [MSC3077](https://github.com/matrix-org/matrix-spec-proposals/pull/3077). Clients of before 2025 write and
/// read only the latter.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp_stream_metadata: Option<Streams<'a>>,
    #[serde(rename = "org.matrix.msc3077.sdp_stream_metadata", skip_serializing_if = "Option::is_none")]
    proposed: Option<Streams<'a>>,
}

impl<'a> Described<'a> {
    fn of(metadata: Option<&'a StreamMetadata>) -> Self {
        Self { sdp_stream_metadata: metadata.map(streams), proposed: metadata.map(streams) }
    }
}

fn streams(metadata: &StreamMetadata) -> Streams<'_> {
    metadata.iter().map(|(id, info): (&StreamId, &StreamInfo)| (id.as_str(), Stream::of(info))).collect()
}

impl Stream {
    const fn of(info: &StreamInfo) -> Self {
        let purpose = match info.purpose {
            StreamPurpose::UserMedia => "m.usermedia",
            StreamPurpose::ScreenShare => "m.screenshare",
        };
        Self { purpose, audio_muted: info.audio_muted, video_muted: info.video_muted }
    }
}

/// `m.call.answer`.
#[derive(Serialize)]
pub(crate) struct Answer<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    answer: Description<'a>,
    capabilities: Capabilities,
    #[serde(flatten)]
    streams: Described<'a>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(to: &'a CallAddress, answer: &'a Sdp, metadata: Option<&'a StreamMetadata>) -> Self {
        Self {
            common: Common::of(to),
            answer: Description { r#type: "answer", sdp: &answer.0 },
            capabilities: CAPABILITIES,
            streams: Described::of(metadata),
        }
    }
}

/// `m.call.negotiate`, with an answer or an offer.
#[derive(Serialize)]
pub(crate) struct Negotiate<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    description: Description<'a>,
    lifetime: Millis,
    #[serde(flatten)]
    streams: Described<'a>,
}

impl<'a> Negotiate<'a> {
    pub(crate) fn answer(to: &'a CallAddress, answer: &'a Sdp, metadata: Option<&'a StreamMetadata>) -> Self {
        Self {
            common: Common::of(to),
            description: Description { r#type: "answer", sdp: &answer.0 },
            lifetime: NEGOTIATE_LIFETIME,
            streams: Described::of(metadata),
        }
    }

    /// An offer that is of use for `lifetime`.
    pub(crate) fn offer(
        to: &'a CallAddress,
        offer: &'a Sdp,
        metadata: &'a StreamMetadata,
        lifetime: Millis,
    ) -> Self {
        Self {
            common: Common::of(to),
            description: Description { r#type: "offer", sdp: &offer.0 },
            lifetime,
            streams: Described::of(Some(metadata)),
        }
    }
}

/// `m.call.sdp_stream_metadata_changed`.
#[derive(Serialize)]
pub(crate) struct StreamsDescribed<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    #[serde(flatten)]
    streams: Described<'a>,
}

impl<'a> StreamsDescribed<'a> {
    pub(crate) fn new(to: &'a CallAddress, metadata: &'a StreamMetadata) -> Self {
        Self { common: Common::of(to), streams: Described::of(Some(metadata)) }
    }
}

/// `m.call.hangup`, and without a reason also `m.call.reject`.
#[derive(Serialize)]
pub(crate) struct End<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<'a> End<'a> {
    /// A hangup.
    ///
    /// Version 1 must give a reason; version 0 knows two of them, and their absence for all else.
    pub(crate) fn hangup(to: &'a CallAddress, reason: HangupReason) -> Self {
        let text = match reason {
            HangupReason::UserHangup => "user_hangup",
            HangupReason::IceFailed => "ice_failed",
            HangupReason::IceTimeout => "ice_timeout",
            HangupReason::InviteTimeout => "invite_timeout",
            HangupReason::UserMediaFailed => "user_media_failed",
            HangupReason::UserBusy => "user_busy",
            HangupReason::UnknownError => "unknown_error",
        };
        let told = match to.version {
            CallVersion::V0 => matches!(reason, HangupReason::IceFailed | HangupReason::InviteTimeout),
            CallVersion::V1 => true,
        };
        Self { common: Common::of(to), reason: told.then_some(text) }
    }

    /// A refusal: the event type and its content. Version 0 refuses by hanging up.
    pub(crate) fn reject(to: &'a CallAddress) -> (&'static str, Self) {
        let kind = match to.version {
            CallVersion::V0 => "m.call.hangup",
            CallVersion::V1 => "m.call.reject",
        };
        (kind, Self { common: Common::of(to), reason: None })
    }
}

/// `m.room.message` of type `m.notice`, which bots don't answer.
#[derive(Serialize)]
pub(crate) struct Words {
    msgtype: &'static str,
    body: Cow<'static, str>,
}

impl Words {
    pub(crate) fn of(notice: &Notice) -> Self {
        Self { msgtype: "m.notice", body: words::notice(notice) }
    }
}

#[cfg(test)]
mod tests;
