//! Lookup by name or number in a time that does not grow with how many there are.
//!
//! What is visited in order never lives here: a [`Table`] can't be gone through, so that no effect depends on the order of hashes.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Values by key. Keys are hashed by the machine's seed: names that collide can't be made up without knowing it.
#[derive(Clone)]
pub(crate) struct Table<K, V>(HashMap<K, V, FixedState>);

impl<K: Hash + Eq, V> Table<K, V> {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(HashMap::with_hasher(FixedState::with_seed(seed)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    pub(crate) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key)
    }

    /// The value of a key, which is made if there is none.
    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }

    /// Puts a value in; the one in whose place it comes is given back.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }
}

/// For what is read from a record, which knows no seed: whoever takes it up makes a table of the machine's.
impl<K: Hash + Eq, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<K: Hash + Eq + Ord + Clone, V> Table<K, V> {
    /// All keys, in their order. It takes a list of them, so it is for what happens seldom.
    pub(crate) fn sorted_keys(&self) -> Vec<K> {
        let mut keys: Vec<K> = self.0.keys().cloned().collect();
        keys.sort_unstable();
        keys
    }
}

/// How many there are, since to show them would be to go through them.
impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table of {}", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_value_that_was_put_in_last_until_it_is_taken_out() {
        let mut table = Table::new(1);
        assert!(!table.contains(&1) && table.get(&1).is_none() && table.get_mut(&1).is_none());
        *table.get_or_insert_with(1, || 10) += 1;
        *table.get_or_insert_with(1, || 10) += 1;
        assert!(table.contains(&1) && !table.contains(&2));
        assert_eq!((table.get(&1).copied(), table.insert(1, 20)), (Some(12), Some(12)));
        if let Some(value) = table.get_mut(&1) {
            *value += 1;
        }
        assert_eq!((table.remove(&1), table.remove(&1), table.len()), (Some(21), None, 0));
    }

    #[test]
    fn keys_come_in_their_order_whatever_the_seed() {
        for seed in 0..8 {
            let mut table = Table::new(seed);
            for key in [5, 3, 9, 1, 7] {
                assert_eq!(table.insert(key, ()), None);
            }
            assert_eq!((table.insert(9, ()), table.remove(&7), table.len()), (Some(()), Some(()), 4));
            assert_eq!(table.sorted_keys(), [1, 3, 5, 9]);
            assert_eq!(alloc::format!("{table:?}"), "Table of 4", "nothing of its order");
        }
    }
}
