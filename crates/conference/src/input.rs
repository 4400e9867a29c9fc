//! What can happen to a conference: past events, told to the machine by signalling, the engine and the driver.
//!
//! How an input is acted upon never lives here.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::call::{CallVersion, Candidate, HangupReason, Sdp, SessionMemo, StreamMetadata};
use crate::command::{Command, Role};
use crate::id::{
    CallKey, ConferenceId, FocusUser, Generation, LegId, MemberId, OfferNumber, PartyId, RecordingId,
    RequestId, RoomKey, ServerName,
};
use crate::quality::LegQuality;
use crate::sound::RecordingFailure;
use crate::time::Millis;

/// One thing that happened. Nothing in it is trusted to be in order, on time, or unique.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// A focus user was invited into a room. It is a door to `group`; `room` is that group room, or a 1:1 room.
    FocusInvited {
        /// Who was invited.
        focus: FocusUser,
        /// The group room that the focus user's id names.
        group: RoomKey,
        /// The room it was invited into.
        room: RoomKey,
        /// Who invited it.
        by: MemberId,
        /// Servers by which the room can be joined.
        via: Vec<ServerName>,
    },
    /// A focus user was invited into a room whose id does not say which group room it is a door to: its name was made up
    /// ([`FocusName::MadeUp`]), or is not known.
    NamedFocusInvited {
        /// Who was invited.
        focus: FocusUser,
        /// The room it was invited into.
        room: RoomKey,
        /// Who invited it.
        by: MemberId,
        /// Servers by which the room can be joined.
        via: Vec<ServerName>,
    },
    /// The service's bot was invited into a room, to explain there how its conference is called, and to be asked for it.
    BotInvited {
        /// The bot.
        bot: FocusUser,
        /// How the focus user of the room is called.
        focus: FocusName,
        /// The room.
        room: RoomKey,
        /// Who invited it.
        by: MemberId,
        /// Servers by which the room can be joined.
        via: Vec<ServerName>,
    },
    /// A user of our namespace whose id names no group room was invited somewhere; the invitation is declined.
    NobodyInvited {
        /// Who was invited.
        focus: FocusUser,
        /// Into which room.
        room: RoomKey,
    },
    /// A room is encrypted, so what is said in it can't be read.
    RoomEncrypted {
        /// The room.
        room: RoomKey,
    },
    /// A focus user, or the bot, is no longer a member of a room: kicked, banned, invitation withdrawn, or its own leaving echoed.
    FocusRemoved {
        /// Who.
        focus: FocusUser,
        /// From where.
        room: RoomKey,
    },
    /// Someone left a room, was kicked, or was banned (rules R4 and R5). A rejoin in the same batch does not undo it.
    MemberRemoved {
        /// The room left: a group room or a 1:1 room.
        room: RoomKey,
        /// Who left it.
        member: MemberId,
    },
    /// Who has which role in a group room; takes the place of what was said before. Told after each join of a group room and
    /// whenever it changes.
    RolesChanged {
        /// The group room.
        room: RoomKey,
        /// The role of everyone not in `members`.
        everyone: Role,
        /// Those who have another one.
        members: BTreeMap<MemberId, Role>,
    },
    /// A group room was upgraded: its conference moves to another room (`m.room.tombstone`).
    RoomReplaced {
        /// The old room.
        room: RoomKey,
        /// The room that takes its place.
        by: RoomKey,
    },
    /// Someone asks the conference for something, in words.
    Commanded {
        /// Where it was said: the group room, or the 1:1 room of a participant. The reply is said there too, by a focus user that
        /// is in it, or else by the bot.
        room: RoomKey,
        /// Who said it.
        by: MemberId,
        /// What is asked for.
        command: Command,
    },
    /// A call was placed (`m.call.invite`).
    CallInvited(CallInvite),
    /// More of the caller's ICE candidates (`m.call.candidates`); they may come before the call itself.
    CallCandidates {
        /// The call.
        key: CallKey,
        /// The party that sent them.
        party: Option<PartyId>,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// The caller chose whose answer it takes (`m.call.select_answer`).
    CallSelected {
        /// The call.
        key: CallKey,
        /// The chosen party.
        selected: PartyId,
    },
    /// The caller ended its call (`m.call.hangup`, or `m.call.reject`).
    CallHungUp {
        /// The call.
        key: CallKey,
        /// The party that ended it.
        party: Option<PartyId>,
        /// Why.
        reason: HangupReason,
    },
    /// The caller offers to change a running call (`m.call.negotiate` with an offer): hold, resume, ICE restart, more media.
    CallNegotiated {
        /// The call.
        key: CallKey,
        /// The party that offers.
        party: Option<PartyId>,
        /// The new offer.
        offer: Sdp,
        /// How long an answer is still of use.
        expires_in: Millis,
        /// What the offered streams are for, where the client says.
        metadata: Option<StreamMetadata>,
    },
    /// The caller answers an offer that we made (`m.call.negotiate` with an answer).
    CallNegotiateAnswered {
        /// The call.
        key: CallKey,
        /// The party that answers.
        party: Option<PartyId>,
        /// Its answer.
        answer: Sdp,
        /// What its streams are for, where the client says.
        metadata: Option<StreamMetadata>,
    },
    /// The caller muted or unmuted itself (`m.call.sdp_stream_metadata_changed`).
    CallMetadataChanged {
        /// The call.
        key: CallKey,
        /// The party.
        party: Option<PartyId>,
        /// The new metadata.
        metadata: StreamMetadata,
    },
    /// A request that the machine made was carried out, or never will be.
    RequestDone {
        /// Which.
        id: RequestId,
        /// What came of it.
        outcome: RequestOutcome,
    },
    /// The media engine reports.
    Media(MediaReport),
    /// All media sessions are gone, as after a restart of the process.
    EngineLost,
    /// We were away, as between two runs of the process, and reach the homeserver again: which rooms our users are in is asked, in
    /// case that it is not as the records have it.
    CameBack,
}

