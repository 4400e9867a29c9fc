//! The fuzz targets in every test run, with thousands of inputs by chance: from a fixed seed, and from one that is new each time and
//! told when it fails.
//!
//! The targets themselves are in `targets.rs`; `crates/mixer/fuzz` has them for cargo-fuzz.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use confocal_testing::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The same chance for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let bytes = self.next() % most;
        // Small numbers are more likely: short payloads, near times.
        (0..bytes).map(|_| (self.next() >> (self.next() % 5 + 56)) as u8).collect()
    }
}

fn for_each_input(inputs: usize, most: u64, target: impl Fn(&[u8])) {
    let new = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    for seed in [1, new] {
        let mut chance = Chance(seed);
        for input in 0..inputs {
            let bytes = chance.bytes(most);
            let went_well = catch_unwind(AssertUnwindSafe(|| target(&bytes)));
            assert!(went_well.is_ok(), "input {input} of seed {seed}");
        }
    }
}

#[test]
fn a_jitter_buffer_takes_anything() {
    for_each_input(3000, 4000, targets::jitter_buffer);
}

#[test]
fn a_conference_takes_anything_and_its_memory_is_bounded() {
    for_each_input(60, 20_000, |bytes| {
        let before = counting::bytes();
        let mixer = targets::conference(bytes);
        // Five voices, four and two profiles, 16 personal streams of which six legs can't use more than two each.
        let held = counting::bytes() - before;
        assert!(held < 2_500_000, "{held} bytes");
        drop(mixer);
        assert_eq!(counting::bytes(), before, "nothing is left behind");
    });
}
