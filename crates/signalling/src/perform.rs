//! Carrying out what the machine asks for: each request of it as requests to the homeserver.
//!
//! Retrying, order and what an outcome leads to never live here: those are the driver's and the machine's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use confocal::conference::{
    Admission, CallAddress, CallVersion, FocusUser, Input, MemberId, Millis, RequestFailure, RequestOutcome,
    Role, RoomKey, ServerName, SignalRequest, Timestamp,
};
use confocal::ports::{Order, Performed, SendError, Signalling};
use ruma_common::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId};
use serde::Serialize;
use serde_json::value::RawValue;

mod bot;
mod elsewhere;
mod telling;

use crate::adapter::Adapter;
use crate::content::{Answer, End, Negotiate, StreamsDescribed, Words};
use crate::event::{MemberContent, RoomStateContent};
use crate::events::AssertedIdentityEventContent;
use crate::founders::Founders;
use crate::homeserver::{Homeserver, RequestError};
use crate::registrar::PLAIN_NAME;
use crate::roles::{Creators, add_creators};
use crate::said::Saying;
use crate::translate;

/// How far back a 1:1 room is read when it is joined, in events: a call of the last minute is among them.
const READ_BACK: u32 = 50;
/// How far back something of ours is looked for, in events; farther only where nothing of ours was found. The most that a
/// homeserver tells at once is a thousand.
const LOOK_BACK: [u32; 2] = [50, 1000];
/// The longest room name that is taken into a display name, in characters.
const MAX_ROOM_NAME: usize = 100;

impl<H: Homeserver> Signalling for Adapter<H> {
    async fn perform(&self, order: &Order) -> Result<Performed, SendError> {
        let user = user_id(order.request.focus())?;
        match &order.request {
            SignalRequest::JoinGroup { room, via, .. } => self.join_group(&user, room, via).await,
            SignalRequest::JoinDirect { room, via, .. } => self.join_direct(&user, room, via).await,
            SignalRequest::Leave { room, .. } => self.leave(&user, room).await,
            SignalRequest::JoinAsBot { room, via, .. } => self.join_as_bot(&user, room, via).await,
            SignalRequest::LeaveIfAlone { room, .. } => self.leave_if_alone(&user, room).await,
            SignalRequest::InviteFocus { room, focus, .. } => self.invite_focus(&user, room, focus).await,
            SignalRequest::Announce { room, announcement, .. } => {
                self.announce(&user, room, announcement.as_ref()).await
            }
            SignalRequest::CountOut { room, .. } => self.count_out(&user, room).await,
            SignalRequest::AssertIdentity { to, group, member, .. } => {
                let content = self.asserted_identity(&user, to, group, member).await?;
                self.send(&user, &to.room, order, AssertedIdentityEventContent::TYPE, &content).await
            }
            SignalRequest::AskAdmission { group, direct, member, .. } => {
                self.ask_admission(&user, group, direct, member.as_str()).await
            }
            SignalRequest::CompareMembers { room, members, .. } => {
                self.compare_members(&user, room, members).await
            }
            SignalRequest::AskRooms { .. } => self.ask_rooms(&user).await,
            SignalRequest::Answer { to, answer, streams, .. } => {
                let content = Answer::new(to, answer, streams.as_ref());
                self.send(&user, &to.room, order, "m.call.answer", &content).await
            }
            SignalRequest::NegotiateAnswer { to, answer, streams, .. } => {
                let content = version_1(to).map(|to| Negotiate::answer(to, answer, streams.as_ref()))?;
                self.send(&user, &to.room, order, "m.call.negotiate", &content).await
            }
            SignalRequest::NegotiateOffer { to, offer, streams, expires } => {
                let (to, lifetime) = (version_1(to)?, left_until(*expires)?);
                let content = Negotiate::offer(to, offer, streams, lifetime);
                self.send(&user, &to.room, order, "m.call.negotiate", &content).await
            }
            SignalRequest::DescribeStreams { to, streams, .. } => {
                let content = version_1(to).map(|to| StreamsDescribed::new(to, streams))?;
                self.send(&user, &to.room, order, "m.call.sdp_stream_metadata_changed", &content).await
            }
            SignalRequest::Reject { to } => {
                let (kind, content) = End::reject(to);
                self.send(&user, &to.room, order, kind, &content).await
            }
            SignalRequest::Hangup { to, reason } => {
                self.send(&user, &to.room, order, "m.call.hangup", &End::hangup(to, *reason)).await
            }
            SignalRequest::Notice { room, notice, .. } => {
                self.send(&user, room, order, "m.room.message", &Words::of(notice)).await
            }
        }
    }

