//! How many of something each name has.
//!
//! What is counted, and how many are too many, never lives here.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::Hash;

use crate::table::Table;

/// Counts by name. A name that has none takes no memory.
#[derive(Clone, Debug)]
pub(crate) struct Tally<K>(Table<K, usize>);

impl<K: Hash + Eq> Tally<K> {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Table::new(seed))
    }

    /// One more.
    pub(crate) fn add<Q: Hash + Eq + ToOwned<Owned = K> + ?Sized>(&mut self, name: &Q)
    where
        K: Borrow<Q>,
    {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// One less, if there was one.
    pub(crate) fn take<Q: Hash + Eq + ?Sized>(&mut self, name: &Q)
    where
        K: Borrow<Q>,
    {
        let Some(count) = self.0.get_mut(name) else { return };
        *count -= 1;
        if *count == 0 {
            self.0.remove(name);
        }
    }

    /// How many there are.
    pub(crate) fn of<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.0.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn who_has_none_takes_no_room() {
        let mut tally = Tally::<String>::new(1);
        for name in ["anna", "anna", "bert"] {
            tally.add(name);
        }
        assert_eq!((tally.of("anna"), tally.of("bert"), tally.of("carl")), (2, 1, 0));
        tally.take("anna");
        tally.take("carl");
        assert_eq!((tally.of("anna"), tally.0.len()), (1, 2));
        tally.take("anna");
        assert_eq!((tally.of("anna"), tally.0.len()), (0, 1));
    }
}