/// How the focus user of a group room is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FocusName {
    /// By an id that says which room it is, in the spelling that new ones have.
    Id(FocusUser),
    /// Such an id would be too long, so the machine makes a name up and remembers it: `before`, twenty lower-case letters and
    /// digits, `after`.
    MadeUp {
        /// What such names begin with.
        before: String,
        /// What they end with.
        after: String,
    },
    /// The room can have no focus user.
    Nobody,
}

/// A call that was placed in a 1:1 room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallInvite {
    /// The call.
    pub key: CallKey,
    /// Whom the caller means, if it says; an answer is given only by that focus user.
    pub invitee: Option<FocusUser>,
    /// The protocol version to answer in.
    pub version: CallVersion,
    /// The caller's party (version 1).
    pub party: Option<PartyId>,
    /// The offer.
    pub offer: Sdp,
    /// What is left of the invite's lifetime: its `lifetime` less its age.
    pub expires_in: Millis,
    /// What the offered streams are for; `None` if the client does not say, and then must not be told either.
    pub metadata: Option<StreamMetadata>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestOutcome {
    /// It was carried out.
    Done,
    /// The answer to [`SignalRequest::AskAdmission`](crate::SignalRequest::AskAdmission).
    Admission(Admission),
    /// The answer to [`SignalRequest::CompareMembers`](crate::SignalRequest::CompareMembers).
    Membership(Membership),
    /// The answer to [`SignalRequest::AskRooms`](crate::SignalRequest::AskRooms).
    Rooms(BTreeSet<RoomKey>),
    /// The answer to [`SignalRequest::JoinAsBot`](crate::SignalRequest::JoinAsBot): the bot has joined.
    Joined {
        /// What is said in the room can't be read.
        encrypted: bool,
    },
    /// The answer to [`SignalRequest::LeaveIfAlone`](crate::SignalRequest::LeaveIfAlone): whether nobody but users of ours was
    /// left, so that the bot has left too.
    Alone(bool),
    /// The answer to [`SignalRequest::InviteFocus`](crate::SignalRequest::InviteFocus): the bot may not.
    NotAllowed {
        /// Members who may, the most powerful first; not all of them.
        ask: Vec<MemberId>,
    },
    /// It was refused for good, or became useless before it could be sent.
    Failed(RequestFailure),
}

/// What the homeserver says of a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// The caller is a joined member of the group room.
    pub joined: bool,
    /// How many people are joined to the 1:1 room, functional members not counted; an ordinary one has two.
    pub direct_members: u32,
    /// The caller's display name in the group room, where it has one.
    #[serde(default)]
    pub name: Option<String>,
}

/// What the homeserver says of those who are in a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The focus user that asked is joined to the group room; else nothing is known of the others.
    pub focus_joined: bool,
    /// Those asked about who are not, each of them asked about by name: that they are missing in a list of members, which may be
    /// partial, says nothing.
    pub absent: BTreeSet<MemberId>,
}