    async fn returned(&self) {
        self.contact().returned().await;
    }
}

/// Version 0 has no changes of a running call: its clients hang up when they see a renegotiation, and know no stream metadata.
fn version_1(to: &CallAddress) -> Result<&CallAddress, SendError> {
    match to.version {
        CallVersion::V1 => Ok(to),
        CallVersion::V0 => Err(SendError::Final {
            failure: RequestFailure::Rejected,
            why: "version 0 of the call protocol has no such event".to_owned(),
        }),
    }
}

/// What is left until a moment of the driver's time, which is wall time too.
fn left_until(moment: Timestamp) -> Result<Millis, SendError> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_unix_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
    match moment.since(now) {
        Millis(0) => Err(SendError::Final {
            failure: RequestFailure::Expired,
            why: "its time was over before it could be sent".to_owned(),
        }),
        left => Ok(left),
    }
}

impl<H: Homeserver> Adapter<H> {
    async fn join_group(
        &self,
        user: &UserId,
        room: &RoomKey,
        via: &[ServerName],
    ) -> Result<Performed, SendError> {
        let id = room_id(room)?;
        self.join(user, &id, via).await?;
        let (learnt, ()) = tokio::join!(self.rules(user, &id, room), self.withdraw_what_is_left(user, &id));
        let learnt = learnt?;
        // Nobody waits for a name: the focus takes calls while it gets it.
        let (adapter, user) = (self.clone(), user.to_owned());
        tokio::spawn(async move { adapter.name_after(&user, &id).await });
        Ok(Performed { outcome: RequestOutcome::Done, learnt })
    }

    /// What the state of a group room says of its conference: roles, whether it is encrypted, and whether another room has taken
    /// its place.
    async fn rules(&self, user: &UserId, id: &RoomId, room: &RoomKey) -> Result<Vec<Input>, SendError> {
        let (levels, create, encryption, tombstone) = tokio::join!(
            self.homeserver().state(user, id, "m.room.power_levels", ""),
            self.homeserver().state_event(user, id, "m.room.create", ""),
            self.homeserver().state(user, id, "m.room.encryption", ""),
            self.homeserver().state(user, id, "m.room.tombstone", ""),
        );
        let (levels, create, encryption, tombstone) =
            (told(levels)?, told(create)?, told(encryption)?, told(tombstone)?);
        let creators = create.and_then(|event| Creators::of(&event));
        let mut roles = levels.and_then(|content| translate::roles(room, &content).ok());
        if let Some(Creators { members, above_all }) = creators {
            if above_all || roles.is_none() {
                let everyone_alike = || Input::RolesChanged {
                    room: room.clone(),
                    everyone: Role::Member,
                    members: BTreeMap::new(),
                };
                add_creators(roles.get_or_insert_with(everyone_alike), &members);
            }
            if above_all {
                self.founders().remember(room.clone(), members);
            }
        }
        let replaced = tombstone.and_then(|content| translate::replaced(room, &content).ok());
        let encrypted = encryption.map(|_| Input::RoomEncrypted { room: room.clone() });
        Ok(roles.into_iter().chain(encrypted).chain(replaced).collect())
    }

    /// Remembers who made a room, if that matters and is not known, as after a restart. It need not succeed.
    async fn know_founders(&self, user: &UserId, id: &RoomId, room: &RoomKey) {
        if !Founders::has(room) || self.founders().of(room).is_some() {
            return;
        }
        let create = self.homeserver().state_event(user, id, "m.room.create", "").await;
        let creators: Option<BTreeSet<MemberId>> =
            create.ok().and_then(|event| Creators::of(&event)).map(|creators| creators.members);
        if let Some(creators) = creators {
            self.founders().remember(room.clone(), creators);
        }
    }

