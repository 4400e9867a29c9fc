//! What clients are told of a conference and of us: the announcement in the room's state, who is no person, who speaks.
//!
//! When it is told never lives here. Where power is lacking nothing is said and nothing logged: it is the room's to decide.

use confocal::conference::{Announcement, CallAddress, MemberId, RequestFailure, RequestOutcome, RoomKey};
use confocal::ports::{Performed, SendError};
use ruma_common::{RoomId, UserId, VoipVersionId};
use serde::{Deserialize, Serialize};

use super::room_id;
use crate::adapter::Adapter;
use crate::event::or_none;
use crate::events::{
    AssertedIdentity, AssertedIdentityEventContent, ConferenceEventContent, FunctionalMembersEventContent,
};
use crate::homeserver::{Homeserver, RequestError};

/// `m.room.member`, of which only how someone is called is read
/// (<https://spec.matrix.org/v1.15/client-server-api/#mroommember>).
#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default, rename = "displayname", deserialize_with = "or_none")]
    display_name: Option<String>,
}

impl<H: Homeserver> Adapter<H> {
    pub(super) async fn announce(
        &self,
        focus: &UserId,
        room: &RoomKey,
        announcement: Option<&Announcement>,
    ) -> Result<Performed, SendError> {
        let content = ConferenceEventContent::of(focus, announcement);
        let room = room_id(room)?;
        let set = self.put(focus, &room, ConferenceEventContent::TYPE, focus.as_str(), &content).await;
        unless_denied(set)
    }

    /// Takes back what was announced before `focus` was thrown out of a room, or what a store knew that was lost.
    pub(super) async fn withdraw_what_is_left(&self, focus: &UserId, room: &RoomId) {
        let kind = ConferenceEventContent::TYPE;
        let Ok(content) = self.homeserver().state(focus, room, kind, focus.as_str()).await else { return };
        if content.get().trim() == "{}" {
            return;
        }
        let nothing = ConferenceEventContent::default();
        if let Err(error) = self.put(focus, room, kind, focus.as_str(), &nothing).await {
            tracing::debug!(%error, "an old announcement could not be taken back");
        }
    }

    /// Adds one of us to those whom clients don't count as people.
    pub(super) async fn count_out(&self, user: &UserId, room: &RoomKey) -> Result<Performed, SendError> {
        let room = room_id(room)?;
        unless_denied(self.change_functional_members(user, &room, |content| content.add(user)).await)
    }

    /// Takes one of us out of them, before it leaves. It need not succeed: who is no member counts for nothing.
    pub(super) async fn count_in(&self, user: &UserId, room: &RoomId) {
        if let Err(error) = self.change_functional_members(user, room, |content| content.remove(user)).await {
            tracing::debug!(%error, "a user that leaves stays among the functional members");
        }
    }

    async fn change_functional_members(
        &self,
        user: &UserId,
        room: &RoomId,
        change: impl FnOnce(&mut FunctionalMembersEventContent) -> bool + Send,
    ) -> Result<(), RequestError> {
        let kind = FunctionalMembersEventContent::TYPE;
        let mut content = match self.homeserver().state(user, room, kind, "").await {
            // What can't be read is somebody else's, and is left as it is.
            Ok(content) => match serde_json::from_str::<FunctionalMembersEventContent>(content.get()) {
                Ok(content) => content,
                Err(_) => return Ok(()),
            },
            Err(error) if error.is_denial() => FunctionalMembersEventContent::default(),
            Err(error) => return Err(error),
        };
        if !change(&mut content) {
            return Ok(());
        }
        self.put(user, room, kind, "", &content).await
    }

    pub(super) async fn asserted_identity(
        &self,
        focus: &UserId,
        to: &CallAddress,
        group: &RoomKey,
        member: &MemberId,
    ) -> Result<AssertedIdentityEventContent, SendError> {
        let id = UserId::parse(member.as_str()).map_err(|error| RequestError::Unsendable(error.into()))?;
        // A name is a help; without it clients show the id.
        let profile = self.homeserver().state(focus, &room_id(group)?, "m.room.member", id.as_str()).await;
        let profile: Profile =
            profile.ok().and_then(|content| serde_json::from_str(content.get()).ok()).unwrap_or_default();
        Ok(AssertedIdentityEventContent {
            call_id: to.call.as_str().into(),
            party_id: to.party.as_str().into(),
            version: VoipVersionId::V1,
            asserted_identity: AssertedIdentity { id, display_name: profile.display_name, avatar_url: None },
        })
    }

    async fn put(
        &self,
        user: &UserId,
        room: &RoomId,
        kind: &str,
        state_key: &str,
        content: &(impl Serialize + Sync),
    ) -> Result<(), RequestError> {
        let content = serde_json::value::to_raw_value(content)
            .map_err(|error| RequestError::Unsendable(error.into()))?;
        self.homeserver().set_state(user, room, kind, state_key, content).await
    }
}

/// What may not be done is an outcome like any other, not worth a line in the log.
fn unless_denied(set: Result<(), RequestError>) -> Result<Performed, SendError> {
    match set {
        Ok(()) => Ok(Performed::done()),
        Err(error) if error.is_denial() => {
            Ok(Performed { outcome: RequestOutcome::Failed(RequestFailure::Forbidden), learnt: Vec::new() })
        }
        Err(error) => Err(error.into()),
    }
}
