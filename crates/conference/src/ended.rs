//! Calls that are over, remembered for as long as an invite of theirs may still come.
//!
//! Calls that go on never live here.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::id::CallKey;
use crate::record::RecordKey;
use crate::table::Table;
use crate::time::{Millis, Timestamp};

/// How long a call is remembered after its end: longer than any invite is alive.
const REMEMBER: Millis = Millis::from_secs(600);

/// A call that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    key: CallKey,
    until: Timestamp,
}

/// The ended calls, in the order of their ends: all are remembered for the same time.
#[derive(Clone, Debug)]
pub(crate) struct EndedCalls {
    /// Each is a record of its own, named by a number that only grows; without gaps.
    calls: VecDeque<(u64, Ended)>,
    keys: Table<CallKey, ()>,
}

impl EndedCalls {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { calls: VecDeque::new(), keys: Table::new(seed) }
    }

    pub(crate) fn contains(&self, key: &CallKey) -> bool {
        self.keys.contains(key)
    }

    pub(crate) fn remember(&mut self, key: CallKey, core: &mut Core) {
        if self.keys.insert(key.clone(), ()).is_some() {
            return;
        }
        let number = self.calls.back().map_or(0, |(number, _)| number + 1);
        self.calls.push_back((number, Ended { key, until: core.now + REMEMBER }));
        core.changed(RecordKey::Ended(number));
        let limit = core.config.limits.ended_calls;
        while self.calls.len() > limit {
            self.forget_first(core);
        }
    }

    /// When the next one is forgotten.
    pub(crate) fn next_over(&self) -> Option<Timestamp> {
        self.calls.front().map(|(_, ended)| ended.until)
    }

    /// Forgets those whose time is over.
    pub(crate) fn forget_over(&mut self, core: &mut Core) {
        while self.next_over().is_some_and(|until| until <= core.now) {
            self.forget_first(core);
        }
    }

    fn forget_first(&mut self, core: &mut Core) {
        if let Some((number, ended)) = self.calls.pop_front() {
            self.keys.remove(&ended.key);
            core.changed(RecordKey::Ended(number));
        }
    }

    /// Puts an entry back that was in the records; they come in the order of their numbers.
    pub(crate) fn restore(&mut self, number: u64, ended: Ended) {
        self.keys.insert(ended.key.clone(), ());
        self.calls.push_back((number, ended));
    }

    /// The entry of a number, for its record.
    pub(crate) fn get(&self, number: u64) -> Option<&Ended> {
        let first = self.calls.front()?.0;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        self.calls.get(at).map(|(_, ended)| ended)
    }
}
