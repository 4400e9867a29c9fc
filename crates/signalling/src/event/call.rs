//! The contents of `m.call.*`, as lenient as the clients that write them need it.
//!
//! <https://spec.matrix.org/v1.15/client-server-api/#voice-over-ip>. Where we are more lenient than the specification: any
//! text is a call id or a party id, `version` and `lifetime` may be missing, candidates may lack everything but their line,
//! and unknown stream purposes are left out.

use std::collections::BTreeMap;

use confocal::conference::{
    CallId, CallVersion, Candidate, HangupReason, PartyId, Sdp, StreamId, StreamInfo, StreamMetadata,
    StreamPurpose,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Unfit, or_none, text, to_millis};

/// The longest call id, party id or stream id that is taken, in bytes: what the specification allows.
const MAX_ID_BYTES: usize = 255;
/// The longest SDP that is passed on, in bytes; the engine's own limit is lower, and it says so to the caller.
const MAX_SDP_BYTES: usize = 256 * 1024;
/// The longest candidate line that is passed on, in bytes; real ones have up to about 200.
const MAX_CANDIDATE_BYTES: usize = 1024;
/// The most candidates of one event that are passed on; browsers send up to about 30.
const MAX_CANDIDATES: usize = 64;
/// The most streams of one event that are passed on; clients have two.
const MAX_STREAMS: usize = 16;
/// The lifetime of an invite that does not tell its own, in ms: that of the commonest clients.
const DEFAULT_LIFETIME: u64 = 60_000;
/// The longest lifetime that is believed, in ms; the longest seen is 120 s.
const MAX_LIFETIME: u64 = 300_000;

/// What all call events have in common.
#[derive(Debug, Deserialize)]
pub(crate) struct Common {
    #[serde(default, deserialize_with = "or_none")]
    call_id: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    party_id: Option<String>,
}

impl Common {
    /// The call's id.
    pub(crate) fn call(&self) -> Result<CallId, Unfit> {
        text(self.call_id.as_deref(), MAX_ID_BYTES).map(CallId::from)
    }

    /// The sender's party, if it names one.
    pub(crate) fn party(&self) -> Result<Option<PartyId>, Unfit> {
        match text(self.party_id.as_deref(), MAX_ID_BYTES) {
            Ok(id) => Ok(Some(PartyId::from(id))),
            Err(Unfit::Missing) => Ok(None),
            Err(Unfit::TooLong) => Err(Unfit::TooLong),
        }
    }
}

/// `m.call.invite`.
#[derive(Debug, Deserialize)]
pub(crate) struct InviteContent {
    #[serde(default)]
    version: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "or_none")]
    party_id: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    offer: Option<DescriptionContent>,
    #[serde(default, deserialize_with = "or_none")]
    lifetime: Option<f64>,
    #[serde(default, deserialize_with = "or_none")]
    invitee: Option<String>,
}

impl InviteContent {
    /// The version to answer in.
    ///
    /// "Clients MUST treat calls with an unknown version as version 1": all but 0 is 1. Where nothing is said the party id
    /// decides, which version 1 brought; and `"0"` is taken for the 0 that it was meant to be.
    pub(crate) fn version(&self) -> CallVersion {
        match self.version.as_deref().map(RawValue::get) {
            Some("0" | "0.0" | "\"0\"") => CallVersion::V0,
            None | Some("null") if self.party_id.is_none() => CallVersion::V0,
            _ => CallVersion::V1,
        }
    }

    /// The offer.
    pub(crate) fn offer(&self) -> Result<Sdp, Unfit> {
        self.offer.as_ref().ok_or(Unfit::Missing)?.sdp()
    }

    /// Whom the caller means, if it says; some clients write an empty text for nobody.
    pub(crate) fn invitee(&self) -> Option<&str> {
        self.invitee.as_deref().filter(|invitee| !invitee.is_empty())
    }

    /// How long the invite was valid when it was sent, in ms.
    pub(crate) fn lifetime(&self) -> u64 {
        lifetime(self.lifetime)
    }
}

/// `m.call.negotiate`.
#[derive(Debug, Deserialize)]
pub(crate) struct NegotiateContent {
    #[serde(default, deserialize_with = "or_none")]
    pub(crate) description: Option<DescriptionContent>,
    #[serde(default, deserialize_with = "or_none")]
    lifetime: Option<f64>,
}

impl NegotiateContent {
    /// How long the description was of use when it was sent, in ms.
    pub(crate) fn lifetime(&self) -> u64 {
        lifetime(self.lifetime)
    }
}

/// An offer or an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct DescriptionContent {
    #[serde(rename = "type", default, deserialize_with = "or_none")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    sdp: Option<String>,
}

impl DescriptionContent {
    /// It says that it is an answer.
    pub(crate) fn is_answer(&self) -> bool {
        self.kind.as_deref() == Some("answer")
    }

    /// The SDP.
    pub(crate) fn sdp(&self) -> Result<Sdp, Unfit> {
        text(self.sdp.as_deref(), MAX_SDP_BYTES).map(|sdp| Sdp(sdp.to_owned()))
    }
}

