//! How often someone may do something: one moment per member and kind of deed, moved on by each deed.
//!
//! What happens to someone who is too fast never lives here.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::MemberId;
use crate::table::Table;
use crate::time::{Millis, Timestamp};

/// How often something may be done: so often at once, and in the long run once in each interval.
///
/// Counted by the generic cell rate algorithm (ITU-T I.371): each deed moves a moment one interval on, and is one too many if
/// the moment is further ahead than `at_once` deeds reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) at_once: u32,
    pub(crate) interval: Millis,
}

/// A kind of deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Placing a call.
    Call,
    /// Calling for a room that one turns out not to be in.
    StrangerCall,
    /// Giving a command.
    Command,
}

/// What one member has done lately: the moments by which all of it is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deeds {
    call: Option<Timestamp>,
    stranger_call: Option<Timestamp>,
    command: Option<Timestamp>,
}

/// All members' deeds.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    members: Table<MemberId, Deeds>,
    /// In the order in which they can be forgotten.
    forgettable: BTreeSet<(Timestamp, MemberId)>,
}

impl Rates {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { members: Table::new(seed), forgettable: BTreeSet::new() }
    }

    /// Whether a member may do it (once more), without counting it.
    pub(crate) fn may(&self, member: &MemberId, deed: Deed, rate: Rate, now: Timestamp) -> bool {
        let ahead =
            self.members.get(member).and_then(|deeds| deeds.of(deed)).map_or(Millis(0), |at| at.since(now));
        rate.at_once > 0 && ahead.0 <= u64::from(rate.at_once - 1).saturating_mul(rate.interval.0)
    }

    /// Counts a deed. Those who are forgotten for it are given back: their records go.
    pub(crate) fn count(
        &mut self,
        member: &MemberId,
        deed: Deed,
        rate: Rate,
        limit: usize,
        now: Timestamp,
    ) -> Vec<MemberId> {
        let deeds = self.members.get_or_insert_with(member.clone(), Deeds::default);
        let before = (deeds.last(), member.clone());
        *deeds.of_mut(deed) = Some(deeds.of(deed).map_or(now, |at| at.max(now)) + rate.interval);
        let after = deeds.last();
        let (_, member) = self.forgettable.take(&before).unwrap_or(before);
        self.forgettable.insert((after, member));
        let mut forgotten = Vec::new();
        while self.members.len() > limit {
            forgotten.extend(self.forget_first());
        }
        forgotten
    }

    /// When the next one is forgotten.
    pub(crate) fn next_over(&self) -> Option<Timestamp> {
        self.forgettable.first().map(|(at, _)| *at)
    }

    /// Forgets one whose deeds count no more. They are given back, since their record goes.
    pub(crate) fn forget_over(&mut self, now: Timestamp) -> Option<MemberId> {
        if self.next_over()? <= now { self.forget_first() } else { None }
    }

    fn forget_first(&mut self) -> Option<MemberId> {
        let (_, forgotten) = self.forgettable.pop_first()?;
        self.members.remove(&forgotten);
        Some(forgotten)
    }

    pub(crate) fn restore(&mut self, member: MemberId, deeds: Deeds) {
        self.forgettable.insert((deeds.last(), member.clone()));
        self.members.insert(member, deeds);
    }

    /// What is known of a member, for its record.
    pub(crate) fn of(&self, member: &MemberId) -> Option<&Deeds> {
        self.members.get(member)
    }
}

impl Deeds {
    const fn of(&self, deed: Deed) -> Option<Timestamp> {
        match deed {
            Deed::Call => self.call,
            Deed::StrangerCall => self.stranger_call,
            Deed::Command => self.command,
        }
    }

    const fn of_mut(&mut self, deed: Deed) -> &mut Option<Timestamp> {
        match deed {
            Deed::Call => &mut self.call,
            Deed::StrangerCall => &mut self.stranger_call,
            Deed::Command => &mut self.command,
        }
    }

    /// The moment by which all of it is forgotten.
    fn last(&self) -> Timestamp {
        [self.call, self.stranger_call, self.command]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(Timestamp::from_unix_millis(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { at_once: 3, interval: Millis(100) };

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    #[test]
    fn three_at_once_then_one_in_each_interval_and_kinds_count_apart() {
        let (mut rates, anna) = (Rates::new(1), "@anna".into());
        let mut done = Vec::new();
        for millis in (1_000..1_500).step_by(10) {
            if rates.may(&anna, Deed::Call, RATE, at(millis)) {
                rates.count(&anna, Deed::Call, RATE, 10, at(millis));
                done.push(millis);
            }
        }
        assert_eq!(done, [1_000, 1_010, 1_020, 1_100, 1_200, 1_300, 1_400]);
        assert!(rates.may(&anna, Deed::Command, RATE, at(1_400)));
        assert!(!Rates::new(1).may(&anna, Deed::Call, Rate { at_once: 0, ..RATE }, at(0)));
    }

    #[test]
    fn only_the_last_ones_are_remembered_and_nobody_after_their_time() {
        let mut rates = Rates::new(1);
        for (millis, member) in [(0, "@a"), (1, "@b"), (2, "@c")] {
            rates.count(&member.into(), Deed::Call, RATE, 2, at(millis));
        }
        assert_eq!(rates.members.sorted_keys(), ["@b".into(), "@c".into()]);
        assert_eq!((rates.next_over(), rates.forget_over(at(100))), (Some(at(101)), None));
        assert_eq!(rates.forget_over(at(101)).as_ref().map(MemberId::as_str), Some("@b"));
        assert_eq!((rates.members.len(), rates.forgettable.len()), (1, 1));
    }
}
