//! What the tests of Confocal stand on. Not published.
//!
//! With the feature `parts`: [`parts`], launchers of the real programs around a focus (Synapse, Chromium, an aiortc caller), for
//! integration tests and for the demo. Never holds anything that a focus needs to run.

#[cfg(feature = "parts")]
pub mod parts;
