//! What a call is made of on the wire, as values: version, session descriptions, candidates, stream metadata, reasons.
//!
//! Parsing and printing of Matrix events never live here, nor does any understanding of SDP text.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{CallId, CallKey, FocusUser, MemberId, PartyId, RoomKey, StreamId};

/// The protocol version of a call, chosen by the caller. Its rules:
/// <https://spec.matrix.org/v1.15/client-server-api/#voice-over-ip>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CallVersion {
    /// `0`: no parties, no reject, no renegotiation.
    V0,
    /// `"1"`, and whatever is not 0.
    V1,
}

/// The text of an SDP, offer or answer (RFC 8866). Opaque to the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sdp(pub String);

/// What a media engine wants kept of a session, so that another one can take its place should it be lost: what a new process has to
/// know. Opaque to the machine; kept with the call, and gone with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionMemo(pub String);

/// One ICE candidate as a caller sent it. An empty `line` is the end-of-candidates mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// `candidate:…`, RFC 8839 section 5.1.
    pub line: String,
    /// The media line that it belongs to, by name; absent in some clients' events.
    pub mid: Option<String>,
    /// The media line that it belongs to, by position.
    pub line_index: Option<u16>,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamPurpose {
    /// Microphone and camera: `m.usermedia`.
    UserMedia,
    /// A shared screen: `m.screenshare`.
    ScreenShare,
}

/// One stream's entry in `sdp_stream_metadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// What the stream is for.
    pub purpose: StreamPurpose,
    /// The sender has its microphone off.
    pub audio_muted: bool,
    /// The sender has its camera off.
    pub video_muted: bool,
}

/// `sdp_stream_metadata`: what each stream of a description is for. Streams of unknown purpose are left out.
pub type StreamMetadata = BTreeMap<StreamId, StreamInfo>;

/// Why a call ended, as the protocol can say it: the `reason` of `m.call.hangup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HangupReason {
    /// `user_hangup`: someone ended it on purpose.
    UserHangup,
    /// `ice_failed`: connected media was lost.
    IceFailed,
    /// `ice_timeout`: media never connected.
    IceTimeout,
    /// `invite_timeout`: nobody answered in time.
    InviteTimeout,
    /// `user_media_failed`: the caller's microphone or camera could not be had.
    UserMediaFailed,
    /// `user_busy`.
    UserBusy,
    /// `unknown_error`, and whatever else a client writes.
    UnknownError,
}

/// All that is needed to write an event of a call: who, where, which call, in which dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAddress {
    /// The focus user that speaks.
    pub focus: FocusUser,
    /// The 1:1 room.
    pub room: RoomKey,
    /// The other side.
    pub caller: MemberId,
    /// The call.
    pub call: CallId,
    /// The caller's version, in which it is answered.
    pub version: CallVersion,
    /// Our own party id, the same in all events of this call; written only in version 1.
    pub party: PartyId,
}

impl CallAddress {
    /// The call as its caller's events name it.
    #[must_use]
    pub fn key(&self) -> CallKey {
        CallKey { room: self.room.clone(), caller: self.caller.clone(), call: self.call.clone() }
    }
}

/// Candidates in the order in which they came.
pub type Candidates = Vec<Candidate>;
