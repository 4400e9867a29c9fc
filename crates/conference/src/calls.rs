//! Which calls go on, in which leg, and which are over: those are remembered for as long as an invite of theirs may still come.
//!
//! What came ahead of its call never lives here, see `early.rs`.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::id::{CallKey, LegId};
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

/// What is known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    GoesOn(LegId),
    IsOver,
}

/// All calls that are known. One table for both kinds, since each event of a call asks for it, and a call that ends stays where it is.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    known: Table<CallKey, Known>,
    /// Those that are over, in the order of their ends: all are remembered for the same time. Each is a record of its own, named by a
    /// number that only grows; without gaps.
    ended: VecDeque<(u64, Ended)>,
}

impl Calls {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { known: Table::new(seed), ended: VecDeque::new() }
    }

    /// The leg of a call that goes on.
    pub(crate) fn leg_of(&self, key: &CallKey) -> Option<LegId> {
        match self.known.get(key)? {
            Known::GoesOn(leg) => Some(*leg),
            Known::IsOver => None,
        }
    }

    pub(crate) fn is_over(&self, key: &CallKey) -> bool {
        self.known.get(key) == Some(&Known::IsOver)
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, key: CallKey, leg: LegId) {
        self.known.insert(key, Known::GoesOn(leg));
    }

    /// A call is over, whether or not it ever went on.
    pub(crate) fn end(&mut self, key: CallKey, core: &mut Core) {
        if self.known.insert(key.clone(), Known::IsOver) == Some(Known::IsOver) {
            return;
        }
        let number = self.ended.back().map_or(0, |(number, _)| number + 1);
        self.ended.push_back((number, Ended { key, until: core.now + REMEMBER }));
        core.changed(RecordKey::Ended(number));
        let limit = core.config.limits.ended_calls;
        while self.ended.len() > limit {
            self.forget_first(core);
        }
    }

    /// When the next one that is over is forgotten.
    pub(crate) fn next_over(&self) -> Option<Timestamp> {
        self.ended.front().map(|(_, ended)| ended.until)
    }

    /// Forgets those whose time is over.
    pub(crate) fn forget_over(&mut self, core: &mut Core) {
        while self.next_over().is_some_and(|until| until <= core.now) {
            self.forget_first(core);
        }
    }

    fn forget_first(&mut self, core: &mut Core) {
        if let Some((number, ended)) = self.ended.pop_front() {
            self.known.remove(&ended.key);
            core.changed(RecordKey::Ended(number));
        }
    }

    /// Puts one back that is over and was in the records; they come in the order of their numbers.
    pub(crate) fn restore(&mut self, number: u64, ended: Ended) {
        self.known.insert(ended.key.clone(), Known::IsOver);
        self.ended.push_back((number, ended));
    }

    /// The one of a number that is over, for its record.
    pub(crate) fn ended(&self, number: u64) -> Option<&Ended> {
        let first = self.ended.front()?.0;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        self.ended.get(at).map(|(_, ended)| ended)
    }
}
