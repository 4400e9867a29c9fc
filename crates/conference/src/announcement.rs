//! What a conference says of itself in the group room's state (rule R9).
//!
//! When it is said never lives here, nor in what form.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::MemberId;
use crate::time::Timestamp;

/// A conference that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// When its first call was answered.
    pub started: Timestamp,
    /// About how many participants it has: below ten exactly, then tens, then hundreds, rounded down. Each one who comes or
    /// goes in a crowd is nobody's business, and would be a state event.
    pub participants: usize,
    /// Somebody sends pictures, of themselves or of a screen.
    #[serde(default)]
    pub pictures: bool,
    /// It is recorded.
    #[serde(default)]
    pub recorded: bool,
    /// The first of them, where the operator lets them be named.
    pub names: Vec<MemberId>,
}

/// About how many: one digit that counts, and zeros.
pub(crate) const fn rounded(count: usize) -> usize {
    match count {
        0..10 => count,
        10..100 => count / 10 * 10,
        _ => count / 100 * 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_counted_and_many_are_rounded_down() {
        let counts = [0, 1, 9, 10, 19, 20, 99, 100, 199, 1234];
        assert_eq!(counts.map(rounded), [0, 1, 9, 10, 10, 20, 90, 100, 100, 1200]);
    }
}
