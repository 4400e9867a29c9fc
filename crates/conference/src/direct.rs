//! The 1:1 rooms in which calls are placed: which focus users are in each, and with whom.
//!
//! Calls never live here.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{FocusUser, MemberId, RequestId, RoomKey, ServerName};
use crate::table::Table;
use crate::tally::Tally;
use crate::time::Timestamp;

/// A 1:1 room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectRoom {
    /// Who invited us.
    pub(crate) with: MemberId,
    pub(crate) doors: BTreeMap<FocusUser, DirectDoor>,
    /// They were told that we can't read this room.
    pub(crate) told_encrypted: bool,
    /// When the focus leaves it, unless someone calls.
    pub(crate) until: Timestamp,
}

/// One focus user in a 1:1 room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectDoor {
    /// The group room that it is a door to.
    pub(crate) group: RoomKey,
    /// The join that is under way.
    pub(crate) joining: Option<RequestId>,
    /// Servers by which the 1:1 room could be joined: its members' servers know the group room too.
    pub(crate) via: Vec<ServerName>,
}

/// All 1:1 rooms, and how many each user has.
#[derive(Clone, Debug)]
pub(crate) struct Directs {
    rooms: Table<RoomKey, DirectRoom>,
    rooms_of: Tally<MemberId>,
}

impl Directs {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { rooms: Table::new(seed), rooms_of: Tally::new(seed) }
    }

    pub(crate) fn get(&self, room: &RoomKey) -> Option<&DirectRoom> {
        self.rooms.get(room)
    }

    /// To change what is known of a room; who it is with does not change.
    pub(crate) fn get_mut(&mut self, room: &RoomKey) -> Option<&mut DirectRoom> {
        self.rooms.get_mut(room)
    }

    /// The rooms, in order; for what happens seldom.
    pub(crate) fn keys(&self) -> Vec<RoomKey> {
        self.rooms.sorted_keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// How many 1:1 rooms a user has with us.
    pub(crate) fn count_of(&self, member: &MemberId) -> usize {
        self.rooms_of.of(member)
    }

    pub(crate) fn insert(&mut self, room: RoomKey, direct: DirectRoom) {
        self.rooms_of.add(&direct.with);
        self.rooms.insert(room, direct);
    }

    pub(crate) fn remove(&mut self, room: &RoomKey) {
        if let Some(direct) = self.rooms.remove(room) {
            self.rooms_of.take(&direct.with);
        }
    }
}
