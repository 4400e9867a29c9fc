//! What holds whatever comes in, in whatever order: each invariant is a named function that looks at what was seen, after
//! every turn of the machine.
//!
//! How it comes to be seen never lives here (`seen.rs`), nor what happens in the world (`world.rs`).

use std::collections::BTreeSet;
use std::fmt;

mod calls;
mod departures;
mod discovery;
mod endings;
mod media;
mod membership;
mod memory;
mod people;
mod pictures;
mod quality;
mod recording;
mod rooms;
mod sight;
mod time;

pub mod sameness;

pub(crate) use membership::answered as compared;
pub(crate) use sight::said as said_of_pictures;
pub(crate) use time::deadlines_of_calls_and_rooms;

use crate::seen::Seen;

/// One invariant.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// Its name.
    pub name: &'static str,
    /// The rule that it guards: R1 to R10, or what the design says.
    pub rule: &'static str,
    /// Looks whether it holds; an error says what was seen instead.
    pub check: fn(&Seen) -> Result<(), String>,
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.rule)
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub name: &'static str,
    /// The rule that it guards.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

/// All that look at single turns; those that compare two machines are in [`sameness`].
pub const ALL: [&[Invariant]; 14] = [
    calls::ALL,
    endings::ALL,
    media::ALL,
    membership::ALL,
    rooms::ALL,
    departures::ALL,
    discovery::ALL,
    people::ALL,
    quality::ALL,
    recording::ALL,
    pictures::ALL,
    sight::ALL,
    time::ALL,
    memory::ALL,
];

/// Looks at the last turn, passing over the invariants that are named.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn check(seen: &Seen, except: &BTreeSet<String>) -> Result<(), Broken> {
    for Invariant { name, rule, check } in ALL.into_iter().flatten() {
        if except.contains(*name) {
            continue;
        }
        check(seen).map_err(|what| Broken { name, rule, what })?;
    }
    Ok(())
}

/// The names of all invariants that do not hold after the last turn.
#[must_use]
pub fn broken(seen: &Seen) -> Vec<&'static str> {
    let all = ALL.into_iter().flatten();
    all.filter(|invariant| (invariant.check)(seen).is_err()).map(|invariant| invariant.name).collect()
}

/// An invariant, named after its function.
macro_rules! invariants {
    ($($name:ident: $rule:literal,)*) => {
        pub(super) const ALL: &[crate::invariants::Invariant] = &[$(
            crate::invariants::Invariant { name: stringify!($name), rule: $rule, check: $name },
        )*];
    };
}
use invariants;

/// An error unless something holds.
fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
