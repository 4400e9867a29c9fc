//! What the application service's own user does: come into a room, go when it is alone, bring a focus user in.
//!
//! When it does so never lives here.

use confocal::conference::{FocusUser, MemberId, RequestOutcome, RoomKey, ServerName};
use confocal::ports::{Performed, SendError};
use ruma_common::{RoomId, UserId};

use super::{room_id, user_id};
use crate::adapter::Adapter;
use crate::homeserver::{Homeserver, RequestError};
use crate::roles::{Creators, PowerLevels};

/// How many of those who may invite are named: a person who is asked, not a list.
const NAMED: usize = 3;

impl<H: Homeserver> Adapter<H> {
    pub(super) async fn join_as_bot(
        &self,
        bot: &UserId,
        room: &RoomKey,
        via: &[ServerName],
    ) -> Result<Performed, SendError> {
        let id = room_id(room)?;
        self.join(bot, &id, via).await?;
        let encryption = super::told(self.homeserver().state(bot, &id, "m.room.encryption", "").await)?;
        Ok(came_to(RequestOutcome::Joined { encrypted: encryption.is_some() }))
    }

    /// Not to be in the room any more is as good as having left it.
    pub(super) async fn leave_if_alone(&self, bot: &UserId, room: &RoomKey) -> Result<Performed, SendError> {
        let id = room_id(room)?;
        let alone = match self.homeserver().joined_members(bot, &id).await {
            Ok(members) => members.iter().all(|member| self.translator().is_ours(member.as_str())),
            Err(error) if error.is_denial() => true,
            Err(error) => return Err(error.into()),
        };
        if alone {
            self.leave(bot, room).await?;
        }
        Ok(came_to(RequestOutcome::Alone(alone)))
    }

    pub(super) async fn invite_focus(
        &self,
        bot: &UserId,
        room: &RoomKey,
        focus: &FocusUser,
    ) -> Result<Performed, SendError> {
        let (id, focus) = (room_id(room)?, user_id(focus)?);
        self.ensure_registered(&focus).await?;
        match self.homeserver().invite(bot, &id, &focus).await {
            Ok(()) => Ok(Performed::done()),
            Err(error) if error.is_denial() => {
                if self.is_joined(bot, &id, focus.as_str()).await? {
                    return Ok(Performed::done());
                }
                let mut ask = self.inviters(bot, &id).await?;
                ask.retain(|member| !self.translator().is_ours(member.as_str()));
                ask.truncate(NAMED);
                Ok(came_to(RequestOutcome::NotAllowed { ask }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Those by name who may invite into a room: of a room of version 12 or later its creators first, whom no levels name.
    async fn inviters(&self, bot: &UserId, room: &RoomId) -> Result<Vec<MemberId>, RequestError> {
        let (levels, create) = tokio::join!(
            self.homeserver().state(bot, room, "m.room.power_levels", ""),
            self.homeserver().state_event(bot, room, "m.room.create", ""),
        );
        let levels = levels.ok().and_then(|content| serde_json::from_str::<PowerLevels>(content.get()).ok());
        let creators =
            create.ok().and_then(|event| Creators::of(&event)).filter(|creators| creators.above_all);
        let creators = creators.into_iter().flat_map(|creators| creators.members);
        Ok(creators.chain(levels.map(|levels| levels.inviters()).unwrap_or_default()).collect())
    }
}

const fn came_to(outcome: RequestOutcome) -> Performed {
    Performed { outcome, learnt: Vec::new() }
}
