//! What the machine wants done: commands to signalling and to the engine, and news for whoever watches.
//!
//! How an effect is carried out never lives here.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::announcement::Announcement;
use crate::call::{CallAddress, Candidate, HangupReason, Sdp, StreamMetadata};
use crate::command::{Command, Reply, Role, Silenced};
use crate::id::{
    CallKey, ConferenceId, FocusUser, Generation, LegId, MemberId, OfferNumber, ParticipantId, RequestId,
    RoomKey, ServerName,
};
use crate::input::{LevelDbov, OfferRefusal};
use crate::time::{Millis, Timestamp};

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
    /// Join a room as the bot, which takes no calls; answered by [`RequestOutcome::Joined`](crate::RequestOutcome::Joined).
    JoinAsBot {
        /// The bot.
        bot: FocusUser,
        /// The room.
        room: RoomKey,
        /// Servers by which it can be joined.
        via: Vec<ServerName>,
    },
    /// Leave a room if nobody but users of ours is left in it; answered by
    /// [`RequestOutcome::Alone`](crate::RequestOutcome::Alone).
    LeaveIfAlone {
        /// The bot.
        bot: FocusUser,
        /// The room.
        room: RoomKey,
    },
    /// Invite the focus user of a group room into it. One that is in it already is as good.
    InviteFocus {
        /// The bot, which invites.
        bot: FocusUser,
        /// The group room.
        room: RoomKey,
        /// Who is invited.
        focus: FocusUser,
    },
    /// Announce the conference in the group room's state (rule R9), in place of what was announced before.
    Announce {
        /// Who announces, and is to be called.
        focus: FocusUser,
        /// The group room.
        room: RoomKey,
        /// What to announce; `None`: there is no conference any more.
        announcement: Option<Announcement>,
    },
    /// Tell the room's clients not to count a user of ours as a person, if it may; leaving takes it back.
    CountOut {
        /// Whom.
        focus: FocusUser,
        /// The room.
        room: RoomKey,
    },
    /// Tell a caller who speaks (MSC3086).
    AssertIdentity {
        /// The call.
        to: CallAddress,
        /// The group room, whose member speaks.
        group: RoomKey,
        /// Who speaks.
        member: MemberId,
        /// When it is old.
        expires: Timestamp,
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
        /// When the call runs out; later nobody waits for the answer.
        expires: Timestamp,
    },
    /// Ask whether those who are in the conference are still joined to the group room, and the focus user too; answered by
    /// [`RequestOutcome::Membership`](crate::RequestOutcome::Membership).
    CompareMembers {
        /// Who asks; joined to the group room, as far as is known.
        focus: FocusUser,
        /// The group room.
        room: RoomKey,
        /// Those who are in the conference by calls of this focus user.
        members: BTreeSet<MemberId>,
        /// When it is asked again.
        expires: Timestamp,
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
    /// Offer a change of a running call (`m.call.negotiate` with an offer): how a call goes on after a restart.
    NegotiateOffer {
        /// The call.
        to: CallAddress,
        /// The offer.
        offer: Sdp,
        /// What its streams are for.
        streams: StreamMetadata,
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
    /// Say something in words: to the caller in the 1:1 room, or in the group room.
    Notice {
        /// Who says it.
        focus: FocusUser,
        /// The room.
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
            | Self::JoinAsBot { room, .. }
            | Self::Leave { room, .. }
            | Self::CompareMembers { room, .. }
            | Self::LeaveIfAlone { room, .. }
            | Self::InviteFocus { room, .. }
            | Self::Announce { room, .. }
            | Self::CountOut { room, .. }
            | Self::Notice { room, .. } => room,
            Self::AskAdmission { direct, .. } => direct,
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::NegotiateOffer { to, .. }
            | Self::AssertIdentity { to, .. }
            | Self::Reject { to }
            | Self::Hangup { to, .. } => &to.room,
        }
    }

    /// The user of ours in whose name it is made.
    #[must_use]
    pub const fn focus(&self) -> &FocusUser {
        match self {
            Self::JoinGroup { focus, .. }
            | Self::JoinDirect { focus, .. }
            | Self::Leave { focus, .. }
            | Self::AskAdmission { focus, .. }
            | Self::CompareMembers { focus, .. }
            | Self::Announce { focus, .. }
            | Self::CountOut { focus, .. }
            | Self::Notice { focus, .. } => focus,
            Self::JoinAsBot { bot, .. } | Self::LeaveIfAlone { bot, .. } | Self::InviteFocus { bot, .. } => {
                bot
            }
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::NegotiateOffer { to, .. }
            | Self::AssertIdentity { to, .. }
            | Self::Reject { to }
            | Self::Hangup { to, .. } => &to.focus,
        }
    }

    /// The moment after which it need not be sent any more, if there is one.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        match self {
            Self::AskAdmission { expires, .. }
            | Self::CompareMembers { expires, .. }
            | Self::Answer { expires, .. }
            | Self::NegotiateAnswer { expires, .. }
            | Self::NegotiateOffer { expires, .. }
            | Self::AssertIdentity { expires, .. } => Some(*expires),
            Self::JoinGroup { .. }
            | Self::JoinDirect { .. }
            | Self::JoinAsBot { .. }
            | Self::Leave { .. }
            | Self::LeaveIfAlone { .. }
            | Self::InviteFocus { .. }
            | Self::Announce { .. }
            | Self::CountOut { .. }
            | Self::Reject { .. }
            | Self::Hangup { .. }
            | Self::Notice { .. } => None,
        }
    }
}