    async fn join_direct(
        &self,
        user: &UserId,
        room: &RoomKey,
        via: &[ServerName],
    ) -> Result<Performed, SendError> {
        let id = room_id(room)?;
        self.join(user, &id, via).await?;
        let (events, encryption) = tokio::join!(
            self.homeserver().messages_backwards(user, &id, READ_BACK),
            self.homeserver().state(user, &id, "m.room.encryption", ""),
        );
        let events = match events {
            Ok(events) => events,
            Err(error) => match SendError::from(error) {
                // Joining again does no harm, and a call that nobody reads would ring in vain.
                retry @ SendError::Retry { .. } => return Err(retry),
                SendError::Final { why, .. } => {
                    tracing::warn!(%why, "the calls placed before a 1:1 room was joined can't be read");
                    Vec::new()
                }
            },
        };
        let oldest_first = events.iter().rev().map(|event| -> &RawValue { event });
        let mut learnt = self.translator().read_back(room, oldest_first);
        if encryption.is_ok() {
            learnt.push(Input::RoomEncrypted { room: room.clone() });
        }
        Ok(Performed { outcome: RequestOutcome::Done, learnt })
    }

    async fn join(&self, user: &UserId, room: &RoomId, via: &[ServerName]) -> Result<(), RequestError> {
        self.ensure_registered(user).await?;
        // A server name that is none can't help to join.
        let via: Vec<OwnedServerName> =
            via.iter().filter_map(|server| ruma_common::ServerName::parse(server.as_str()).ok()).collect();
        let elsewhere = via.iter().any(|server| server != self.translator().scheme().server_name());
        self.join_by(user, room, &via, elsewhere).await?;
        self.invitations().take(user, room);
        Ok(())
    }

    /// Leaves a room or declines the invitation; not to be in it is as good.
    async fn leave(&self, user: &UserId, room: &RoomKey) -> Result<Performed, SendError> {
        let room = room_id(room)?;
        // An invited user need not exist yet, and one that does not can't decline: also one whose id names no room.
        self.ensure_registered(user).await?;
        self.count_in(user, &room).await;
        if let Some(by) = self.invitations().take(user, &room) {
            self.wait_until_stored(user, &room, &by).await;
        }
        match self.homeserver().leave(user, &room).await {
            Err(error) if !error.is_denial() => Err(error.into()),
            _ => Ok(Performed::done()),
        }
    }

    async fn ask_admission(
        &self,
        user: &UserId,
        group: &RoomKey,
        direct: &RoomKey,
        member: &str,
    ) -> Result<Performed, SendError> {
        let (room, group, direct) = (group, room_id(group)?, room_id(direct)?);
        let (own, asked, in_direct, functional, ()) = tokio::join!(
            self.is_joined(user, &group, user.as_str()),
            self.joined_member(user, &group, member),
            self.homeserver().joined_members(user, &direct),
            self.functional_members(user, &direct),
            self.know_founders(user, &group, room),
        );
        // Of a room that it has left, a user is shown the state at its leaving: who was joined then may be banned now.
        if !own? {
            return Err(SendError::Final {
                failure: RequestFailure::Forbidden,
                why: "the focus user is not joined to the group room".to_owned(),
            });
        }
        let (asked, functional) = (asked?, functional?);
        let (joined, name) = (asked.is_some(), asked.and_then(|member| member.displayname));
        let is_person = |id: &OwnedUserId| id == user || !functional.iter().any(|name| name == id.as_str());
        let people = in_direct?.iter().filter(|id| is_person(id)).count();
        let direct_members = u32::try_from(people).unwrap_or(u32::MAX);
        let admission = Admission { joined, direct_members, name };
        Ok(Performed { outcome: RequestOutcome::Admission(admission), learnt: Vec::new() })
    }

    async fn ask_rooms(&self, user: &UserId) -> Result<Performed, SendError> {
        let rooms = self.homeserver().joined_rooms(user).await?;
        let rooms = rooms.iter().map(|room| RoomKey::from(room.as_str())).collect();
        Ok(Performed { outcome: RequestOutcome::Rooms(rooms), learnt: Vec::new() })
    }

    /// Whether `member` is joined to a room, as far as `user` may know; who may not know it is told no.
    pub(crate) async fn is_joined(
        &self,
        user: &UserId,
        room: &RoomId,
        member: &str,
    ) -> Result<bool, RequestError> {
        Ok(self.joined_member(user, room, member).await?.is_some())
    }

