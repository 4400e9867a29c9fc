//! What an event means to a conference: JSON in, inputs or a reason for none out.
//!
//! Pure: nothing here asks a homeserver, a clock or a store, or knows what the inputs lead to.

use confocal::conference::{CallInvite, CallKey, FocusUser, Input, MemberId, Millis, RoomKey, ServerName};
use ruma_common::{OwnedUserId, RoomId, UserId};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::commands::{ALIVE, MessageContent};
use crate::event::{
    CandidatesContent, Common, Event, HangupContent, InviteContent, MemberContent, MetadataContent,
    NegotiateContent, SelectAnswerContent, TombstoneContent, Unfit,
};
use crate::focus_id::{FocusIdScheme, UserKind};
use crate::roles::PowerLevels;

/// Reads events for the focus users of one scheme.
#[derive(Clone, Debug)]
pub struct Translator {
    scheme: FocusIdScheme,
    bot: OwnedUserId,
}

/// What an event came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it means to the machine, or why nothing.
    pub meaning: Result<Input, Skip>,
    /// It concerns none but the focus users: a bridge that shares the listener need not look at it.
    pub ours: bool,
}

/// Why an event has no input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skip {
    /// It is not a JSON object with the fields of its type.
    #[error("it can't be read")]
    Malformed,
    /// An id in it is longer than 255 bytes, or its SDP is longer than 256 KiB.
    #[error("a text in it is too long")]
    TooLong,
    /// Its lifetime had ended when it came.
    #[error("its lifetime has ended")]
    Expired,
    /// One of our own users sent it: the homeserver echoes.
    #[error("it is our own")]
    OwnEcho,
    /// It is for somebody else, or of a type that conferences don't know.
    #[error("it is not for a focus user")]
    NotForUs,
    /// It is encrypted, and there is no key to read it.
    #[error("it is encrypted")]
    Encrypted,
    /// It says nothing that is not known, as a member's change of name, or a call event that only callers need.
    #[error("it changes nothing")]
    NothingNew,
}

impl Translator {
    /// A reader for the focus users of `scheme`, in whose name `bot` (the application service's own user) speaks too.
    #[must_use]
    pub const fn new(scheme: FocusIdScheme, bot: OwnedUserId) -> Self {
        Self { scheme, bot }
    }

    /// The scheme by which focus users are known.
    #[must_use]
    pub const fn scheme(&self) -> &FocusIdScheme {
        &self.scheme
    }

    /// Reads one event of a transaction.
    #[must_use]
    pub fn read(&self, event: &RawValue) -> Reading {
        let Ok(event) = serde_json::from_str::<Event>(event.get()) else {
            return Reading { meaning: Err(Skip::Malformed), ours: false };
        };
        match (event.room_id.as_deref(), UserId::parse(event.sender.as_str())) {
            (Some(room), Ok(_)) if RoomId::parse(room).is_ok() => self.read_in(&event, &RoomKey::from(room)),
            _ => Reading { meaning: Err(Skip::Malformed), ours: false },
        }
    }

