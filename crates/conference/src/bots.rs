//! The rooms that the service's bot is in: where it explains, and is asked for a conference as long as no focus user is there.
//!
//! What it does there never lives here, see `focus/bot.rs`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::door::CountedOut;
use crate::id::{FocusUser, MemberId, RequestId, RoomKey};
use crate::table::Table;
use crate::tally::Tally;
use crate::time::Timestamp;

/// A room that the bot is in, or is coming to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BotRoom {
    pub(crate) bot: FocusUser,
    /// The room's focus user; `None`: it can have none.
    pub(crate) focus: Option<FocusUser>,
    /// Who invited the bot.
    pub(crate) by: MemberId,
    /// The join that is under way.
    pub(crate) joining: Option<RequestId>,
    /// The room was told that it can't be read.
    pub(crate) told_encrypted: bool,
    pub(crate) counted_out: CountedOut,
    /// The invitation of the focus user that is under way.
    pub(crate) inviting: Option<RequestId>,
    /// The question under way whether the bot is alone.
    pub(crate) looking: Option<RequestId>,
    /// When that is asked next.
    pub(crate) look_at: Option<Timestamp>,
}

/// All rooms of the bot, and how many each user has brought it into.
#[derive(Clone, Debug)]
pub(crate) struct Bots {
    rooms: Table<RoomKey, BotRoom>,
    rooms_of: Tally<MemberId>,
}

impl Bots {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { rooms: Table::new(seed), rooms_of: Tally::new(seed) }
    }

    pub(crate) fn get(&self, room: &RoomKey) -> Option<&BotRoom> {
        self.rooms.get(room)
    }

    /// To change what is known of a room; who invited the bot does not change.
    pub(crate) fn get_mut(&mut self, room: &RoomKey) -> Option<&mut BotRoom> {
        self.rooms.get_mut(room)
    }

    /// The rooms, in order; for what happens seldom.
    pub(crate) fn keys(&self) -> Vec<RoomKey> {
        self.rooms.sorted_keys()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Into how many rooms a user has brought the bot.
    pub(crate) fn count_of(&self, member: &MemberId) -> usize {
        self.rooms_of.of(member)
    }

    /// Takes a room in, in place of what was known of it.
    pub(crate) fn insert(&mut self, room: RoomKey, it: BotRoom) {
        self.remove(&room);
        self.rooms_of.add(&it.by);
        self.rooms.insert(room, it);
    }

    pub(crate) fn remove(&mut self, room: &RoomKey) {
        if let Some(it) = self.rooms.remove(room) {
            self.rooms_of.take(&it.by);
        }
    }
}
