//! An invariant that did not hold in a history, with the history.
//!
//! Which invariants there are never lives here.

use std::error::Error;
use std::fmt;

use crate::action::Action;
use crate::invariants::Broken;

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which, and what was seen.
    pub broken: Broken,
    /// The byte of the settings.
    pub setup: u8,
    /// The number of the action after which it did not hold, from 0.
    pub step: usize,
    /// What happened.
    pub actions: Vec<Action>,
    /// What the machine was told and did, turn by turn, as far as it was written down: the last turns.
    pub turns: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { name, rule, what } = &self.broken;
        writeln!(f, "{name} ({rule}) does not hold after step {}: {what}", self.step)?;
        writeln!(f, "settings {:#010b}, actions:", self.setup)?;
        for (number, action) in self.actions.iter().enumerate() {
            writeln!(f, "  {number}: {action:?}")?;
        }
        for turn in &self.turns {
            writeln!(f, "  | {turn}")?;
        }
        Ok(())
    }
}

impl Error for Violation {}
