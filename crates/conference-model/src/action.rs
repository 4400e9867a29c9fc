//! Everything that may happen in the small world, each made of five bytes, so that every string of bytes is a history.
//!
//! Numbers are taken modulo what there is at that moment. What an action does never lives here, see `world.rs`.

use confocal_conference::{Command, LayoutChoice, MemberId, RequestFailure, Role, Whom};
use serde::{Deserialize, Serialize};

use crate::setup;

/// How many bytes make an action.
pub const BYTES: usize = 5;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// What well-behaved parties would do next: of all such things one.
    Onward {
        /// Which.
        which: u8,
    },
    /// A focus user is invited into its group room.
    InviteToGroup {
        /// Which focus user.
        door: u8,
        /// By whom.
        by: u8,
    },
    /// A focus user is invited into a 1:1 room.
    InviteToDirect {
        /// Whose room.
        user: u8,
        /// Which of theirs.
        room: u8,
        /// Which focus user.
        door: u8,
    },
    /// The bot is invited into a group room.
    InviteBot {
        /// Which.
        group: u8,
        /// By whom.
        by: u8,
    },
    /// The bot is no longer in a group room.
    RemoveBot {
        /// Which.
        group: u8,
    },
    /// A user of our namespace that is no focus user is invited.
    InviteNobody {
        /// Into whose room.
        user: u8,
    },
    /// A room is encrypted.
    Encrypt {
        /// Whose room.
        user: u8,
        /// Which of theirs.
        room: u8,
    },
    /// A new call.
    Call {
        /// By whom.
        user: u8,
        /// In which of their rooms, by which of their devices.
        place: u8,
        /// Version, metadata, microphone, invitee, size: see [`CallKind`].
        kind: u8,
        /// How long the invite lives.
        lifetime: u8,
    },
    /// An invite comes again.
    Repeat {
        /// Of which call.
        call: u8,
    },
    /// Candidates of a call that is known, or of the next one.
    Candidates {
        /// Of which call.
        call: u8,
        /// Of which party.
        party: u8,
        /// How many and how long.
        shape: u8,
    },
    /// The caller hangs up a call that is known, or the next one.
    HangUp {
        /// Which call.
        call: u8,
        /// Which party.
        party: u8,
    },
    /// The caller chooses an answer.
    Select {
        /// In which call.
        call: u8,
        /// Ours, or another.
        ours: bool,
    },
    /// The caller offers a change.
    Negotiate {
        /// Of which call.
        call: u8,
        /// Which party.
        party: u8,
        /// Lifetime, metadata, size.
        kind: u8,
    },
    /// The caller answers our offer.
    NegotiateAnswer {
        /// In which call.
        call: u8,
        /// Which party.
        party: u8,
    },
    /// The caller mutes or unmutes itself.
    Metadata {
        /// In which call.
        call: u8,
        /// Which party.
        party: u8,
        /// Muted.
        muted: bool,
    },
    /// A user leaves a group room.
    LeaveGroup {
        /// Who.
        user: u8,
        /// Which room.
        group: u8,
    },
    /// A user leaves a 1:1 room, their own or another's.
    LeaveDirect {
        /// Who.
        user: u8,
        /// Whose room.
        of: u8,
        /// Which of theirs.
        room: u8,
    },
    /// A focus user is no longer in its group room.
    RemoveFocus {
        /// Which.
        door: u8,
    },
    /// A focus user is no longer in a 1:1 room.
    RemoveFocusFromDirect {
        /// Which.
        door: u8,
        /// Whose room.
        user: u8,
        /// Which of theirs.
        room: u8,
    },
    /// The roles of a group room.
    Roles {
        /// Which room.
        group: u8,
        /// Two bits for each user, and two for everyone else.
        pattern: u8,
    },
    /// A group room is upgraded.
    Replace {
        /// Which.
        group: u8,
    },
    /// Someone asks for something.
    Command {
        /// Who.
        user: u8,
        /// In which of their rooms, or in the group room.
        place: u8,
        /// What.
        command: u8,
        /// About whom.
        target: u8,
    },
    /// The first request of a room is over.
    Outcome {
        /// Of which room.
        which: u8,
        /// How: see [`Outcome`].
        outcome: u8,
    },
    /// The engine reports of a session.
    Engine {
        /// Which session.
        which: u8,
        /// What: see `world.rs`.
        report: u8,
        /// Whether it is from an older session or of an older offer, and what was agreed.
        shade: u8,
    },
    /// Someone is heard, for two tenths of a second.
    Levels {
        /// By which session.
        which: u8,
        /// How loud.
        loud: u8,
        /// Whether it is told how well packets get through, and how well: see `acts/engine.rs`.
        #[serde(default)]
        quality: u8,
    },
    /// Time passes.
    Time {
        /// How: to the next deadline, past it, a bit, long, or untold.
        how: u8,
        /// How long.
        span: u8,
    },
    /// The engine fails and begins anew.
    EngineLost,
    /// The process dies and comes back.
    Restart {
        /// How long it was away.
        away: u8,
    },
}

