//! Which records must be written: each once, in the order of their names.
//!
//! What is written never lives here.

use alloc::vec::Vec;

use crate::record::RecordKey;

/// The records that changed and were not asked for yet.
///
/// A list, put in order when it is asked for: one input changes few records, some of them several times, and to note that should
/// cost next to nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    keys: Vec<RecordKey>,
    /// The first by name is at the end, and none is there twice.
    in_order: bool,
}

impl Changes {
    /// A record must be written.
    pub(crate) fn note(&mut self, key: RecordKey) {
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
            self.in_order = false;
        }
    }

    /// Takes the first one.
    pub(crate) fn take_first(&mut self) -> Option<RecordKey> {
        if !self.in_order {
            self.keys.sort_unstable_by(|a, b| b.cmp(a));
            self.keys.dedup();
            self.in_order = true;
        }
        self.keys.pop()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LegId;

    #[test]
    fn each_is_given_once_and_in_order_also_when_more_are_noted_between() {
        let mut changes = Changes::default();
        for leg in [3, 1, 1, 3, 2] {
            changes.note(RecordKey::Leg(LegId(leg)));
        }
        assert_eq!(changes.take_first(), Some(RecordKey::Leg(LegId(1))));
        for key in [RecordKey::Leg(LegId(2)), RecordKey::Leg(LegId(1)), RecordKey::Focus] {
            changes.note(key);
        }
        let rest: Vec<RecordKey> = core::iter::from_fn(|| changes.take_first()).collect();
        let legs = [1, 2, 3].map(|leg| RecordKey::Leg(LegId(leg)));
        assert_eq!(rest, [&[RecordKey::Focus][..], &legs].concat());
        changes.note(RecordKey::Focus);
        changes.clear();
        assert_eq!(changes.take_first(), None);
    }
}
