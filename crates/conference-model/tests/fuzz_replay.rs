//! Bytes as a fuzzer makes them: those that were kept, and ten thousand by chance.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use confocal_conference_model::generate::Bytes;
use confocal_conference_model::replay;

/// How many inputs are made by chance, from each of the two seeds.
const INPUTS: usize = 5_000;

/// How many actions the longest of them has: what takes more is the soak's.
const ACTIONS: u64 = 12;

#[test]
fn what_was_kept_breaks_nothing() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut played = 0;
    for entry in std::fs::read_dir(&corpus).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let bytes = std::fs::read(&path).unwrap();
            if let Err(violation) = replay(&bytes) {
                panic!("{}: {violation}", path.display());
            }
            played += 1;
        }
    }
    assert!(played >= 20, "the corpus is in {}, of which {played} were found", corpus.display());
}

#[test]
fn ten_thousand_inputs_break_nothing() {
    let this_run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    for seed in [1, this_run] {
        let mut bytes = Bytes::new(seed);
        for number in 0..INPUTS {
            let length = bytes.number() % ACTIONS;
            // Half of them are any bytes, half begin as histories do; some end in the middle of an action.
            let mut input =
                if number % 2 == 0 { bytes.any(length as usize) } else { bytes.history(length as usize) };
            input.truncate(input.len() - (bytes.number() % 3) as usize % input.len());
            if let Err(violation) = replay(&input) {
                panic!("seed {seed}, input {number}: {input:?}\n{violation}");
            }
        }
    }
}
