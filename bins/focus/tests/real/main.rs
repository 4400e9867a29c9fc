//! The focus between real parts: Synapse, matrix-js-sdk in Chromium and Firefox, aiortc, coturn. Each test has a homeserver and a focus of its own.
//!
//! What needs none of them is tested in the crates. `cargo xtask test` installs the parts and runs this.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

mod admission;
mod bot;
mod browsers;
mod clients;
mod crashes;
mod discovery;
mod ejection;
mod endpoints;
mod faults;
mod federation;
mod firefox;
mod floor;
mod grid;
mod identity;
mod leaving;
mod lips;
mod made_up_names;
mod memory;
mod people;
mod pictures;
mod recording;
mod recovery;
mod voice;
mod ways;
mod world;
