//! What people are told in words, and why calls are refused, passed over in silence, or ended.
//!
//! The words themselves never live here: they are signalling's.

use serde::{Deserialize, Serialize};

use crate::command::{Command, Reply, Silenced};
use crate::id::{FocusUser, MemberId, RoomKey};
use crate::input::OfferRefusal;
use crate::sound::RecordingEnd;
use crate::time::Millis;

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
        /// Who has the conference recorded; `None`: it is not.
        #[serde(default)]
        recorded_by: Option<MemberId>,
    },
    /// The bot says how the conference of a room is called.
    Welcome {
        /// The room.
        group: RoomKey,
        /// Whom to call; `None`: the room can have no focus user.
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
    /// The conference is recorded from now on; said in the group room and to each who is in it.
    RecordingStarted {
        /// The group room of the conference.
        group: RoomKey,
        /// Who wants it so.
        by: MemberId,
    },
    /// It is not recorded any more; said to the same.
    RecordingStopped {
        /// The group room of the conference.
        group: RoomKey,
        /// Why.
        why: RecordingEnd,
    },
    /// The grid was too much for the machine, which shows who speaks instead; said in the group room.
    FellBack {
        /// The group room of the conference.
        group: RoomKey,
    },
    /// Of the screen that they share.
    Screen {
        /// The group room of the conference.
        group: RoomKey,
        /// What there is to say of it.
        notice: ScreenNotice,
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

/// What one who shares a screen is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScreenNotice {
    /// Another one shares, and is shown; theirs is when that ends.
    Waits {
        /// Whose is shown.
        by: MemberId,
    },
    /// It is shown now.
    Shown,
    /// Only those who may speak may share.
    Audience,
    /// A moderator stopped it.
    Stopped,
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
    /// The answer could not be delivered: the homeserver refused it for good, or was away for as long as the invite lived.
    AnswerUndeliverable,
    /// A changed offer could not be answered.
    Renegotiation(OfferRefusal),
}