/// What kinds of action there are, by name and weight: how many of 256 first bytes mean it.
pub const KINDS: [(&str, u16); 28] = [
    ("Onward", 98),
    ("InviteBot", 2),
    ("RemoveBot", 1),
    ("InviteToGroup", 4),
    ("InviteToDirect", 4),
    ("InviteNobody", 1),
    ("Encrypt", 1),
    ("Call", 16),
    ("Repeat", 2),
    ("Candidates", 5),
    ("HangUp", 5),
    ("Select", 3),
    ("Negotiate", 8),
    ("NegotiateAnswer", 3),
    ("Metadata", 4),
    ("LeaveGroup", 2),
    ("LeaveDirect", 1),
    ("RemoveFocus", 1),
    ("RemoveFocusFromDirect", 1),
    ("Roles", 3),
    ("Replace", 1),
    ("Command", 34),
    ("Outcome", 14),
    ("Engine", 18),
    ("Levels", 9),
    ("Time", 11),
    ("EngineLost", 2),
    ("Restart", 2),
];

impl Action {
    /// Takes an action off the bytes; `None` when none are left. What is missing at the end is zero.
    pub fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let taken = bytes.len().min(BYTES);
        let mut whole = [0; BYTES];
        whole[..taken].copy_from_slice(&bytes[..taken]);
        *bytes = &bytes[taken..];
        let [_, a, b, c, d] = whole;
        Some(match kind_of(first) {
            "Onward" => Self::Onward { which: a },
            "InviteToGroup" => Self::InviteToGroup { door: a, by: b },
            "InviteToDirect" => Self::InviteToDirect { user: a, room: b, door: c },
            "InviteBot" => Self::InviteBot { group: a, by: b },
            "RemoveBot" => Self::RemoveBot { group: a },
            "InviteNobody" => Self::InviteNobody { user: a },
            "Encrypt" => Self::Encrypt { user: a, room: b },
            "Call" => Self::Call { user: a, place: b, kind: c, lifetime: d },
            "Repeat" => Self::Repeat { call: a },
            "Candidates" => Self::Candidates { call: a, party: b, shape: c },
            "HangUp" => Self::HangUp { call: a, party: b },
            "Select" => Self::Select { call: a, ours: b & 1 == 0 },
            "Negotiate" => Self::Negotiate { call: a, party: b, kind: c },
            "NegotiateAnswer" => Self::NegotiateAnswer { call: a, party: b },
            "Metadata" => Self::Metadata { call: a, party: b, muted: c & 1 == 0 },
            "LeaveGroup" => Self::LeaveGroup { user: a, group: b },
            "LeaveDirect" => {
                Self::LeaveDirect { user: a, of: if b.is_multiple_of(8) { c } else { a }, room: d }
            }
            "RemoveFocus" => Self::RemoveFocus { door: a },
            "RemoveFocusFromDirect" => Self::RemoveFocusFromDirect { door: a, user: b, room: c },
            "Roles" => Self::Roles { group: a, pattern: b },
            "Replace" => Self::Replace { group: a },
            "Command" => Self::Command { user: a, place: b, command: c, target: d },
            "Outcome" => Self::Outcome { which: a, outcome: b },
            "Engine" => Self::Engine { which: a, report: b, shade: c },
            "Levels" => Self::Levels { which: a, loud: b, quality: c },
            "Time" => Self::Time { how: a, span: b },
            "EngineLost" => Self::EngineLost,
            _ => Self::Restart { away: a },
        })
    }

    /// All the actions that bytes mean.
    #[must_use]
    pub fn decode_all(mut bytes: &[u8]) -> Vec<Self> {
        let mut actions = Vec::with_capacity(bytes.len() / BYTES + 1);
        while let Some(action) = Self::decode(&mut bytes) {
            actions.push(action);
        }
        actions
    }

    /// Its kind, as [`KINDS`] names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Onward { .. } => "Onward",
            Self::InviteToGroup { .. } => "InviteToGroup",
            Self::InviteToDirect { .. } => "InviteToDirect",
            Self::InviteBot { .. } => "InviteBot",
            Self::RemoveBot { .. } => "RemoveBot",
            Self::InviteNobody { .. } => "InviteNobody",
            Self::Encrypt { .. } => "Encrypt",
            Self::Call { .. } => "Call",
            Self::Repeat { .. } => "Repeat",
            Self::Candidates { .. } => "Candidates",
            Self::HangUp { .. } => "HangUp",
            Self::Select { .. } => "Select",
            Self::Negotiate { .. } => "Negotiate",
            Self::NegotiateAnswer { .. } => "NegotiateAnswer",
            Self::Metadata { .. } => "Metadata",
            Self::LeaveGroup { .. } => "LeaveGroup",
            Self::LeaveDirect { .. } => "LeaveDirect",
            Self::RemoveFocus { .. } => "RemoveFocus",
            Self::RemoveFocusFromDirect { .. } => "RemoveFocusFromDirect",
            Self::Roles { .. } => "Roles",
            Self::Replace { .. } => "Replace",
            Self::Command { .. } => "Command",
            Self::Outcome { .. } => "Outcome",
            Self::Engine { .. } => "Engine",
            Self::Levels { .. } => "Levels",
            Self::Time { .. } => "Time",
            Self::EngineLost => "EngineLost",
            Self::Restart { .. } => "Restart",
        }
    }
}

