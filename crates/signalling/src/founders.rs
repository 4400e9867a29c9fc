//! The creators of those rooms in which they have more power than any level: `m.room.power_levels` does not name them, so they
//! are remembered from when the room was last asked.
//!
//! What a creator may do never lives here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use confocal::conference::{Input, MemberId, RoomKey};

use crate::roles::add_creators;

/// Rooms that are remembered; one that is forgotten is asked again at the next call.
const ROOMS: usize = 10_000;

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Founders(Mutex<BTreeMap<RoomKey, BTreeSet<MemberId>>>);

impl Founders {
    /// Whether a room has creators that its power levels do not name: from room version 12 on, whose room ids have no server
    /// name (<https://spec.matrix.org/v1.16/rooms/v12/>).
    pub(crate) fn has(room: &RoomKey) -> bool {
        !room.as_str().contains(':')
    }

    /// The creators of a room, if they are known.
    pub(crate) fn of(&self, room: &RoomKey) -> Option<BTreeSet<MemberId>> {
        self.lock().get(room).cloned()
    }

    /// Adds to the roles that an event told of those whom it does not name; other inputs are left as they are.
    pub(crate) fn complete(&self, mut input: Input) -> Input {
        if let Input::RolesChanged { room, .. } = &input
            && let Some(creators) = self.of(room)
        {
            add_creators(&mut input, &creators);
        }
        input
    }

    pub(crate) fn remember(&self, room: RoomKey, creators: BTreeSet<MemberId>) {
        let mut rooms = self.lock();
        rooms.insert(room, creators);
        if rooms.len() > ROOMS {
            rooms.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomKey, BTreeSet<MemberId>>> {
        // Nothing that holds the lock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
