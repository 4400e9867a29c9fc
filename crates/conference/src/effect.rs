//! What the machine wants done: commands to signalling and to the engine, and news for whoever watches.
//!
//! How an effect is carried out never lives here.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::{CallAddress, Candidate, HangupReason, Sdp, StreamMetadata};
use crate::id::{
    ConferenceId, FocusUser, Generation, LegId, MemberId, ParticipantId, RequestId, RoomKey, ServerName,
};
use crate::input::{LevelDbov, OfferRefusal};
use crate::time::Timestamp;

/// One thing to do. Effects leave in the order in which they must be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A request to the homeserver; it is stored before it is sent, and its outcome comes back as
    /// [`Input::RequestDone`](crate::Input::RequestDone) under the same id.
    Send {
        /// Names the request in its outcome and in its transaction id.
        id: RequestId,
        /// The request.
        request: SignalRequest,
    },
    /// A command to the media engine; never stored, since media dies with the process.
    Media(MediaCommand),
    /// News; nothing depends on its being heard.
    Notify(ConferenceEvent),
}

/// A request to the homeserver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SignalRequest {
    /// Join the group room (rule R2).
    JoinGroup {
        /// Who joins.
        focus: FocusUser,
        /// The group room.
        room: RoomKey,
        /// Servers by which it can be joined.
        via: Vec<ServerName>,
    },
    /// Join a 1:1 room, then read back the calls that were placed in it before: the homeserver never pushes those.
    JoinDirect {
        /// Who joins.
        focus: FocusUser,
        /// The group room that the focus user is a door to.
        group: RoomKey,
        /// The 1:1 room.
        room: RoomKey,
        /// Servers by which it can be joined.
        via: Vec<ServerName>,
    },
    /// Leave a room, or decline the invitation into it.
    Leave {
        /// Who leaves.
        focus: FocusUser,
        /// Which room.
        room: RoomKey,
    },
    /// Ask whether a caller may be in the conference; answered by
    /// [`RequestOutcome::Admission`](crate::RequestOutcome::Admission).
    AskAdmission {
        /// Who asks; joined to both rooms.
        focus: FocusUser,
        /// The group room.
        group: RoomKey,
        /// The 1:1 room in which the call was placed.
        direct: RoomKey,
        /// The caller.
        member: MemberId,
    },
    /// Answer a call.
    Answer {
        /// The call.
        to: CallAddress,
        /// The answer.
        answer: Sdp,
        /// What its streams are for; `None` for a client that did not say so of its own.
        streams: Option<StreamMetadata>,
        /// When the invite runs out; later it is of no use.
        expires: Timestamp,
    },
    /// Answer a change of a running call (`m.call.negotiate` with an answer).
    NegotiateAnswer {
        /// The call.
        to: CallAddress,
        /// The answer.
        answer: Sdp,
        /// As in `Answer`.
        streams: Option<StreamMetadata>,
        /// When the offer runs out.
        expires: Timestamp,
    },
    /// Refuse a call that was not answered: `m.call.reject`, or `m.call.hangup` in version 0.
    Reject {
        /// The call.
        to: CallAddress,
    },
    /// End an answered call.
    Hangup {
        /// The call.
        to: CallAddress,
        /// What the client is told.
        reason: HangupReason,
    },
    /// Say something to the caller in the 1:1 room, in words.
    Notice {
        /// Who says it.
        focus: FocusUser,
        /// The 1:1 room.
        room: RoomKey,
        /// What to say.
        notice: Notice,
    },
}

impl SignalRequest {
    /// The room whose order the request keeps: requests of one room are carried out one after the other.
    #[must_use]
    pub const fn room(&self) -> &RoomKey {
        match self {
            Self::JoinGroup { room, .. }
            | Self::JoinDirect { room, .. }
            | Self::Leave { room, .. }
            | Self::Notice { room, .. } => room,
            Self::AskAdmission { direct, .. } => direct,
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::Reject { to }
            | Self::Hangup { to, .. } => &to.room,
        }
    }

    /// The focus user in whose name it is made.
    #[must_use]
    pub const fn focus(&self) -> &FocusUser {
        match self {
            Self::JoinGroup { focus, .. }
            | Self::JoinDirect { focus, .. }
            | Self::Leave { focus, .. }
            | Self::AskAdmission { focus, .. }
            | Self::Notice { focus, .. } => focus,
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::Reject { to }
            | Self::Hangup { to, .. } => &to.focus,
        }
    }