    /// As [`is_joined`](Self::is_joined), with what the membership says of one who is.
    async fn joined_member(
        &self,
        user: &UserId,
        room: &RoomId,
        member: &str,
    ) -> Result<Option<MemberContent>, RequestError> {
        match self.homeserver().state(user, room, "m.room.member", member).await {
            Ok(content) => {
                let content = serde_json::from_str::<MemberContent>(content.get()).ok();
                Ok(content.filter(|content| content.membership == "join"))
            }
            Err(error) if error.is_denial() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn functional_members(&self, user: &UserId, room: &RoomId) -> Result<Vec<String>, RequestError> {
        match self.homeserver().state(user, room, "io.element.functional_members", "").await {
            Ok(content) => Ok(room_state(&content).service_members.unwrap_or_default()),
            Err(error) if error.is_denial() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Names a focus user after its group room. It need not succeed.
    async fn name_after(&self, user: &UserId, room: &RoomId) {
        let name = match self.room_name(user, room).await {
            Some(room_name) => format!("{PLAIN_NAME}: {room_name}"),
            None => PLAIN_NAME.to_owned(),
        };
        if let Err(error) = self.homeserver().set_display_name(user, &name).await {
            tracing::warn!(%error, "a focus user could not be given its display name");
        }
    }

    async fn room_name(&self, user: &UserId, room: &RoomId) -> Option<String> {
        let (name, alias) = tokio::join!(
            self.homeserver().state(user, room, "m.room.name", ""),
            self.homeserver().state(user, room, "m.room.canonical_alias", ""),
        );
        let name = name.ok().and_then(|content| room_state(&content).name);
        let alias = alias.ok().and_then(|content| room_state(&content).alias);
        let chosen = [name, alias].into_iter().flatten().find(|name| !name.trim().is_empty())?;
        Some(chosen.trim().chars().take(MAX_ROOM_NAME).collect())
    }

    async fn send(
        &self,
        user: &UserId,
        room: &RoomKey,
        order: &Order,
        kind: &str,
        content: &impl Serialize,
    ) -> Result<Performed, SendError> {
        let content = serde_json::value::to_raw_value(content)
            .map_err(|error| RequestError::Unsendable(error.into()))?;
        let room = room_id(room)?;
        if order.again {
            let saying = Saying { by: user, transaction: &order.transaction, kind, content: &content };
            if self.was_said(&room, saying).await? {
                tracing::info!(request = %order.id, kind, "it had arrived, and is not sent again");
                return Ok(Performed::done());
            }
        }
        self.homeserver().send(user, &room, kind, &order.transaction, content).await?;
        Ok(Performed::done())
    }

    /// Whether something is in the timeline of its room already; no, if that can't be read.
    async fn was_said(&self, room: &RoomId, saying: Saying<'_>) -> Result<bool, SendError> {
        for limit in LOOK_BACK {
            let events = told(self.homeserver().messages_backwards(saying.by, room, limit).await)?;
            if let Some(said) = events.and_then(|events| saying.is_among(&events)) {
                return Ok(said);
            }
        }
        Ok(false)
    }
}

/// What was answered; `None` if there is nothing, or not for us.
///
/// # Errors
///
/// When asking again may help.
fn told<T>(answer: Result<T, RequestError>) -> Result<Option<T>, SendError> {
    match answer.map_err(SendError::from) {
        Ok(answer) => Ok(Some(answer)),
        Err(SendError::Final { .. }) => Ok(None),
        Err(retry @ SendError::Retry { .. }) => Err(retry),
    }
}

fn user_id(user: &FocusUser) -> Result<OwnedUserId, RequestError> {
    UserId::parse(user.as_str()).map_err(|error| RequestError::Unsendable(error.into()))
}

pub(crate) fn room_id(room: &RoomKey) -> Result<OwnedRoomId, RequestError> {
    RoomId::parse(room.as_str()).map_err(|error| RequestError::Unsendable(error.into()))
}

fn room_state(content: &RawValue) -> RoomStateContent {
    serde_json::from_str(content.get()).unwrap_or_default()
}
