//! All conferences, found by number or by group room.
//!
//! Numbers are compared in a fraction of the time of names, so what happens often (reports of the engine) goes by number; a
//! room is looked up where a room is told. Rules never live here.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::conference::Conference;
use crate::id::{ConferenceId, RoomKey};
use crate::table::Table;

/// The conferences.
#[derive(Clone, Debug)]
pub(crate) struct Conferences {
    by_id: Table<ConferenceId, Box<Conference>>,
    ids: Table<RoomKey, ConferenceId>,
}

impl Conferences {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { by_id: Table::new(seed), ids: Table::new(seed) }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn id_of(&self, group: &RoomKey) -> Option<ConferenceId> {
        self.ids.get(group).copied()
    }

    pub(crate) fn get(&self, id: ConferenceId) -> Option<&Conference> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: ConferenceId) -> Option<&mut Conference> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    pub(crate) fn of(&self, group: &RoomKey) -> Option<&Conference> {
        self.get(self.id_of(group)?)
    }

    /// All of them, in the order in which they began; for what happens seldom.
    pub(crate) fn ids(&self) -> Vec<ConferenceId> {
        self.by_id.sorted_keys()
    }

    pub(crate) fn insert(&mut self, conference: Conference) {
        self.ids.insert(conference.group.clone(), conference.id);
        self.by_id.insert(conference.id, Box::new(conference));
    }

    pub(crate) fn remove(&mut self, id: ConferenceId) {
        if let Some(conference) = self.by_id.remove(&id) {
            self.ids.remove(&conference.group);
        }
    }
}
