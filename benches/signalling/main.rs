//! What signalling costs: transactions over HTTP into adapter, driver, machine and a store on disk, up to the answer to the homeserver,
//! which means that all of it is committed. Homeserver and media engine are stand-ins that answer at once.
//!
//! Prints tables in Markdown; `cargo xtask bench-signalling` adds machine and day. Media and real homeservers are never measured here.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise and prints what it found"
)]

mod service;
mod stand_ins;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::{Service, call_event, people};
use tempfile::TempDir;

/// Rooms with a call each.
const ROOMS: [usize; 3] = [1, 100, 1_000];
/// Calls that are placed and hung up, one transaction each.
const CALLS: usize = 500;
/// Runs of a second at full load.
const RUNS: usize = 7;
/// As many events as a homeserver puts into a transaction.
const EVENTS: usize = 100;

#[tokio::main]
async fn main() {
    println!("| rooms with a call | a transaction with | median | p99 | min – max |");
    println!("| --- | --- | --- | --- | --- |");
    let mut rates = Vec::new();
    for rooms in ROOMS {
        let directory = on_disk();
        let mut service = Service::start(&directory.path().join("bench.db")).await;
        service.open_rooms(rooms).await;
        let (invites, hangups) = calls(&mut service, rooms).await;
        for (what, times) in [("a call", invites), ("its hangup", hangups)] {
            println!("| {rooms} | {what} | {} |", spread(times));
        }
        rates.push((rooms, load(&mut service, rooms).await));
        service.stop().await;
    }
    println!("\n| rooms with a call | call events a second, median of {RUNS} runs | min – max |");
    println!("| --- | --- | --- |");
    for (rooms, mut rates) in rates {
        rates.sort_by(f64::total_cmp);
        let (least, most) = (rates[0], rates[RUNS - 1]);
        println!("| {rooms} | {:.0} | {least:.0} – {most:.0} |", rates[RUNS / 2]);
    }
    println!("\n| | size of the store |\n| --- | --- |");
    let [before, after] = sizes(&on_disk()).await;
    println!("| one room, no call yet | {before} kB |\n| after 1,000 calls | {after} kB |");
}

/// A directory where files really go to a disk, as those under /tmp need not.
fn on_disk() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Places a call in one room after the other, waits until it is answered, and hangs up; the time of each of the two transactions.
async fn calls(service: &mut Service, rooms: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut invites, mut hangups) = (Vec::new(), Vec::new());
    for number in 0..CALLS {
        let call = format!("measured-{number}");
        let room = number % rooms;
        invites.push(timed(service, &call_event("m.call.invite", room, people::GUEST, &call)).await);
        service.answered(&call).await;
        hangups.push(timed(service, &call_event("m.call.hangup", room, people::GUEST, &call)).await);
    }
    (invites, hangups)
}

async fn timed(service: &mut Service, event: &Value) -> Duration {
    let from = Instant::now();
    service.put(std::slice::from_ref(event)).await;
    from.elapsed()
}

/// Transactions as full as they come, one after the other as a homeserver sends them: calls that are placed, trickle and are given up.
async fn load(service: &mut Service, rooms: usize) -> Vec<f64> {
    let (mut rates, mut number) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let (from, mut events) = (Instant::now(), 0_u32);
        while from.elapsed() < Duration::from_secs(1) {
            let mut transaction = Vec::new();
            while transaction.len() < EVENTS {
                let (call, room) = (format!("load-{number}"), number % rooms);
                number += 1;
                for kind in ["m.call.invite", "m.call.candidates", "m.call.candidates", "m.call.hangup"] {
                    transaction.push(call_event(kind, room, people::GUEST, &call));
                }
            }
            events += u32::try_from(transaction.len()).unwrap();
            service.put(&transaction).await;
        }
        rates.push(f64::from(events) / from.elapsed().as_secs_f64());
    }
    rates
}

/// The size in kB of a store that was closed: with a room, and after 1,000 calls there that were answered and hung up.
async fn sizes(directory: &TempDir) -> [u64; 2] {
    let path = directory.path().join("bench.db");
    let size = || fs::metadata(&path).unwrap().len().div_ceil(1_000);
    let mut service = Service::start(&path).await;
    service.open_rooms(1).await;
    service.stop().await;
    let before = size();
    let mut service = Service::start(&path).await;
    for number in 0..1_000 {
        let call = format!("stored-{number}");
        service.put(&[call_event("m.call.invite", 0, people::GUEST, &call)]).await;
        service.answered(&call).await;
        service.put(&[call_event("m.call.hangup", 0, people::GUEST, &call)]).await;
    }
    service.stop().await;
    [before, size()]
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: f64| {
        // The smallest value that so many are not above (nearest rank).
        let rank = (part * times.len() as f64).ceil() as usize;
        times[rank.max(1) - 1].as_secs_f64() * 1_000.0
    };
    format!("{:.1} ms | {:.1} ms | {:.1} – {:.1} ms", at(0.5), at(0.99), at(0.0), at(1.0))
}

/// An offer of the length that a browser's has; the stand-in for the engine does not read it.
pub(crate) fn offer() -> Value {
    json!({ "type": "offer", "sdp": "v=0\r\n".repeat(700) })
}
