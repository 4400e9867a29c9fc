//! How many of something each name has.
//!
//! What is counted, and how many are too many, never lives here.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use core::borrow::Borrow;

/// Counts by name. A name that has none takes no memory.
#[derive(Clone, Debug)]
pub(crate) struct Tally<K>(BTreeMap<K, usize>);

impl<K: Ord> Tally<K> {
    /// One more.
    pub(crate) fn add<Q: Ord + ToOwned<Owned = K> + ?Sized>(&mut self, name: &Q)
    where
        K: Borrow<Q>,
    {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// One less, if there was one.
    pub(crate) fn take<Q: Ord + ?Sized>(&mut self, name: &Q)
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
    pub(crate) fn of<Q: Ord + ?Sized>(&self, name: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.0.get(name).copied().unwrap_or_default()
    }
}

// Derived, it would ask for a `K` with a default.
impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn who_has_none_takes_no_room() {
        let mut tally = Tally::<String>::default();
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
