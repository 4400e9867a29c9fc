//! Who of those in a conference is still joined to the group room: what a list of members leaves open is asked one by one.
//!
//! What follows for someone who is not never lives here, nor when it is asked.

use std::collections::BTreeSet;

use confocal::conference::{MemberId, Membership, RequestOutcome, RoomKey};
use confocal::ports::{Performed, SendError};
use ruma_common::{RoomId, UserId};

use crate::adapter::Adapter;
use crate::homeserver::{Homeserver, RequestError};
use crate::perform::room_id;

impl<H: Homeserver> Adapter<H> {
    /// One question for all who are on the list of joined members, and one more for each who is not: the list may be partial, as
    /// after a join over federation whose state is still being fetched (MSC3902), and alone decides nothing.
    pub(crate) async fn compare_members(
        &self,
        user: &UserId,
        room: &RoomKey,
        members: &BTreeSet<MemberId>,
    ) -> Result<Performed, SendError> {
        let membership = self.membership(user, &room_id(room)?, members).await?;
        Ok(Performed { outcome: RequestOutcome::Membership(membership), learnt: Vec::new() })
    }

    async fn membership(
        &self,
        user: &UserId,
        room: &RoomId,
        members: &BTreeSet<MemberId>,
    ) -> Result<Membership, RequestError> {
        let listed = match self.homeserver().joined_members(user, room).await {
            Ok(listed) => listed,
            // Not for us to see, which the question about ourselves will explain.
            Err(error) if error.is_denial() => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        let is_listed = |name: &str| listed.iter().any(|id| id == name);
        // Of a room that it has left, a user is shown the state at its leaving: that says nothing of the others.
        if !is_listed(user.as_str()) && !self.is_joined(user, room, user.as_str()).await? {
            return Ok(Membership { focus_joined: false, absent: BTreeSet::new() });
        }
        let mut absent = BTreeSet::new();
        for member in members {
            if !is_listed(member.as_str()) && !self.is_joined(user, room, member.as_str()).await? {
                absent.insert(member.clone());
            }
        }
        Ok(Membership { focus_joined: true, absent })
    }
}
