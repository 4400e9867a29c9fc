//! What the machine wants done: commands to signalling, and news for whoever watches.
//!
//! How an effect is carried out never lives here, nor commands to the engine (`engine.rs`), nor what people are told
//! (`notice.rs`).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::announcement::Announcement;
use crate::call::{CallAddress, HangupReason, Sdp, StreamMetadata};
use crate::command::{Role, Silenced};
use crate::engine::MediaCommand;
use crate::id::{
    CallKey, ConferenceId, FocusUser, LegId, MemberId, ParticipantId, RequestId, RoomKey, ServerName,
};
use crate::input::LevelDbov;
pub use crate::notice::{EndReason, Notice, Refusal, ScreenNotice, Silence};
use crate::picture::{LayoutChoice, View};
use crate::quality::Quality;
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
    /// Join the group room (rule R2), and clear what the focus user may have announced there before.
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
    /// Ask which rooms a focus user, or the bot, is joined to; answered by [`RequestOutcome::Rooms`](crate::RequestOutcome::Rooms).
    AskRooms {
        /// Who asks for its own.
        focus: FocusUser,
        /// The group room that it is a door to; one of those that the bot is in.
        group: RoomKey,
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
    /// Say anew what our streams are for: there is something to see in them, or no more (`m.call.sdp_stream_metadata_changed`).
    DescribeStreams {
        /// The call.
        to: CallAddress,
        /// All of its streams that are ours.
        streams: StreamMetadata,
        /// When it is of no use any more.
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
            // In line with the joins and leaves that matter most.
            Self::AskRooms { group, .. } => group,
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::NegotiateOffer { to, .. }
            | Self::DescribeStreams { to, .. }
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
            | Self::AskRooms { focus, .. }
            | Self::Announce { focus, .. }
            | Self::CountOut { focus, .. }
            | Self::Notice { focus, .. } => focus,
            Self::JoinAsBot { bot, .. } | Self::LeaveIfAlone { bot, .. } | Self::InviteFocus { bot, .. } => {
                bot
            }
            Self::Answer { to, .. }
            | Self::NegotiateAnswer { to, .. }
            | Self::NegotiateOffer { to, .. }
            | Self::DescribeStreams { to, .. }
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
            | Self::DescribeStreams { expires, .. }
            | Self::AssertIdentity { expires, .. } => Some(*expires),
            Self::JoinGroup { .. }
            | Self::JoinDirect { .. }
            | Self::JoinAsBot { .. }
            | Self::Leave { .. }
            | Self::AskRooms { .. }
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
    /// The conference is recorded, or no longer.
    Recording {
        /// The conference.
        conference: ConferenceId,
        /// Who wants it so; `None`: it is not recorded.
        by: Option<MemberId>,
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
    /// Others are shown, or otherwise.
    Pictures {
        /// The conference.
        conference: ConferenceId,
        /// The layout that is wanted; what it comes to now is in `view`.
        choice: LayoutChoice,
        /// What is shown.
        view: View,
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
    /// How well a leg's packets get through.
    Quality {
        /// The conference.
        conference: ConferenceId,
        /// The leg.
        leg: LegId,
        /// What was measured since the news before.
        quality: Quality,
        /// The connection is poor, by this and what was told before.
        poor: bool,
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