/// Why a request will never be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestFailure {
    /// The homeserver does not allow it (403): not invited, banned, no power.
    Forbidden,
    /// What it is about does not exist (404).
    NotFound,
    /// The homeserver does not take it, whatever we do (400, 413, …).
    Rejected,
    /// Its use ran out before the homeserver could be reached.
    Expired,
}

/// What the media engine tells. Each report of a leg names leg and generation, so that one from an older session is recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaReport {
    /// The answer to an offer is complete, all local candidates in it.
    AnswerReady {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// Which offer it answers, as the command that brought the offer named it.
        offer: OfferNumber,
        /// The answer.
        answer: Sdp,
        /// What the streams of the answer are for; sent on only to clients that offered metadata themselves.
        streams: StreamMetadata,
        /// What the two descriptions agree on.
        agreed: Agreed,
        /// What is to be kept of the session; it takes the place of what was to be kept before.
        memo: SessionMemo,
    },
    /// The offer that was asked for is complete, all local candidates in it.
    OfferReady {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// Which offer it is, as the command that asked for it named it.
        number: OfferNumber,
        /// The offer.
        offer: Sdp,
        /// What the streams of the offer are for.
        streams: StreamMetadata,
        /// As in `AnswerReady`.
        memo: SessionMemo,
    },
    /// An offer of the caller can't be answered.
    OfferRefused {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// Which offer, as the command that brought it named it.
        offer: OfferNumber,
        /// What is wrong with it.
        why: OfferRefusal,
    },
    /// The offer that was asked for can't be made.
    NoOffer {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// Which offer, as the command that asked for it named it.
        number: OfferNumber,
    },
    /// Media flows both ways as far as the transport knows: ICE and DTLS are up.
    TransportUp {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
    /// The transport is interrupted and may recover.
    TransportLost {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
    /// The transport will not recover.
    TransportFailed {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
    /// Whether packets come. `false` is told when not one came for five seconds: a silent client that uses discontinuous
    /// transmission (DTX) sends one each 400 ms, so its silence is not that.
    Flow {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// Packets come.
        flowing: bool,
    },
    /// A recording can't go on; what was written of it stays. It is to be stopped all the same.
    RecordingFailed {
        /// The conference.
        conference: ConferenceId,
        /// The recording.
        recording: RecordingId,
        /// Why.
        why: RecordingFailure,
    },
    /// To compose the conference's picture is too much for the machine.
    FellBack {
        /// The conference.
        conference: ConferenceId,
    },
    /// How loud legs are, measured on decoded sound; ten times a second at most. Those that speak are told each time, so that time goes
    /// on where nothing else does; others when they change.
    Levels(Vec<LegLevel>),
    /// How well the packets of legs get through, of many in one report; each leg every five seconds at most.
    Quality(Vec<LegQuality>),
}

/// What offer and answer agree on, as far as the conference needs to know it: the direction of each media line as the caller
/// set it (RFC 3264 section 5.1), and what the stream metadata says it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// The caller has put the call on hold: it sends no sound, and what it is sent is not played to anyone.
    pub held: bool,
    /// The caller sends pictures of itself.
    pub camera: bool,
    /// The caller shares its screen.
    pub screen: bool,
    /// The caller can be sent pictures.
    #[serde(default)]
    pub pictures: bool,
}

/// How loud one leg is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegLevel {
    /// The leg.
    pub leg: LegId,
    /// Its level.
    pub level: LevelDbov,
    /// It is speech by level and duration, not a click.
    pub speaking: bool,
}

/// A level in dBov (decibels relative to the overload point, RFC 6465): 0 is the loudest, −127 is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LevelDbov(pub i8);

impl LevelDbov {
    /// Silence.
    pub const SILENCE: Self = Self(-127);
}

/// Why an offer can't be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferRefusal {
    /// It is not an SDP that can be read.
    Malformed,
    /// It is larger than 64 KiB.
    TooLarge,
    /// It has no audio line.
    NoAudio,
    /// No codec in common.
    NoCommonCodec,
    /// No DTLS fingerprint.
    NoFingerprint,
    /// Several media lines without BUNDLE.
    NoBundle,
    /// The engine has no room for one more.
    Overloaded,
    /// The engine failed; its log says how.
    Internal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_below_every_sound() {
        assert!(LevelDbov::SILENCE < LevelDbov(-126) && LevelDbov(-126) < LevelDbov(0));
    }
}