/// What people are told in a room. The words are signalling's.
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
    /// The group room is encrypted: its calls are decrypted where they are mixed. Said in the group room.
    GroupEncrypted {
        /// The group room.
        group: RoomKey,
    },
    /// Their call was ended by us.
    Ended {
        /// Why.
        why: EndReason,
        /// The group room whose conference it was.
        group: RoomKey,
    },
    /// The group room was upgraded: the conference is to be called in the new one.
    RoomReplaced {
        /// The old group room.
        group: RoomKey,
        /// The new one.
        by: RoomKey,
    },
    /// They are in the conference now. It says all that they hear, or don't, when they come in.
    Joined {
        /// The group room of the conference.
        group: RoomKey,
        /// How many others are in it.
        others: usize,
        /// Why they are not heard; `None`: they are.
        silenced: Option<Silenced>,
    },
    /// The bot says how the conference of a room is called.
    Welcome {
        /// The room.
        group: RoomKey,
        /// Whom to call; `None`: the room can have no focus user, since its id would be too long.
        focus: Option<FocusUser>,
        /// What is said in the room can't be read.
        encrypted: bool,
    },
    /// The bot can't read any more what is said in the room.
    Deaf {
        /// The room.
        group: RoomKey,
    },
    /// A conference began; said in the group room.
    Began {
        /// The group room.
        group: RoomKey,
        /// Who is in it first.
        by: MemberId,
    },
    /// The conference is over; said in the group room.
    Over {
        /// The group room.
        group: RoomKey,
        /// How long it lasted.
        lasted: Millis,
    },
    /// They are heard again, or no longer, by no doing of their own.
    Voice {
        /// The group room of the conference.
        group: RoomKey,
        /// Why they are not heard; `None`: they are.
        silenced: Option<Silenced>,
    },
    /// The reply to a command.
    Reply {
        /// The group room of the conference that was asked.
        group: RoomKey,
        /// What was asked.
        command: Command,
        /// What came of it.
        reply: Reply,
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
    /// The operator does not let this caller, or its homeserver, take part.
    NotAllowed,
    /// A moderator has removed the caller from the conference, and the time of that is not over.
    Kicked,
    /// A moderator has locked the conference.
    Locked,
    /// The group room was upgraded; its conference is in the new one.
    RoomReplaced,
    /// The group room is encrypted, and the operator does not let its calls be decrypted here.
    RoomEncrypted,
    /// The conference has as many participants or calls as it may have.
    Full,
    /// There are as many conferences as there may be.
    Busy,
    /// The caller has as many calls as one user may have.
    TooManyCalls,
    /// The caller's homeserver has as many calls as one may have.
    ServerFull,
    /// The offer can't be answered.
    Offer(OfferRefusal),
    /// The homeserver did not tell whether the caller is a member.
    Unknown,
}

