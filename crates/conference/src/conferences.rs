//! All conferences, found by number or by group room.
//!
//! Numbers are compared in a fraction of the time of names, so what happens often (reports of the engine) goes by number; a
//! room is looked up where a room is told. Rules never live here.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::conference::Conference;
use crate::id::{ConferenceId, RoomKey};

/// The conferences, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conferences {
    by_id: BTreeMap<ConferenceId, Box<Conference>>,
    ids: BTreeMap<RoomKey, ConferenceId>,
}

impl Conferences {
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

    pub(crate) fn ids(&self) -> impl Iterator<Item = ConferenceId> {
        self.by_id.keys().copied()
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
