//! Which indexes of a stream were there already (RFC 3711 section 3.3.2), and which index a sequence number means (section 3.3.1).
//! Authentication never lives here: what is asked changes nothing, what is noted was authentic.

/// Whether an index may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    Yes,
    /// It was there.
    Seen,
    /// It is so far behind that it is not known whether it was there.
    TooOld,
}

/// The indexes that were there among the last `64 * (WORDS - 1)`, at least. A ring of words that are cleared as the highest moves on
/// (RFC 6479), so that nothing is ever shifted.
#[derive(Clone, Debug)]
pub(super) struct ReplayWindow<const WORDS: usize> {
    highest: u64,
    words: [u64; WORDS],
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    /// A window in which `first` was there.
    pub(super) fn starting_at(first: u64) -> Self {
        let mut this = Self { highest: first, words: [0; WORDS] };
        this.set(first);
        this
    }

    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }

    pub(super) fn check(&self, index: u64) -> Fresh {
        if index > self.highest {
            return Fresh::Yes;
        }
        // Words that are not of the newest `WORDS` were given to newer indexes.
        if self.highest / 64 - index / 64 >= WORDS as u64 {
            return Fresh::TooOld;
        }
        let (word, bit) = Self::at(index);
        if self.words[word] & bit == 0 { Fresh::Yes } else { Fresh::Seen }
    }

    /// Takes note of an index for which [`check`](Self::check) said yes.
    pub(super) fn note(&mut self, index: u64) {
        if index > self.highest {
            let passed = (index / 64 - self.highest / 64).min(WORDS as u64);
            for word in 0..passed {
                self.words[((index / 64 - word) % WORDS as u64) as usize] = 0;
            }
            self.highest = index;
        }
        self.set(index);
    }

    fn set(&mut self, index: u64) {
        let (word, bit) = Self::at(index);
        self.words[word] |= bit;
    }

    const fn at(index: u64) -> (usize, u64) {
        ((index / 64 % WORDS as u64) as usize, 1 << (index % 64))
    }
}

/// The index (rollover counter and sequence number, 48 bits) that is nearest to the highest so far. Before the counter's zero there
/// is nothing, so what would be there is ahead.
pub(super) const fn nearest_index(highest: u64, sequence: u16) -> u64 {
    let ahead = sequence.wrapping_sub(highest as u16);
    let behind = ahead.wrapping_neg() as u64;
    if ahead < 1 << 15 || behind > highest { highest + ahead as u64 } else { highest - behind }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nearest_index_is_over_and_under_a_wrap() {
        assert_eq!(nearest_index(65_535, 0), 65_536);
        assert_eq!(nearest_index(65_536, 65_535), 65_535);
        assert_eq!(nearest_index(0x5_0000 + 10, 65_530), 0x4_0000 + 65_530);
        assert_eq!(nearest_index(0x5_0000 + 65_530, 10), 0x6_0000 + 10);
        assert_eq!(nearest_index(0x5_0000 + 100, 100), 0x5_0000 + 100);
    }

    #[test]
    fn before_the_first_index_there_is_nothing() {
        assert_eq!(nearest_index(100, 50), 50);
        assert_eq!(nearest_index(100, 60_000), 60_000);
        assert_eq!(nearest_index(0, 65_535), 65_535);
    }

    proptest! {
        /// RFC 3711 section 3.3.1, appendix A: the rollover counter that makes the index nearest.
        #[test]
        fn the_nearest_index_is_nearest(highest in (1_u64 << 16)..1 << 48, sequence: u16) {
            let found = nearest_index(highest, sequence);
            prop_assert_eq!(found as u16, sequence);
            prop_assert!(found.abs_diff(highest) <= 1 << 15);
        }

        #[test]
        fn a_window_agrees_with_a_set(start in 0_u64..300, steps in prop::collection::vec(-400_i64..200, 1..300)) {
            let mut window = ReplayWindow::<3>::starting_at(start);
            let mut seen = BTreeSet::from([start]);
            for step in steps {
                let index = window.highest().saturating_add_signed(step);
                match window.check(index) {
                    Fresh::Yes => {
                        prop_assert!(seen.insert(index));
                        window.note(index);
                    }
                    Fresh::Seen => prop_assert!(seen.contains(&index)),
                    Fresh::TooOld => prop_assert!(index + 128 < window.highest()),
                }
                prop_assert_eq!(window.highest(), seen.last().copied().unwrap_or(0));
            }
        }
    }
}