    /// The moment after which it need not be sent any more, if there is one.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::Answer { expires, .. } | Self::NegotiateAnswer { expires, .. } => Some(*expires),
            Self::JoinGroup { .. }
            | Self::JoinDirect { .. }
            | Self::Leave { .. }
            | Self::AskAdmission { .. }
            | Self::Reject { .. }
            | Self::Hangup { .. }
            | Self::Notice { .. } => None,
        }
    }
}

/// What a person is told in the 1:1 room. The words are signalling's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Their call was refused.
    Refused {
        /// Why.
        why: Refusal,
        /// The group room whose conference they called.
        group: RoomKey,
    },
    /// The 1:1 room is encrypted: calls placed in it can't be read.
    Encrypted {
        /// The group room whose conference could be called.
        group: RoomKey,
    },
    /// Their call was ended by us.
    Ended {
        /// Why.
        why: EndReason,
        /// The group room whose conference it was.
        group: RoomKey,
    },
}

/// Why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The caller is not a joined member of the group room, the one rule that nothing overrides.
    NotAMember,
    /// The focus user could not join the group room: it has to be invited there first.
    FocusNotInvited,
    /// The 1:1 room has other people in it.
    RoomNotDirect,
    /// Several focus users are in the 1:1 room and the call names none of them.
    Ambiguous,
    /// A limit of this service is reached.
    Full,
    /// The offer can't be answered.
    Offer(OfferRefusal),
    /// The homeserver did not tell whether the caller is a member.
    Unknown,
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// The caller hung up.
    CallerHungUp,
    /// The caller chose another party's answer.
    AnsweredElsewhere,
    /// The caller is no longer in the group room (rule R4).
    LeftGroup,
    /// The caller is no longer in the 1:1 room (rule R5).
    LeftDirect,
    /// The focus user was removed from the group room.
    FocusRemoved,
    /// The focus user was removed from the 1:1 room.
    FocusRemovedFromDirect,
    /// The same user called again, by this or another device.
    Replaced,
    /// Media never connected.
    NeverConnected,
    /// Media was lost and did not come back.
    MediaLost,
    /// The service was restarted.
    Restarted,
    /// The invite ran out before it was answered.
    Expired,
    /// It was refused before it began.
    Refused(Refusal),
    /// The answer could not be delivered.
    AnswerUndeliverable,
    /// A changed offer could not be answered.
    Renegotiation(OfferRefusal),
}

/// A command to the media engine. Commands of one leg are done in order.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaCommand {
    /// Set up media for a leg and answer its offer.
    Open {
        /// The leg.
        leg: LegId,
        /// Its session; later commands and all reports carry it.
        generation: Generation,
        /// Where its sound goes.
        conference: ConferenceId,
        /// Whose voice it is: no leg hears a leg of the same participant.
        participant: ParticipantId,
        /// The caller's offer.
        offer: Sdp,
    },
    /// Answer a changed offer of a running leg.
    Renegotiate {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The new offer.
        offer: Sdp,
    },
    /// More of the caller's candidates.
    AddCandidates {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// End a leg's media at once. No report comes after it.
    Close {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
}

/// News of conferences, for pages, logs and metrics.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ConferenceEvent {
    /// A focus is in a group room and takes calls.
    Opened {
        /// The conference.
        conference: ConferenceId,
        /// Its group room.
        group: RoomKey,
    },
    /// The focus has left the group room, or is leaving it.
    Closed {
        /// The conference.
        conference: ConferenceId,
    },
    /// A leg's state changed.
    Leg {
        /// The conference.
        conference: ConferenceId,
        /// The participant it belongs to.
        participant: ParticipantId,
        /// Who that is.
        member: MemberId,
        /// The leg.
        leg: LegId,
        /// Its new state.
        state: LegNews,
    },
    /// How loud a leg is.
    Level {
        /// The conference.
        conference: ConferenceId,
        /// The leg.
        leg: LegId,
        /// Its level.
        level: LevelDbov,
        /// It speaks.
        speaking: bool,
    },
}

/// The state of a leg, as news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum LegNews {
    /// It waits to be admitted.
    Ringing,
    /// Its answer is being made.
    Answering,
    /// It is answered, media is connecting.
    Connecting,
    /// Media flows.
    Active {
        /// The caller has its microphone off.
        muted: bool,
    },
    /// Media is interrupted.
    Reconnecting,
    /// It is over.
    Left(EndReason),
}
