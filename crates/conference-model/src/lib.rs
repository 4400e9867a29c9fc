//! The proof that the conference machine is right: a small world that drives it through whatever can happen, a simple reference
//! conference beside it, and invariants that are looked at after every turn.
//!
//! The machine itself never lives here (`confocal-conference`), nor do Matrix, media, clocks or chance: bytes in, a verdict out.
//!
//! [`replay`] is the whole of it for fuzzers and soaks; [`explore`] goes through every order of a few actions.

pub mod action;
pub mod coverage;
pub mod explore;
pub mod generate;
pub mod invariants;
pub mod outside;
pub mod reference;
pub mod seen;
pub mod setup;
pub mod shrink;
pub mod view;
pub mod world;

mod acts;
mod violation;

use std::collections::BTreeSet;

pub use violation::Violation;

use action::Action;
use coverage::Coverage;
use setup::Setup;
use world::World;

/// What a history without a violation has shown.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many actions it had.
    pub actions: usize,
    /// How many turns of the machine they led to.
    pub turns: usize,
    /// What was reached.
    pub coverage: Coverage,
}

/// How many actions of one history are done; the rest is passed over, so that no input takes long.
pub const LONGEST: usize = 400;

/// Plays the history that bytes mean: the first is the settings, each five that follow an action.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn replay(bytes: &[u8]) -> Result<Summary, Violation> {
    let Some((setup, rest)) = bytes.split_first() else { return Ok(Summary::default()) };
    play(*setup, &Action::decode_all(rest), &BTreeSet::new())
}

/// Plays a history, passing over the invariants that are named.
///
/// # Errors
///
/// The first other invariant that does not hold.
pub fn play(setup: u8, actions: &[Action], except: &BTreeSet<String>) -> Result<Summary, Violation> {
    let taken = &actions[..actions.len().min(LONGEST)];
    let mut world = World::new(Setup::from_byte(setup), except.clone());
    let Err((step, broken)) = run(&mut world, taken) else {
        return Ok(Summary { actions: taken.len(), turns: world.turns(), coverage: world.into_coverage() });
    };
    // Once more, to write down what led to it.
    let actions: Vec<Action> = taken.iter().take(step + 1).copied().collect();
    let mut world = World::new(Setup::from_byte(setup), except.clone()).writing_down();
    let _ = run(&mut world, &actions);
    Err(Violation { broken, setup, step, actions, turns: world.last_turns() })
}

/// Lets the actions happen; the first invariant that does not hold is given back with the number of the action.
fn run(world: &mut World, actions: &[Action]) -> Result<(), (usize, invariants::Broken)> {
    for (step, action) in actions.iter().enumerate() {
        world.apply(action).map_err(|broken| (step, broken))?;
    }
    world.finish().map_err(|broken| (actions.len(), broken))
}
