//! Bytes as the body of a transaction, and as events among good ones.
//!
//! What must hold is in `crates/signalling/tests/fuzz/targets.rs`, which every test run replays.
#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
#[allow(dead_code, reason = "a program for each target")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::transaction(bytes));
