//! Bytes as a payload of VP8, and as a frame.
//!
//! What must hold is in `crates/video/tests/fuzz/targets.rs`, which every test run replays.
#![no_main]

#[path = "../../tests/fuzz/targets.rs"]
#[allow(dead_code, reason = "a program for each target")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::vp8(bytes));