fn kind_of(first: u8) -> &'static str {
    let mut left = u16::from(first);
    for (name, weight) in KINDS {
        if left < weight {
            return name;
        }
        left -= weight;
    }
    "Onward"
}

/// How a call is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallKind {
    /// Version 0.
    pub v0: bool,
    /// The streams are described.
    pub metadata: bool,
    /// The microphone is off.
    pub muted: bool,
    /// Whom it names.
    pub invitee: Invitee,
    /// The offer is larger than it may be.
    pub huge: bool,
    /// The call's name is longer than it may be.
    pub long_name: bool,
}

/// Whom a call names as the one who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invitee {
    /// Nobody.
    Nobody,
    /// The focus user that the room is naturally with.
    Natural,
    /// Another focus user.
    Another,
    /// Someone who is none of ours.
    Stranger,
}

impl CallKind {
    /// Every byte is a kind; most are ordinary.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        let odd = byte >> 5 == 7;
        Self {
            v0: byte & 3 == 3,
            metadata: byte & 3 != 2 && byte & 3 != 3,
            muted: byte & 4 != 0,
            invitee: match (byte >> 3) & 3 {
                1 | 3 if odd => Invitee::Stranger,
                1 => Invitee::Natural,
                2 if odd => Invitee::Another,
                _ => Invitee::Nobody,
            },
            huge: odd && byte & 0b0001_1111 == 0,
            long_name: odd && byte & 0b0001_1111 == 1,
        }
    }
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As wished for.
    Good,
    /// The homeserver says that the caller is no member.
    NotJoined,
    /// The homeserver says that the 1:1 room has a third person in it.
    ThirdPerson,
    /// It fails.
    Failed(RequestFailure),
}

impl Outcome {
    /// Every byte is an outcome.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte % 8 {
            0 | 1 => Self::Good,
            2 => Self::NotJoined,
            3 => Self::ThirdPerson,
            4 => Self::Failed(RequestFailure::Forbidden),
            5 => Self::Failed(RequestFailure::NotFound),
            6 => Self::Failed(RequestFailure::Rejected),
            _ => Self::Failed(RequestFailure::Expired),
        }
    }
}

