//! Making a history that breaks an invariant shorter, as long as it breaks the same one.
//!
//! Playing it never lives here.

use std::collections::BTreeSet;

use crate::Violation;
use crate::action::Action;

/// Takes actions away, many at first, then one by one, until none can be missed.
#[must_use]
pub fn shrink(found: Violation, except: &BTreeSet<String>) -> Violation {
    let mut best = found;
    let mut chunk = best.actions.len().div_ceil(2).max(1);
    loop {
        let mut shorter = false;
        let mut at = 0;
        while at < best.actions.len() {
            let end = (at + chunk).min(best.actions.len());
            let fewer: Vec<Action> = best.actions[..at].iter().chain(&best.actions[end..]).copied().collect();
            match crate::play(best.setup, &fewer, except) {
                Err(violation) if violation.broken.name == best.broken.name => {
                    best = violation;
                    shorter = true;
                }
                Ok(_) | Err(_) => at = end,
            }
        }
        if chunk == 1 && !shorter {
            return best;
        }
        chunk = chunk.div_ceil(2).max(1);
    }
}
