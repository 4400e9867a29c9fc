//! What the tests of Confocal stand on. Not published.
//!
//! [`counting`] counts allocations; [`damage`] breaks good input by chance, for the replay of fuzz targets; [`judge`] says by a room's timeline whether every call
//! in it was served once. With the feature `parts`: [`parts`], launchers of the real programs around a focus (Synapse, Chromium, an
//! aiortc caller), for integration tests and for the demo. Never holds anything that a focus needs to run.

pub mod counting;
pub mod damage;
pub mod judge;
#[cfg(feature = "parts")]
pub mod parts;