/// A command, by any number, about someone. What ends or closes everything is rarer than what undoes it.
#[must_use]
pub fn command(number: u8, target: u8) -> Command {
    let member: MemberId = setup::user(target);
    match number % 32 {
        0 => Command::Who,
        1 | 2 => Command::RaiseHand,
        3 => Command::LowerHand(Whom::Oneself),
        4 => Command::LowerHand(Whom::Member(member)),
        5 => Command::LowerHand(Whom::Everyone),
        6 | 7 => Command::Mute(Whom::Oneself),
        8 => Command::Mute(Whom::Member(member)),
        9 => Command::Mute(Whom::Everyone),
        10 | 11 => Command::Unmute(Whom::Oneself),
        12 | 13 => Command::Unmute(Whom::Member(member)),
        14 | 15 => Command::Unmute(Whom::Everyone),
        16 => Command::Kick(member),
        17 | 18 => Command::Unkick(member),
        19 => Command::Lock,
        20 | 21 => Command::Unlock,
        22 | 23 => Command::StartAudience,
        24 => Command::EndAudience,
        25 | 26 => Command::Grant(member),
        27 => Command::Revoke(member),
        28 if target.is_multiple_of(2) => Command::End,
        28 => Command::RaiseHand,
        29 if target >= 128 => Command::Layout(match target % 3 {
            0 => LayoutChoice::Speaker,
            1 => LayoutChoice::Grid,
            _ => LayoutChoice::Auto,
        }),
        29 => Command::Record,
        30 if target.is_multiple_of(4) => Command::Help,
        30 if target % 4 == 1 => Command::StopRecording,
        30 if target >= 128 => Command::StopScreen,
        30 => Command::Record,
        _ => match target % 4 {
            0 => Command::Stay,
            1 => Command::EndStay,
            _ => Command::Start,
        },
    }
}

/// Whom a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The one who asks.
    Oneself,
    /// Another member, or everyone, or nobody.
    Others,
}

/// Whom a command is about.
#[must_use]
pub const fn about(command: &Command) -> About {
    match command {
        Command::Help
        | Command::Who
        | Command::Start
        | Command::RaiseHand
        | Command::LowerHand(Whom::Oneself)
        | Command::Mute(Whom::Oneself)
        | Command::Unmute(Whom::Oneself) => About::Oneself,
        Command::LowerHand(Whom::Member(_) | Whom::Everyone)
        | Command::Mute(Whom::Member(_) | Whom::Everyone)
        | Command::Unmute(Whom::Member(_) | Whom::Everyone)
        | Command::Kick(_)
        | Command::Unkick(_)
        | Command::Lock
        | Command::Unlock
        | Command::StartAudience
        | Command::EndAudience
        | Command::Grant(_)
        | Command::Revoke(_)
        | Command::Record
        | Command::StopRecording
        | Command::Layout(_)
        | Command::StopScreen
        | Command::Stay
        | Command::EndStay
        | Command::End => About::Others,
    }
}

/// The same command about another member, if it is about one.
#[must_use]
pub fn about_member(command: Command, member: MemberId) -> Command {
    match command {
        Command::LowerHand(Whom::Member(_)) => Command::LowerHand(Whom::Member(member)),
        Command::Mute(Whom::Member(_)) => Command::Mute(Whom::Member(member)),
        Command::Unmute(Whom::Member(_)) => Command::Unmute(Whom::Member(member)),
        Command::Kick(_) => Command::Kick(member),
        Command::Grant(_) => Command::Grant(member),
        Command::Revoke(_) => Command::Revoke(member),
        other @ (Command::Help
        | Command::Who
        | Command::RaiseHand
        | Command::LowerHand(_)
        | Command::Mute(_)
        | Command::Unmute(_)
        | Command::Unkick(_)
        | Command::Lock
        | Command::Unlock
        | Command::StartAudience
        | Command::EndAudience
        | Command::Start
        | Command::Record
        | Command::StopRecording
        | Command::Layout(_)
        | Command::StopScreen
        | Command::Stay
        | Command::EndStay
        | Command::End) => other,
    }
}

/// A role, by any number.
#[must_use]
pub const fn role(number: u8) -> Role {
    match number % 4 {
        0 | 3 => Role::Member,
        1 => Role::Speaker,
        _ => Role::Moderator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_means_a_kind_and_the_weights_are_a_byte() {
        assert_eq!(KINDS.iter().map(|(_, weight)| weight).sum::<u16>(), 256);
        for (name, weight) in KINDS {
            let bytes: Vec<u8> = (0..=255).filter(|byte| kind_of(*byte) == name).collect();
            assert_eq!(bytes.len(), usize::from(weight), "{name}");
            assert_eq!(Action::decode(&mut &[bytes[0]][..]).map(|action| action.name()), Some(name));
        }
    }

    #[test]
    fn bytes_are_taken_to_the_last() {
        assert_eq!(Action::decode_all(&[0; BYTES * 3 + 1]).len(), 4);
        assert!(Action::decode_all(&[]).is_empty());
    }
}
