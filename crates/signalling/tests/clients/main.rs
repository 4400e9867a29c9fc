//! Calls of each client that is known to place them, from its own events to what it is sent: translator, machine and adapter
//! together, the engine's part played by hand.
//!
//! Each file is one client, and names where its habits are known from. Whether a client can read an event at all is tested in
//! `strict_readers`.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod anyone;
mod dart_sdk;
mod desk;
mod element_android;
mod element_ios;
mod js_sdk;
mod legacy;
mod nheko;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with tests that ask for more of it")]
mod support;
