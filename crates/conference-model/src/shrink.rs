//! Making a history that breaks an invariant shorter, as long as it breaks the same one.
//!
//! Playing it never lives here.

use std::collections::BTreeSet;

use crate::Violation;
use crate::action::Action;

/// Takes actions away and makes the others plainer, until neither goes any further.
#[must_use]
pub fn shrink(found: Violation, except: &BTreeSet<String>) -> Violation {
    let mut best = fewer(found, except);
    loop {
        let before = best.actions.clone();
        best = fewer(plainer(best, except), except);
        if best.actions == before {
            return best;
        }
    }
}

/// The same invariant still does not hold.
fn still(actions: &[Action], best: &Violation, except: &BTreeSet<String>) -> Option<Violation> {
    let violation = crate::play(best.setup, actions, except).err()?;
    (violation.broken.name == best.broken.name).then_some(violation)
}

/// Puts plainer actions in the place of others.
fn plainer(mut best: Violation, except: &BTreeSet<String>) -> Violation {
    for at in 0..best.actions.len() {
        for plain in plainer_than(best.actions.get(at)) {
            let mut actions = best.actions.clone();
            let Some(action) = actions.get_mut(at).filter(|action| **action != plain) else { continue };
            *action = plain;
            if let Some(violation) = still(&actions, &best, except) {
                best = violation;
                break;
            }
        }
    }
    best
}

/// Plainer actions than one, the plainest first.
fn plainer_than(action: Option<&Action>) -> Vec<Action> {
    match action.copied() {
        Some(Action::Onward { which }) => {
            [0, which & 31].map(|which| Action::Onward { which }).into_iter().collect()
        }
        Some(Action::Call { user, place, .. }) => {
            [0, place & 3].map(|place| Action::Call { user: user % 3, place, kind: 0, lifetime: 255 }).into()
        }
        Some(Action::Candidates { call, .. }) => vec![Action::Candidates { call, party: 0, shape: 0 }],
        Some(Action::HangUp { .. }) => vec![Action::HangUp { call: 0, party: 0 }],
        Some(Action::Negotiate { .. }) => vec![Action::Negotiate { call: 0, party: 0, kind: 1 }],
        Some(Action::Engine { which, report, .. }) => {
            vec![Action::Engine { which: 0, report, shade: 0 }, Action::Engine { which, report, shade: 0 }]
        }
        Some(Action::Time { .. }) => vec![Action::Time { how: 0, span: 0 }],
        Some(Action::Restart { .. }) => vec![Action::Restart { away: 0 }],
        Some(Action::Outcome { outcome, .. }) => {
            vec![Action::Outcome { which: 0, outcome: 0 }, Action::Outcome { which: 0, outcome: outcome % 8 }]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Takes actions away, many at first, then one by one.
fn fewer(found: Violation, except: &BTreeSet<String>) -> Violation {
    let mut best = found;
    let mut chunk = best.actions.len().div_ceil(2).max(1);
    loop {
        let mut shorter = false;
        let mut at = 0;
        while at < best.actions.len() {
            let end = (at + chunk).min(best.actions.len());
            let fewer: Vec<Action> = best.actions[..at].iter().chain(&best.actions[end..]).copied().collect();
            match still(&fewer, &best, except) {
                Some(violation) => {
                    best = violation;
                    shorter = true;
                }
                None => at = end,
            }
        }
        if chunk == 1 && !shorter {
            return best;
        }
        chunk = chunk.div_ceil(2).max(1);
    }
}
