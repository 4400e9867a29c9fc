//! The legs of one conference: each found by its number in a time that does not grow with how many there are, and all visited in the
//! order in which they came.
//!
//! What a leg is never lives here, see `leg.rs`.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;

use crate::id::LegId;
use crate::leg::Leg;
use crate::table::Table;

/// The legs. They are large, and what is visited often is small: the way to each is by one pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Legs {
    by_id: Table<LegId, Box<Leg>>,
    /// The same ones.
    in_order: BTreeSet<LegId>,
}

impl Legs {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { by_id: Table::new(seed), in_order: BTreeSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.len() == 0
    }

    pub(crate) fn get(&self, id: &LegId) -> Option<&Leg> {
        self.by_id.get(id).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: &LegId) -> Option<&mut Leg> {
        self.by_id.get_mut(id).map(Box::as_mut)
    }

    pub(crate) fn insert(&mut self, leg: Leg) {
        self.in_order.insert(leg.id);
        self.by_id.insert(leg.id, Box::new(leg));
    }

    pub(crate) fn remove(&mut self, id: &LegId) -> Option<Box<Leg>> {
        self.in_order.remove(id);
        self.by_id.remove(id)
    }

    /// The last one that came.
    pub(crate) fn last(&self) -> Option<LegId> {
        self.in_order.last().copied()
    }

    /// Their numbers, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = LegId> {
        self.in_order.iter().copied()
    }

    /// All of them, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Leg> {
        self.in_order.iter().filter_map(|id| self.get(id))
    }

    /// Changes all of them, in order.
    pub(crate) fn for_each(&mut self, mut change: impl FnMut(&mut Leg)) {
        for id in &self.in_order {
            if let Some(leg) = self.by_id.get_mut(id) {
                change(leg);
            }
        }
    }
}
