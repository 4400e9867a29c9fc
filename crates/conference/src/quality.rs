//! How well the packets of a call get through, as the engine measures it, and whose connection is poor.
//!
//! Measuring never lives here. Nothing is decided by it either: people are told.

use serde::{Deserialize, Serialize};

use crate::id::{Generation, LegId};
use crate::leg::Leg;
use crate::time::Millis;

/// A connection that loses more than this, either way, is poor if it goes on.
const TOO_MUCH: PerMille = PerMille(50);

/// So many reports in a row must say so: one burst makes no poor connection.
const IN_A_ROW: u8 = 2;

/// A share in thousandths: 0 is nothing, 1000 is all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerMille(pub u16);

/// How well the sound of a call gets through, since the report before. `None`: nothing was learnt of it since then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// What was lost of the caller's packets (the *fraction lost* of RFC 3550 section 6.4.1, as we count it).
    pub incoming_loss: Option<PerMille>,
    /// What was lost of ours, as the caller's last receiver report says (the same field of the same section).
    pub outgoing_loss: Option<PerMille>,
    /// How unevenly the caller's packets come (the *interarrival jitter* of RFC 3550 section 6.4.1 and appendix A.8).
    pub jitter: Option<Millis>,
    /// The time to the caller and back (RFC 3550 section 6.4.1, by *LSR* and *DLSR*).
    pub round_trip: Option<Millis>,
}

/// How well one leg's packets get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegQuality {
    /// The leg.
    pub leg: LegId,
    /// Its session.
    pub generation: Generation,
    /// How well.
    pub quality: Quality,
}

/// What is known of a leg's connection. Not a record: a session that is lost takes it along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connection {
    /// The session that it is of; `None` before the first report.
    of: Option<Generation>,
    /// How many reports in a row said that too much was lost of the caller's packets.
    incoming: u8,
    /// The same of ours.
    outgoing: u8,
}

impl Connection {
    /// Takes a report of a session in.
    pub(crate) fn note(&mut self, of: Generation, quality: &Quality) {
        if self.of != Some(of) {
            *self = Self { of: Some(of), ..Self::default() };
        }
        self.incoming = in_a_row(self.incoming, quality.incoming_loss);
        self.outgoing = in_a_row(self.outgoing, quality.outgoing_loss);
    }

    /// The connection of that session is poor.
    fn is_poor(self, of: Generation) -> bool {
        self.of == Some(of) && self.incoming.max(self.outgoing) >= IN_A_ROW
    }
}

/// The count after one more report. One that says nothing of it neither goes on with the row nor breaks it.
fn in_a_row(before: u8, loss: Option<PerMille>) -> u8 {
    match loss {
        None => before,
        Some(loss) if loss > TOO_MUCH => before.saturating_add(1),
        Some(_) => 0,
    }
}

impl Leg {
    /// Much of its sound is lost on the way, and has been for a while. Of one whose sound does not flow nothing is known.
    pub(crate) fn has_poor_connection(&self) -> bool {
        self.is_live() && self.connection.is_poor(self.generation)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const FIRST: Generation = Generation(0);

    fn loss(incoming: Option<u16>, outgoing: Option<u16>) -> Quality {
        let (incoming_loss, outgoing_loss) = (incoming.map(PerMille), outgoing.map(PerMille));
        Quality { incoming_loss, outgoing_loss, ..Quality::default() }
    }

    /// Whether a connection is poor after each of these reports.
    fn poor(reports: &[(Option<u16>, Option<u16>)]) -> Vec<bool> {
        let mut connection = Connection::default();
        let after = |(incoming, outgoing): &(Option<u16>, Option<u16>)| {
            connection.note(FIRST, &loss(*incoming, *outgoing));
            connection.is_poor(FIRST)
        };
        reports.iter().map(after).collect()
    }

    #[test]
    fn more_than_a_twentieth_lost_twice_in_a_row_is_poor_either_way() {
        assert_eq!(poor(&[(Some(51), None), (Some(1000), None), (Some(51), None)]), [false, true, true]);
        assert_eq!(poor(&[(None, Some(51)), (None, Some(51))]), [false, true]);
        assert_eq!(poor(&[(Some(50), Some(50)), (Some(50), Some(50))]), [false, false]);
        assert_eq!(poor(&[(Some(51), Some(0)), (Some(0), Some(51))]), [false, false], "each way for itself");
    }

    #[test]
    fn one_good_report_ends_it_and_one_that_says_nothing_does_not() {
        let bad = (Some(90), None);
        assert_eq!(poor(&[bad, bad, (Some(50), None), bad, bad]), [false, true, false, false, true]);
        assert_eq!(poor(&[bad, (None, Some(0)), bad, (None, None)]), [false, false, true, true]);
    }

    #[test]
    fn it_stays_poor_however_long_it_lasts() {
        assert!(poor(&[(Some(90), Some(90)); 600])[1..].iter().all(|poor| *poor));
    }

    #[test]
    fn another_session_begins_anew() {
        let mut connection = Connection::default();
        let bad = loss(Some(90), None);
        connection.note(FIRST, &bad);
        connection.note(FIRST, &bad);
        assert!(connection.is_poor(FIRST) && !connection.is_poor(Generation(1)));
        connection.note(Generation(1), &bad);
        assert!(!connection.is_poor(FIRST) && !connection.is_poor(Generation(1)));
        connection.note(Generation(1), &bad);
        assert!(connection.is_poor(Generation(1)));
    }
}
