//! What the engine says that was lost on the way, as far as it makes a connection poor.
//!
//! What the machine makes of it never lives here.

use std::collections::BTreeMap;

use confocal_conference::{Generation, Input, LegId, LegQuality, MediaReport, PerMille};

use crate::seen::{Cause, Seen};
use crate::view::LegView;

/// How often in a row too much was lost, of the caller's packets and of ours, by leg, in the session that is named.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    rows: BTreeMap<LegId, (Generation, [usize; 2])>,
    /// Of what the last turn told of live sessions, in its order: whether it made a connection poor. One leg may be in it twice.
    told: Vec<bool>,
}

impl Losses {
    /// Goes along with a turn that was seen.
    pub fn step(&mut self, seen: &Seen) {
        self.told.clear();
        match &seen.turn.cause {
            // Nothing of it is a record.
            Cause::Restored => self.rows.clear(),
            Cause::Input(Input::Media(MediaReport::Quality(measured))) => {
                for measured in measured.iter().filter(|measured| is_of_a_live_session(seen, measured)) {
                    let poor = self.take(measured);
                    self.told.push(poor);
                }
            }
            Cause::Input(_) | Cause::Time => {}
        }
        self.rows.retain(|leg, _| seen.after.legs.contains_key(leg));
    }

    fn take(&mut self, measured: &LegQuality) -> bool {
        let LegQuality { leg, generation, quality } = measured;
        let known = self.rows.entry(*leg).or_insert((*generation, [0, 0]));
        if known.0 != *generation {
            *known = (*generation, [0, 0]);
        }
        for (row, loss) in known.1.iter_mut().zip([quality.incoming_loss, quality.outgoing_loss]) {
            match loss {
                Some(PerMille(..=50)) => *row = 0,
                Some(_) => *row += 1,
                None => {}
            }
        }
        is_poor(known.1)
    }

    /// Whether what was told last of live sessions made a connection poor, one after the other.
    #[must_use]
    pub fn told(&self) -> &[bool] {
        &self.told
    }

    /// Whose connection is poor: by two reports of its session in a row more than a twentieth was lost, one way or the other.
    #[must_use]
    pub fn make_poor(&self, leg: LegId, view: &LegView) -> bool {
        let of_this = self.rows.get(&leg).filter(|(generation, _)| *generation == view.generation);
        view.is_live() && of_this.is_some_and(|(_, rows)| is_poor(*rows))
    }
}

fn is_poor(rows: [usize; 2]) -> bool {
    rows.iter().any(|row| *row >= 2)
}

/// A report of another session, or of a leg that is gone or whose sound does not flow, means nothing.
#[must_use]
pub fn is_of_a_live_session(seen: &Seen, measured: &LegQuality) -> bool {
    let leg = seen.before.legs.get(&measured.leg);
    leg.is_some_and(|leg| leg.is_live() && leg.generation == measured.generation)
}
