//! Names of focus users that were made up, since an id that says which room it is would be longer than an id may be.
//!
//! What a focus user does never lives here.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::id::{FocusUser, RoomKey};
use crate::record::RecordKey;
use crate::table::Table;

/// A name that was made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) focus: FocusUser,
    /// The room that it stands for.
    pub(crate) group: RoomKey,
}

/// All of them, by a number that only grows; each is a record of its own.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    names: BTreeMap<u64, Name>,
    users: Table<FocusUser, u64>,
    groups: Table<RoomKey, u64>,
}

impl Names {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { names: BTreeMap::new(), users: Table::new(seed), groups: Table::new(seed) }
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The room that a focus user stands for.
    pub(crate) fn group_of(&self, focus: &FocusUser) -> Option<&RoomKey> {
        Some(&self.names.get(self.users.get(focus)?)?.group)
    }

    /// The focus user of a room.
    pub(crate) fn of(&self, group: &RoomKey) -> Option<&FocusUser> {
        Some(&self.names.get(self.groups.get(group)?)?.focus)
    }

    /// Gives a room a name: `before`, twenty letters and digits by chance, `after`.
    pub(crate) fn make_up(
        &mut self,
        group: RoomKey,
        before: &str,
        after: &str,
        core: &mut Core,
    ) -> FocusUser {
        let mut focus;
        loop {
            focus = FocusUser::new(alloc::format!("{before}{}{}{after}", core.letters(), core.letters()));
            if !self.users.contains(&focus) {
                break;
            }
        }
        let number = self.names.last_key_value().map_or(0, |(number, _)| number + 1);
        self.restore(number, Name { focus: focus.clone(), group });
        core.changed(RecordKey::Name(number));
        focus
    }

    /// Forgets the oldest name whose room is not in use. False if there is none.
    pub(crate) fn forget_one(&mut self, in_use: impl Fn(&RoomKey) -> bool, core: &mut Core) -> bool {
        let oldest = self.names.iter().find(|(_, name)| !in_use(&name.group)).map(|(number, _)| *number);
        let Some((number, name)) = oldest.and_then(|number| self.names.remove_entry(&number)) else {
            return false;
        };
        self.users.remove(&name.focus);
        self.groups.remove(&name.group);
        core.changed(RecordKey::Name(number));
        true
    }

    pub(crate) fn restore(&mut self, number: u64, name: Name) {
        self.users.insert(name.focus.clone(), number);
        self.groups.insert(name.group.clone(), number);
        self.names.insert(number, name);
    }

    /// The name of a number, for its record.
    pub(crate) fn get(&self, number: u64) -> Option<&Name> {
        self.names.get(&number)
    }
}
