//! The fuzz targets in every test run: what was kept, and thousands of broken inputs from two seeds, one of them new each time.
//!
//! The targets themselves are in `targets.rs`; `crates/video/fuzz` has them for cargo-fuzz.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use confocal_testing::damage::{Damage, corpus};
use confocal_video::{PictureCodec, glance};

/// How many broken inputs each target gets from each seed.
const INPUTS: usize = 5000;

/// What makes a difference in a payload: kinds, lengths and counts at their ends.
const WORDS: [&str; 12] = [
    "\0",
    "\0\0\u{1}",
    "\0\0\u{3}",
    "\u{10}",
    "\u{78}\0\u{4}",
    "\u{7c}",
    "\u{5c}\u{41}",
    "\u{65}",
    "\u{67}\u{42}",
    "\u{68}",
    "\u{7f}",
    "\u{1}*",
];

#[test]
fn vp8() {
    replay("vp8", targets::vp8);
}

#[test]
fn h264() {
    replay("h264", targets::h264);
}

#[test]
fn packets() {
    replay("packets", targets::packets);
}

/// What is never read can't be broken well.
#[test]
fn most_of_what_was_kept_can_be_read() {
    for (name, codec) in [("vp8", PictureCodec::Vp8), ("h264", PictureCodec::H264)] {
        let kept = kept(name);
        let good = kept.iter().filter(|(_, bytes)| glance(codec, bytes).is_ok()).count();
        let keys =
            kept.iter().filter(|(_, bytes)| glance(codec, bytes).is_ok_and(|found| found.key_frame_starts));
        assert!(good * 2 > kept.len() && keys.count() > 1, "{name}: {good} of {}", kept.len());
    }
}

fn kept(name: &str) -> Vec<(String, Vec<u8>)> {
    corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name))
}

/// Gives a target all inputs, and says which one it did not stand.
fn replay(name: &str, target: fn(&[u8])) {
    let kept = kept(name);
    assert!(kept.len() >= 5, "{name}: {} kept", kept.len());
    for (file, input) in &kept {
        stands(target, input, file);
    }
    let this_run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    for seed in [1, this_run] {
        let mut damage = Damage::new(seed);
        for number in 0..INPUTS {
            let input = match number % 8 {
                0 => damage.bytes(300),
                _ => {
                    let (_, good) = damage.one_of(&kept).clone();
                    damage.of(&good, &WORDS)
                }
            };
            stands(target, &input, &format!("seed {seed}, input {number}"));
        }
    }
}

fn stands(target: fn(&[u8]), input: &[u8], from: &str) {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        panic!("{from} did not stand it:\n{input:02x?}");
    }
}