/// `m.call.candidates`.
#[derive(Debug, Deserialize)]
pub(crate) struct CandidatesContent {
    #[serde(default, deserialize_with = "or_none")]
    candidates: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
struct CandidateContent {
    // Null is an end mark too: it is the browser's own. Only a missing field is none, hence the attribute.
    #[serde(deserialize_with = "Option::deserialize")]
    candidate: Option<String>,
    #[serde(rename = "sdpMid", default, deserialize_with = "or_none")]
    mid: Option<String>,
    #[serde(rename = "sdpMLineIndex", default, deserialize_with = "or_none")]
    line_index: Option<f64>,
}

impl CandidatesContent {
    /// The candidates that can be read, the first 64 at the most; `None` if there is no list.
    pub(crate) fn candidates(&self) -> Option<Vec<Candidate>> {
        let entries = self.candidates.as_ref()?;
        let readable =
            entries.iter().filter_map(|entry| serde_json::from_str::<CandidateContent>(entry.get()).ok());
        Some(readable.filter_map(CandidateContent::read).take(MAX_CANDIDATES).collect())
    }
}

impl CandidateContent {
    fn read(self) -> Option<Candidate> {
        let line = self.candidate.unwrap_or_default();
        let mid = self.mid.filter(|mid| mid.len() <= MAX_ID_BYTES);
        // Some JSON writers know only floating point: 0.0 is a position, 0.5 and −1 are none.
        let line_index =
            self.line_index.filter(|index| index.fract() == 0.0 && (0.0..65536.0).contains(index));
        (line.len() <= MAX_CANDIDATE_BYTES).then_some(Candidate {
            line,
            mid,
            line_index: line_index.map(|index| index as u16),
        })
    }
}

/// `m.call.select_answer`.
#[derive(Debug, Deserialize)]
pub(crate) struct SelectAnswerContent {
    #[serde(default, deserialize_with = "or_none")]
    selected_party_id: Option<String>,
}

impl SelectAnswerContent {
    /// The chosen party.
    pub(crate) fn selected(&self) -> Result<PartyId, Unfit> {
        text(self.selected_party_id.as_deref(), MAX_ID_BYTES).map(PartyId::from)
    }
}

/// `m.call.hangup`.
#[derive(Debug, Deserialize)]
pub(crate) struct HangupContent {
    #[serde(default, deserialize_with = "or_none")]
    reason: Option<String>,
}

impl HangupContent {
    /// Why; a missing reason is `user_hangup` by the specification, and one client writes that in its own spelling.
    pub(crate) fn reason(&self) -> HangupReason {
        match self.reason.as_deref() {
            None | Some("" | "user_hangup" | "userHangup") => HangupReason::UserHangup,
            Some("ice_failed") => HangupReason::IceFailed,
            Some("ice_timeout") => HangupReason::IceTimeout,
            Some("invite_timeout") => HangupReason::InviteTimeout,
            Some("user_media_failed") => HangupReason::UserMediaFailed,
            Some("user_busy") => HangupReason::UserBusy,
            Some(_) => HangupReason::UnknownError,
        }
    }
}

/// The `sdp_stream_metadata` of invite, negotiate and `m.call.sdp_stream_metadata_changed`, under its name and under the
/// one of its proposal (MSC3077).
#[derive(Debug, Deserialize)]
pub(crate) struct MetadataContent {
    #[serde(default, deserialize_with = "or_none")]
    sdp_stream_metadata: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(rename = "org.matrix.msc3077.sdp_stream_metadata", default, deserialize_with = "or_none")]
    proposed: Option<BTreeMap<String, Box<RawValue>>>,
}

#[derive(Deserialize)]
struct StreamContent {
    purpose: String,
    #[serde(default, deserialize_with = "or_none")]
    audio_muted: Option<bool>,
    #[serde(default, deserialize_with = "or_none")]
    video_muted: Option<bool>,
}

impl MetadataContent {
    /// The streams of known purpose, the first 16 at the most; `None` if the client does not say.
    pub(crate) fn streams(&self) -> Option<StreamMetadata> {
        let entries = self.sdp_stream_metadata.as_ref().or(self.proposed.as_ref())?;
        let known = entries.iter().filter_map(|(id, entry)| {
            let id = text(Some(id), MAX_ID_BYTES).ok()?;
            let stream: StreamContent = serde_json::from_str(entry.get()).ok()?;
            let purpose = match stream.purpose.as_str() {
                "m.usermedia" => StreamPurpose::UserMedia,
                "m.screenshare" => StreamPurpose::ScreenShare,
                _ => return None,
            };
            let info = StreamInfo {
                purpose,
                audio_muted: stream.audio_muted.unwrap_or(false),
                video_muted: stream.video_muted.unwrap_or(false),
            };
            Some((StreamId::from(id), info))
        });
        Some(known.take(MAX_STREAMS).collect())
    }
}

fn lifetime(told: Option<f64>) -> u64 {
    told.map_or(DEFAULT_LIFETIME, to_millis).min(MAX_LIFETIME)
}
