//! The fuzz targets in every test run: what was kept, what real clients sent, and thousands of broken inputs from two seeds, one of
//! them new each time.
//!
//! The targets themselves are in `targets.rs`; `crates/signalling/fuzz` has them for cargo-fuzz.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use confocal_testing::damage::{Damage, corpus};
use serde_json::Value;

/// How many broken inputs each target gets from each seed.
const INPUTS: usize = 2500;

/// What makes a difference in an event.
const WORDS: [&str; 32] = [
    "\"call_id\":",
    "\"party_id\":",
    "\"version\":",
    "\"offer\":",
    "\"sdp\":",
    "\"lifetime\":",
    "\"candidates\":[",
    "\"sdpMid\":",
    "\"sdpMLineIndex\":",
    "\"description\":",
    "\"sdp_stream_metadata\":{",
    "\"purpose\":",
    "\"m.usermedia\"",
    "\"selected_party_id\":",
    "\"invitee\":",
    "\"content\":",
    "\"type\":",
    "\"sender\":",
    "\"room_id\":",
    "\"state_key\":",
    "\"unsigned\":{\"age\":",
    "null",
    "1e999",
    "-1",
    "0.5",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"\\ud800\"",
    "18446744073709551616",
];

#[test]
fn transactions() {
    replay("transactions", targets::transaction);
}

#[test]
fn call_events() {
    replay("call-events", targets::call_event);
}

#[test]
fn focus_users() {
    replay("focus-users", targets::focus_user);
}

/// Gives a target all inputs, and says which one it did not stand.
fn replay(name: &str, target: fn(&[u8])) {
    let mut kept = corpus(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name));
    assert!(kept.len() >= 5, "{name}: {} kept", kept.len());
    kept.extend(recorded());
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
        panic!("{from} did not stand it:\n{}", String::from_utf8_lossy(input));
    }
}

/// The events of real clients, without their long descriptions: one of its contents behind a byte for its type, and all of them,
/// one a line.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for text in [
        include_str!("../fixtures/jssdk43-chromium156/voice-events.json"),
        include_str!("../fixtures/mtxclient/v0-events.json"),
        include_str!("../fixtures/mtxclient/v1-events.json"),
    ] {
        let mut events: Vec<Value> = serde_json::from_str(text).unwrap();
        let mut lines = Vec::new();
        for event in &mut events {
            for description in ["offer", "answer", "description"] {
                if event["content"][description]["sdp"].is_string() {
                    event["content"][description]["sdp"] = Value::from("v=0\r\n");
                }
            }
            let kind = targets::KINDS.iter().position(|kind| event["type"] == *kind).unwrap_or_default();
            let content = [&[kind as u8], event["content"].to_string().as_bytes()].concat();
            all.push((format!("recorded {}", event["type"]), content));
            event["room_id"] = Value::from("!direct:hs.test");
            event["sender"] = Value::from("@alice:hs.test");
            lines.push(event.to_string());
        }
        all.push(("a recording".to_owned(), lines.join("\n").into_bytes()));
    }
    all
}
