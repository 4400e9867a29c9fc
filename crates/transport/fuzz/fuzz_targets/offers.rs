//! Bytes as an offer.
//!
//! What must hold is in `confocal_transport::fuzz`, which every test run replays.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| confocal_transport::fuzz::offer(bytes));