    /// Reads the call events among `events` of one room, oldest first, and keeps what belongs to calls that may still be
    /// answered: the rest is history.
    #[must_use]
    pub fn read_back<'a>(
        &self,
        room: &RoomKey,
        events: impl IntoIterator<Item = &'a RawValue>,
    ) -> Vec<Input> {
        let calls: Vec<Input> = events
            .into_iter()
            .filter_map(|event| serde_json::from_str::<Event>(event.get()).ok())
            .filter(|event| event.kind.starts_with("m.call.") && UserId::parse(event.sender.as_str()).is_ok())
            .filter_map(|event| self.read_in(&event, room).meaning.ok())
            .collect();
        let invited: Vec<CallKey> = calls
            .iter()
            .filter_map(
                |input| if let Input::CallInvited(invite) = input { Some(invite.key.clone()) } else { None },
            )
            .collect();
        calls.into_iter().filter(|input| call_of(input).is_some_and(|key| invited.contains(key))).collect()
    }

    fn read_in(&self, event: &Event, room: &RoomKey) -> Reading {
        match event.kind.as_str() {
            "m.room.member" => self.read_member(event, room),
            "m.room.encryption" if event.state_key.as_deref() == Some("") => {
                Reading { meaning: Ok(Input::RoomEncrypted { room: room.clone() }), ours: false }
            }
            "m.room.power_levels" if event.state_key.as_deref() == Some("") => {
                Reading { meaning: roles(room, &event.content), ours: false }
            }
            "m.room.tombstone" if event.state_key.as_deref() == Some("") => {
                Reading { meaning: replaced(room, &event.content), ours: false }
            }
            "m.room.message" => Reading { meaning: self.read_message(event, room), ours: false },
            "m.room.encrypted" => Reading { meaning: Err(Skip::Encrypted), ours: false },
            "org.matrix.call.sdp_stream_metadata_changed" => self.read_call(event, room),
            kind if kind.starts_with("m.call.") => self.read_call(event, room),
            _ => Reading { meaning: Err(Skip::NotForUs), ours: false },
        }
    }

    fn read_member(&self, event: &Event, room: &RoomKey) -> Reading {
        let Some(user) = event.state_key.as_deref() else {
            return Reading { meaning: Err(Skip::Malformed), ours: false };
        };
        let kind = self.scheme.classify(user);
        let ours = kind != UserKind::Other || user == self.bot.as_str();
        let Ok(content) = read::<MemberContent>(&event.content) else {
            return Reading { meaning: Err(Skip::Malformed), ours };
        };
        let meaning = match (kind, content.membership.as_str()) {
            (UserKind::Focus(group), "invite") => Ok(Input::FocusInvited {
                focus: FocusUser::from(user),
                group,
                room: room.clone(),
                by: MemberId::from(event.sender.as_str()),
                via: server_of(&event.sender).into_iter().collect(),
            }),
            (UserKind::Named, "invite") => Ok(Input::NamedFocusInvited {
                focus: FocusUser::from(user),
                room: room.clone(),
                by: MemberId::from(event.sender.as_str()),
                via: server_of(&event.sender).into_iter().collect(),
            }),
            // Its own leaving, which we asked for: by the time it echoes the focus user may be on its way back.
            (UserKind::Focus(_) | UserKind::Named, "leave") if event.sender == user => Err(Skip::OwnEcho),
            (UserKind::Focus(_) | UserKind::Named, "leave" | "ban") => {
                Ok(Input::FocusRemoved { focus: FocusUser::from(user), room: room.clone() })
            }
            // Who is no user can't be invited, nor decline.
            (UserKind::Undecodable, "invite") if UserId::parse(user).is_err() => Err(Skip::Malformed),
            (UserKind::Undecodable, "invite") => {
                Ok(Input::NobodyInvited { focus: FocusUser::from(user), room: room.clone() })
            }
            (UserKind::Other, membership) if user == self.bot.as_str() => {
                self.read_bot(event, room, membership)
            }
            (UserKind::Other, "leave" | "ban") => {
                Ok(Input::MemberRemoved { room: room.clone(), member: MemberId::from(user) })
            }
            // A join never admits anyone: admission is asked for at the call.
            _ => Err(Skip::NothingNew),
        };
        Reading { meaning, ours }
    }

    /// The application service's own user is invited, or removed.
    fn read_bot(&self, event: &Event, room: &RoomKey, membership: &str) -> Result<Input, Skip> {
        let bot = FocusUser::from(self.bot.as_str());
        match membership {
            "invite" => Ok(Input::BotInvited {
                bot,
                focus: self.scheme.name(room.as_str()),
                room: room.clone(),
                by: MemberId::from(event.sender.as_str()),
                via: server_of(&event.sender).into_iter().collect(),
            }),
            "leave" if event.sender == self.bot.as_str() => Err(Skip::OwnEcho),
            "leave" | "ban" => Ok(Input::FocusRemoved { focus: bot, room: room.clone() }),
            _ => Err(Skip::NothingNew),
        }
    }

    fn read_message(&self, event: &Event, room: &RoomKey) -> Result<Input, Skip> {
        if self.is_ours(&event.sender) {
            return Err(Skip::OwnEcho);
        }
        let command = read::<MessageContent>(&event.content)?.command().ok_or(Skip::NotForUs)?;
        if event.age() >= ALIVE {
            return Err(Skip::Expired);
        }
        Ok(Input::Commanded { room: room.clone(), by: MemberId::from(event.sender.as_str()), command })
    }

    /// Whether a user is one of ours: a focus user, the bot, or a failed attempt at one.
    pub(crate) fn is_ours(&self, user: &str) -> bool {
        user == self.bot.as_str() || self.scheme.classify(user) != UserKind::Other
    }

    fn read_call(&self, event: &Event, room: &RoomKey) -> Reading {
        if self.is_ours(&event.sender) {
            return Reading { meaning: Err(Skip::OwnEcho), ours: true };
        }
        let meaning = self.read_call_content(event, room);
        // Where no invitee is named, only the machine knows whose room it is.
        let ours = matches!(&meaning, Ok(Input::CallInvited(invite)) if invite.invitee.is_some());
        Reading { meaning, ours }
    }

    fn read_call_content(&self, event: &Event, room: &RoomKey) -> Result<Input, Skip> {
        let common: Common = read(&event.content)?;
        let call = common.call()?;
        let party = common.party()?;
        let key = CallKey { room: room.clone(), caller: MemberId::from(event.sender.as_str()), call };
        match event.kind.as_str() {
            "m.call.invite" => {
                let content: InviteContent = read(&event.content)?;
                let invitee = content.invitee().map(FocusUser::from);
                if invitee.as_ref().is_some_and(|user| !self.scheme.may_be_focus(user.as_str())) {
                    return Err(Skip::NotForUs);
                }
                Ok(Input::CallInvited(CallInvite {
                    key,
                    invitee,
                    version: content.version(),
                    party,
                    offer: content.offer()?,
                    expires_in: remaining(content.lifetime(), event.age())?,
                    metadata: metadata(event)?.streams(),
                }))
            }
            "m.call.candidates" => {
                let candidates =
                    read::<CandidatesContent>(&event.content)?.candidates().ok_or(Skip::Malformed)?;
                if candidates.is_empty() {
                    return Err(Skip::NothingNew);
                }
                Ok(Input::CallCandidates { key, party, candidates })
            }
            "m.call.select_answer" => Ok(Input::CallSelected {
                key,
                selected: read::<SelectAnswerContent>(&event.content)?.selected()?,
            }),
            "m.call.hangup" | "m.call.reject" => {
                Ok(Input::CallHungUp { key, party, reason: read::<HangupContent>(&event.content)?.reason() })
            }
            "m.call.negotiate" => {
                let content: NegotiateContent = read(&event.content)?;
                let description = content.description.as_ref().ok_or(Skip::Malformed)?;
                if description.is_answer() {
                    let (answer, metadata) = (description.sdp()?, metadata(event)?.streams());
                    return Ok(Input::CallNegotiateAnswered { key, party, answer, metadata });
                }
                Ok(Input::CallNegotiated {
                    key,
                    party,
                    offer: description.sdp()?,
                    expires_in: remaining(content.lifetime(), event.age())?,
                    metadata: metadata(event)?.streams(),
                })
            }
            "m.call.sdp_stream_metadata_changed" | "org.matrix.call.sdp_stream_metadata_changed" => {
                let metadata = metadata(event)?.streams().ok_or(Skip::Malformed)?;
                Ok(Input::CallMetadataChanged { key, party, metadata })
            }
            // m.call.answer and what else only one who placed a call needs, and proposals that we don't follow.
            _ => Err(Skip::NothingNew),
        }
    }
}

