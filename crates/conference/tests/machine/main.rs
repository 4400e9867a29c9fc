//! The machine from outside: inputs and times in, effects and records out.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

mod absence;
mod borders;
mod bot;
mod capacity;
mod comparison;
mod departures;
mod discovery;
mod encrypted;
mod floor;
mod legs;
mod pictures;
mod quality;
mod recording;
mod records;
mod recovery;
mod regressions;
mod rules;
mod screens;
mod strangers;
mod support;
