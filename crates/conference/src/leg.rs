//! One call of one device, as a lifecycle.
//!
//! ```text
//!            admitted          answer ready         transport up
//!  Ringing ───────────► Answering ───────────► Connecting ───────────► Active ⇄ Reconnecting
//!     │                     │                      │                      │          │
//!     └─────────────────────┴──────────► Left(reason) ◄───────────────────┴──────────┘
//! ```
//!
//! Who is admitted and what the caller is told when a leg ends never live here: see `conference.rs`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::{CallAddress, CallVersion, Candidate, Sdp, StreamMetadata, StreamPurpose};
use crate::effect::LegNews;
use crate::id::{CallKey, FocusUser, Generation, LegId, ParticipantId, PartyId, RequestId};
use crate::time::Timestamp;
use crate::timer::TimerKind;

/// A call. Its record is this value; it is gone when the leg has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) key: CallKey,
    pub(crate) focus: FocusUser,
    pub(crate) participant: ParticipantId,
    pub(crate) version: CallVersion,
    /// The caller's party, if it has one.
    pub(crate) caller_party: Option<PartyId>,
    /// Ours in this call.
    pub(crate) party: PartyId,
    /// The client described its streams, so ours are described to it.
    pub(crate) wants_metadata: bool,
    /// The caller has its microphone off.
    pub(crate) muted: bool,
    pub(crate) generation: Generation,
    pub(crate) state: LegState,
}

/// Where a leg is; each state holds what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum LegState {
    /// Not admitted yet: the focus is joining the group room, or the homeserver is being asked about the caller.
    Ringing {
        offer: Sdp,
        expires: Timestamp,
        candidates: Vec<Candidate>,
        /// The question that was asked, once the focus has joined.
        admission: Option<RequestId>,
    },
    /// The engine is making the answer.
    Answering { offer: Sdp, expires: Timestamp, candidates: Vec<Candidate> },
    /// Answered; media is connecting.
    Connecting { until: Timestamp, answer: RequestId, negotiating: Option<Timestamp> },
    /// Media flows.
    Active { negotiating: Option<Timestamp> },
    /// Media is interrupted.
    Reconnecting { until: Timestamp, negotiating: Option<Timestamp> },
}

impl Leg {
    /// How events of this call are addressed.
    pub(crate) fn address(&self) -> CallAddress {
        CallAddress {
            focus: self.focus.clone(),
            room: self.key.room.clone(),
            caller: self.key.caller.clone(),
            call: self.key.call.clone(),
            version: self.version,
            party: self.party.clone(),
        }
    }

    /// Whether an event of the caller's side belongs to the party that placed this call. Version 0 knows no parties, and a
    /// client that left its party out once is not held to it.
    pub(crate) fn is_party(&self, party: Option<&PartyId>) -> bool {
        match (&self.caller_party, party) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, _) | (_, None) => true,
        }
    }

    /// An answer has been given, so the call is ended by a hangup rather than by a reject.
    pub(crate) const fn is_answered(&self) -> bool {
        match self.state {
            LegState::Ringing { .. } | LegState::Answering { .. } => false,
            LegState::Connecting { .. } | LegState::Active { .. } | LegState::Reconnecting { .. } => true,
        }
    }

    /// The engine has a session for this leg.
    pub(crate) const fn has_media(&self) -> bool {
        !matches!(self.state, LegState::Ringing { .. })
    }

    /// The deadline of the state it is in.
    pub(crate) const fn deadline(&self) -> Option<(TimerKind, Timestamp)> {
        match self.state {
            LegState::Ringing { expires, .. } | LegState::Answering { expires, .. } => {
                Some((TimerKind::InviteExpires(self.id), expires))
            }
            LegState::Connecting { until, .. } => Some((TimerKind::ConnectTimeout(self.id), until)),
            LegState::Reconnecting { until, .. } => Some((TimerKind::ReconnectGrace(self.id), until)),
            LegState::Active { .. } => None,
        }
    }

    /// Its state, as news.
    pub(crate) const fn news(&self) -> LegNews {
        match self.state {
            LegState::Ringing { .. } => LegNews::Ringing,
            LegState::Answering { .. } => LegNews::Answering,
            LegState::Connecting { .. } => LegNews::Connecting,
            LegState::Active { .. } => LegNews::Active { muted: self.muted },
            LegState::Reconnecting { .. } => LegNews::Reconnecting,
        }
    }
}

/// Whether metadata says that the microphone is off: it is, when every microphone stream says so.
pub(crate) fn is_muted(metadata: &StreamMetadata) -> bool {
    let mut microphones =
        metadata.values().filter(|stream| stream.purpose == StreamPurpose::UserMedia).peekable();
    microphones.peek().is_some() && microphones.all(|stream| stream.audio_muted)
}