/// Why an invite gets no word at all. Each other one gets exactly one answer, reject or hangup, unless its caller ends it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silence {
    /// The same call rings or runs already.
    Repeated,
    /// The call was ended before.
    Ended,
    /// It had run out when it came.
    Expired,
    /// It was not placed in a 1:1 room with one of our focus users: other people's clients ring.
    NotInDirectRoom,
    /// It names someone else as the one who is called.
    NotForUs,
    /// Several focus users are in the 1:1 room and the call names none of them; said in words, since none of them was called.
    Ambiguous,
    /// Its caller has placed more calls in short time than one user may.
    TooFast,
    /// Its call id, or another name in it, is longer than names may be.
    NameTooLong,
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
    /// No media came, though the connection stood and the caller was not muted.
    NoMedia,
    /// A moderator removed the caller.
    Kicked,
    /// A moderator ended the conference.
    Ended,
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
        /// The number of the offer, which comes back with its answer.
        number: OfferNumber,
        /// The caller's offer.
        offer: Sdp,
    },
    /// Answer a changed offer of a running leg. One that comes while another is being answered takes its place.
    Renegotiate {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The number of the offer, which comes back with its answer.
        number: OfferNumber,
        /// The new offer.
        offer: Sdp,
    },
    /// Set up media for a leg whose session was lost and make an offer; answered by
    /// [`MediaReport::OfferReady`](crate::MediaReport::OfferReady), or by
    /// [`NoOffer`](crate::MediaReport::NoOffer) from an engine that can't.
    Offer {
        /// The leg.
        leg: LegId,
        /// Its session; later commands and all reports carry it.
        generation: Generation,
        /// Where its sound goes.
        conference: ConferenceId,
        /// Whose voice it is.
        participant: ParticipantId,
    },
    /// The caller's answer to our offer.
    Accept {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The answer.
        answer: Sdp,
    },
    /// Whether a leg's sound goes into the mix. It does, until this says otherwise.
    SetHeard {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// It is heard.
        heard: bool,
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
    /// What a participant may do, or has asked for, changed.
    Standing {
        /// The conference.
        conference: ConferenceId,
        /// The participant.
        participant: ParticipantId,
        /// Who that is.
        member: MemberId,
        /// What they are allowed.
        role: Role,
        /// Why they are not heard; `None`: they are, as far as they send.
        silenced: Option<Silenced>,
        /// They have raised a hand.
        hand: bool,
    },
    /// The conference was locked or unlocked, or became an audience's, or no longer.
    Floor {
        /// The conference.
        conference: ConferenceId,
        /// Nobody new comes in but moderators.
        locked: bool,
        /// Only those speak who have the role or were given the word.
        audience: bool,
    },
    /// Another one has the word. Nobody while silence lasts would flicker, so the last speaker stays until another speaks or
    /// they leave.
    ActiveSpeaker {
        /// The conference.
        conference: ConferenceId,
        /// Who speaks; `None`: nobody has yet, or the one who did is gone.
        speaker: Option<ParticipantId>,
        /// Who spoke before, the last one first, without `speaker`.
        before: Vec<ParticipantId>,
    },
    /// A call was placed that gets no word.
    CallIgnored {
        /// The call.
        key: CallKey,
        /// Why.
        why: Silence,
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
        /// The caller sends pictures of itself.
        camera: bool,
        /// The caller shares its screen.
        screen: bool,
    },
    /// Media is connected, and the caller has put the call on hold.
    Held,
    /// Media is interrupted, or its session was lost and is being set up anew.
    Reconnecting,
    /// It is over.
    Left(EndReason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_no_use_later_says_until_when() {
        let expires = Timestamp::from_unix_millis(5);
        let question = SignalRequest::AskAdmission {
            focus: "@focus".into(),
            group: "!group".into(),
            direct: "!direct".into(),
            member: "@anna".into(),
            expires,
        };
        assert_eq!(question.expires(), Some(expires));
        let leave = SignalRequest::Leave { focus: "@focus".into(), room: "!group".into() };
        assert_eq!(leave.expires(), None);
    }
}
