//! What people may ask of a conference in words (rule R10), who may ask for it, and what they are told.
//!
//! | Command | Who may |
//! |---|---|
//! | help | everyone |
//! | who | every participant; in the group room everyone |
//! | raise and lower one's own hand, mute and unmute oneself | participants |
//! | start: a focus user comes | everyone in the group room |
//! | everything else | moderators |
//!
//! The text of commands and replies never lives here: words are signalling's.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{FocusUser, MemberId, ParticipantId};
use crate::picture::{Layout, LayoutChoice};

/// What a member of the group room is allowed. Signalling derives it from what the room's own rules say of the member (in
/// Matrix: its power level); the machine knows no levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Takes part; has no voice in a conference with an audience unless given the word.
    #[default]
    Member,
    /// Has a voice in every conference.
    Speaker,
    /// Has a voice in every conference, and keeps order.
    Moderator,
}

/// Something asked of a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// What can be asked for?
    Help,
    /// Who is here?
    Who,
    /// Raise one's hand.
    RaiseHand,
    /// Lower one's own hand, or (moderators) another one's.
    LowerHand(Whom),
    /// Not be heard any more: oneself, or (moderators) another one, or everyone.
    Mute(Whom),
    /// Be heard again. Who was muted by a moderator is unmuted by a moderator.
    Unmute(Whom),
    /// Remove a participant, and refuse their calls until [`Unkick`](Self::Unkick), the end of the conference, or for
    /// [`Config::kick_lasts`](crate::Config::kick_lasts).
    Kick(MemberId),
    /// Let someone call again.
    Unkick(MemberId),
    /// Let nobody new in but moderators.
    Lock,
    /// Let everyone in again.
    Unlock,
    /// Only members of a speaker's role, and those who are given the word, are heard.
    StartAudience,
    /// Everyone is heard.
    EndAudience,
    /// Give someone the word, in a conference with an audience.
    Grant(MemberId),
    /// Take the word back.
    Revoke(MemberId),
    /// Have the conference recorded, which everyone in it is told.
    Record,
    /// Have it recorded no more.
    StopRecording,
    /// Show pictures so.
    Layout(LayoutChoice),
    /// Show the screen no more that is shown now.
    StopScreen,
    /// End the conference for everyone.
    End,
    /// Have a focus user come into the group room, which can then be called.
    Start,
    /// Have the focus stay in the group room for good, as [`Config::stay`](crate::Config::stay) does.
    Stay,
    /// Have it leave when it is not needed again.
    EndStay,
}

/// Whom a command is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// The one who asks.
    Oneself,
    /// Someone else.
    Member(MemberId),
    /// Everyone here but moderators; for muting also those who come later, until everyone is unmuted.
    Everyone,
}

/// What comes of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, or was so before.
    Done,
    /// What can be asked for.
    Help,
    /// Who is here.
    Who(Roll),
    /// The bot has invited the focus user, who can be called now.
    Invited {
        /// Who.
        focus: FocusUser,
    },
    /// The bot may not invite the focus user.
    MayNotInvite {
        /// Who has to be invited.
        focus: FocusUser,
        /// Members who may, the most powerful first; not all of them.
        ask: Vec<MemberId>,
    },
    /// It is not done.
    Denied(Denial),
}

/// Why a command is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// There is no conference here now.
    NoConference,
    /// There is no conference here now, and no focus user who could be called.
    NotStarted,
    /// Only those who are in the conference may ask for it.
    NotInConference,
    /// Only moderators may ask for it.
    NotAModerator,
    /// The one it is about is not in the conference.
    NoSuchParticipant,
    /// A moderator is not removed by another one.
    TargetIsModerator,
    /// A moderator muted the one who asks, and only a moderator unmutes.
    MutedByModerator,
    /// It is a conference with an audience: raise a hand to be given the word.
    Audience,
    /// The operator lets no conference be recorded.
    NoRecordings,
    /// Nobody is in the conference who could be recorded.
    NobodyToRecord,
    /// No screen is shown that could be stopped.
    NoScreen,
    /// The machine could not compose the grid just now, and is not asked to again so soon.
    GridTooMuch,
    /// The operator has the focus stay here, which is not for moderators to change.
    StaysAnyhow,
    /// The focus stays in as many rooms as it may.
    TooManyStay,
    /// The operator does not let the one who asks take part.
    NotAllowed,
    /// The room can have no focus user: its id would be too long, and there are as many made-up names as there may be.
    NoFocusUser,
    /// The homeserver did not do it now; or the focus user is just coming in, and it is not known yet who is a moderator.
    NotNow,
}

/// Why a participant is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silenced {
    /// They asked for it.
    ByThemselves,
    /// A moderator muted them.
    ByModerator,
    /// It is a conference with an audience, and they are of it.
    Audience,
}

/// Who is in a conference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roll {
    /// How many there are.
    pub total: usize,
    /// The first of them, in the order in which they came: at most [`Limits::roll`](crate::Limits::roll).
    pub present: Vec<Present>,
    /// Nobody new comes in but moderators.
    pub locked: bool,
    /// Only those are heard who have the role or were given the word.
    pub audience: bool,
    /// Who has it recorded; `None`: it is not.
    #[serde(default)]
    pub recorded_by: Option<MemberId>,
    /// How pictures are shown.
    #[serde(default)]
    pub layout: Layout,
    /// Which layout is wanted, by a moderator or the operator.
    #[serde(default)]
    pub layout_wanted: LayoutChoice,
    /// Whose screen is shown.
    #[serde(default)]
    pub screen_of: Option<MemberId>,
}

/// One participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// The participant.
    pub participant: ParticipantId,
    /// Who that is.
    pub member: MemberId,
    /// What they are allowed.
    pub role: Role,
    /// Why they are not heard; `None`: they are, as far as they send.
    pub silenced: Option<Silenced>,
    /// Their microphones are all off, as their clients say.
    pub muted: bool,
    /// Where they stand in the queue of raised hands, from 1.
    pub hand: Option<usize>,
    /// They are the active speaker.
    pub speaking: bool,
    /// Their camera is on.
    #[serde(default)]
    pub camera: bool,
    /// Much of the sound from or to them is lost on the way: more than 5 %, by two reports in a row.
    #[serde(default)]
    pub poor_connection: bool,
    /// How many calls they are in with.
    pub calls: usize,
}