/// The call that an input is about.
const fn call_of(input: &Input) -> Option<&CallKey> {
    match input {
        Input::CallInvited(invite) => Some(&invite.key),
        Input::CallCandidates { key, .. }
        | Input::CallSelected { key, .. }
        | Input::CallHungUp { key, .. }
        | Input::CallNegotiated { key, .. }
        | Input::CallNegotiateAnswered { key, .. }
        | Input::CallMetadataChanged { key, .. } => Some(key),
        Input::FocusInvited { .. }
        | Input::NamedFocusInvited { .. }
        | Input::BotInvited { .. }
        | Input::NobodyInvited { .. }
        | Input::RoomEncrypted { .. }
        | Input::FocusRemoved { .. }
        | Input::MemberRemoved { .. }
        | Input::RolesChanged { .. }
        | Input::RoomReplaced { .. }
        | Input::Commanded { .. }
        | Input::RequestDone { .. }
        | Input::Media(_)
        | Input::EngineLost
        | Input::CameBack => None,
    }
}

/// The roles of a room, from the content of its `m.room.power_levels`; creators that it does not name are not among them.
pub(crate) fn roles(room: &RoomKey, content: &RawValue) -> Result<Input, Skip> {
    read::<PowerLevels>(content).map(|levels| levels.roles(room))
}

/// What takes the place of a room, from the content of its `m.room.tombstone`.
pub(crate) fn replaced(room: &RoomKey, content: &RawValue) -> Result<Input, Skip> {
    let by = read::<TombstoneContent>(content)?.replacement().ok_or(Skip::NothingNew)?;
    Ok(Input::RoomReplaced { room: room.clone(), by })
}

fn read<T: DeserializeOwned>(content: &RawValue) -> Result<T, Skip> {
    serde_json::from_str(content.get()).map_err(|_| Skip::Malformed)
}

impl From<Unfit> for Skip {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Missing => Self::Malformed,
            Unfit::TooLong => Self::TooLong,
        }
    }
}

fn metadata(event: &Event) -> Result<MetadataContent, Skip> {
    read(&event.content)
}

/// What is left of a lifetime. Age is counted by the homeserver: clocks of clients are of no use.
const fn remaining(lifetime: u64, age: u64) -> Result<Millis, Skip> {
    if age < lifetime { Ok(Millis(lifetime - age)) } else { Err(Skip::Expired) }
}

/// The server of a user: it is in the room that the user invited to.
fn server_of(user: &str) -> Option<ServerName> {
    user.split_once(':').map(|(_, server)| ServerName::from(server))
}
