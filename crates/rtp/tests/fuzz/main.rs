//! The fuzz targets in every test run: what was kept, and thousands of broken inputs from two seeds, one of them new each time.
//!
//! The targets themselves are in `targets.rs`; `crates/rtp/fuzz` has them for cargo-fuzz.

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use confocal_rtp::rtcp::{RtcpPacket, RtcpPackets};
use confocal_testing::damage::{Damage, corpus};

/// How many broken inputs each target gets from each seed.
const INPUTS: usize = 5000;

/// What makes a difference in a packet: lengths and counts at their ends, heads, and names.
const WORDS: [&str; 16] = [
    "\0",
    "\0\0\0\0",
    "\0\u{1}",
    "\0\u{2}",
    "\u{1}\0",
    "\u{f}\u{7f}",
    "\u{10}\0\0\u{1}",
    "\u{7f}\u{7f}",
    "\0\u{6}\0\u{4}a:bc",
    "\0\u{25}\0\0",
    "!\u{12}",
    "REMB",
    " ",
    "@",
    "\u{3f}",
    "\u{20}\u{1}",
];

#[test]
fn datagrams() {
    replay("datagrams", targets::datagram);
}

#[test]
fn rtp() {
    replay("rtp", targets::rtp);
}

#[test]
fn rtcp() {
    replay("rtcp", targets::rtcp);
}

#[test]
fn srtp() {
    replay("rtp", targets::srtp);
    replay("rtcp", targets::srtp);
}

/// What is never read can't be broken well: each kind is there, and can be read.
#[test]
fn every_kind_of_rtcp_was_kept() {
    let kept = corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/rtcp"));
    let mut kinds = [0; 9];
    for packet in kept.iter().flat_map(|(_, bytes)| RtcpPackets::new(bytes)).flatten() {
        kinds[match packet {
            RtcpPacket::SenderReport(..) => 0,
            RtcpPacket::ReceiverReport(..) => 1,
            RtcpPacket::SourceDescription(_) => 2,
            RtcpPacket::Goodbye(_) => 3,
            RtcpPacket::Nack(_) => 4,
            RtcpPacket::Pli(_) => 5,
            RtcpPacket::Fir(_) => 6,
            RtcpPacket::Remb(_) => 7,
            RtcpPacket::TransportFeedback(_) => 8,
        }] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    let whole = kept.iter().find(|(file, _)| file.ends_with("all-of-it.bin")).unwrap();
    assert_eq!(RtcpPackets::new(&whole.1).filter(Result::is_ok).count(), 8);
}

/// Gives a target all inputs, and says which one it did not stand.
fn replay(name: &str, target: fn(&[u8])) {
    let kept = corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name));
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
