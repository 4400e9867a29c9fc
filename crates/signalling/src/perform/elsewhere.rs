//! Rooms of other homeservers in the moment in which a user of ours was invited into them: the invitation is not stored there yet.
//!
//! What is done in them afterwards never lives here.

use std::time::Duration;

use ruma_common::{OwnedServerName, RoomId, UserId};

use crate::adapter::Adapter;
use crate::homeserver::{Homeserver, RequestError};

/// When what another homeserver was too early for is tried again: ours tells of an invitation before the one that it comes from has
/// stored it, which for so long knows of none.
const AGAIN: [Duration; 3] = [Duration::from_millis(250), Duration::from_millis(750), Duration::from_secs(2)];

impl<H: Homeserver> Adapter<H> {
    /// Joins a room by way of one of the servers `via`, again for a moment if the invitation is from `elsewhere` and said to be none.
    pub(super) async fn join_by(
        &self,
        user: &UserId,
        room: &RoomId,
        via: &[OwnedServerName],
        elsewhere: bool,
    ) -> Result<(), RequestError> {
        let mut waits = AGAIN.iter().filter(|_| elsewhere);
        loop {
            match self.homeserver().join(user, room, via).await {
                Err(error) if error.is_forbidden() => match waits.next() {
                    Some(wait) => tokio::time::sleep(*wait).await,
                    None => return Err(error),
                },
                joined => return joined,
            }
        }
    }

    /// Waits, for a moment, until the homeserver `by` has stored the invitation that it sent. Declined before, the invitation would stay
    /// open there: our homeserver takes a refused declining for done.
    pub(super) async fn wait_until_stored(&self, user: &UserId, room: &RoomId, by: &OwnedServerName) {
        for wait in AGAIN {
            // Who is invited may know about the room; what there is to know does not matter.
            match self.homeserver().can_preview(user, room, std::slice::from_ref(by)).await {
                Ok(()) => return,
                Err(_) => tokio::time::sleep(wait).await,
            }
        }
    }
}
