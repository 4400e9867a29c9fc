//! Figures of callers who never called: what they saw and did is written down by hand.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use clap::Parser as _;

use super::*;
use crate::caller::Identity;
use crate::pictures::clip::Clip;
use crate::pictures::scene::Scene;
use crate::pictures::watch::Note;
use crate::pump::Playing;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The first beat, in µs.
const BEGAN: i64 = 1_000_000;
/// Eight seconds from the second turn on.
const WINDOW: Range<i64> = BEGAN + 1_000_000..BEGAN + 9_000_000;

struct Run {
    plan: Plan,
    clips: Arc<Clips>,
    seats: Vec<Seat>,
}

impl Run {
    /// Four callers, of whom two send pictures and take turns of two seconds.
    fn new() -> Self {
        let arguments = [
            "--callers",
            "4",
            "--talkers",
            "2",
            "--turns",
            "2",
            "--pictures",
            "2",
            "--pictures-decoded",
            "0",
        ];
        let plan = Plan::parse_from(["swarm"].iter().chain(&arguments));
        let clip =
            |place: u8| Clip { frames: (0..2).map(|index| vec![index, place]).collect(), bits: 500_000 };
        let clips = (0..2).map(|place| [clip(place), clip(place + 2)]).collect();
        let clips = Arc::new(Clips::new(clips, plan.pictures.rate, Scene::Numbered));
        let identity = Identity::new().expect("a certificate");
        let seat = |caller: usize| {
            let place = plan.picture_place(caller);
            let line = PictureLine::new(&plan.pictures, &clips, caller as u32 * 10, place, false);
            Seat::new(&identity, LOCAL, caller as u32 * 10, true, Playing::Nothing, Some(line))
                .expect("a socket")
        };
        let seats = (0..4).map(seat).collect();
        Self { plan, clips, seats }
    }

    fn line(&mut self, caller: usize) -> &mut PictureLine {
        self.seats[caller].caller.pictures.as_mut().expect("a line")
    }

    fn sender(&mut self, caller: usize) -> &mut Sender {
        self.line(caller).sender.as_mut().expect("it sends")
    }

    /// What that caller sees is whole 30 ms after it was sent, from the window's beginning on, all but those that are said.
    fn sees(&mut self, caller: usize, whose: usize, but: impl Fn(i64) -> bool) {
        let note = |index: i64| Note {
            at: WINDOW.start + index * 40_000 + 30_000,
            timestamp: index as u32 * 3_600,
            key_frame: false,
            shot: Some(Shot { place: whose, less: false, index: 0 }),
            data: None,
        };
        self.line(caller).receiver.watch.notes = (0..200).filter(|index| !but(*index)).map(note).collect();
    }

    fn judged(&self) -> Pictures {
        Pictures::new(&self.plan, &self.clips, &self.seats, &WINDOW, BEGAN).expect("nothing is decoded")
    }
}

/// All see the first, who sees the second.
fn run() -> Run {
    let mut run = Run::new();
    for caller in 0..4 {
        run.sees(caller, usize::from(caller == 0), |_| false);
    }
    for place in 0..2 {
        let shot = Shot { place, less: false, index: 0 };
        run.sender(place).sent = (0..200).map(|index| (WINDOW.start + index * 40_000, shot)).collect();
    }
    run
}

#[test]
fn who_gets_enough_in_time_passes_and_each_other_is_named() {
    let mut run = run();
    let all = run.judged();
    assert!(all.passed && all.receivers == 4, "{all:?}");
    assert_eq!((all.missing, all.late, all.freezes), (0.0, 0.0, 0));
    assert_eq!((all.delay.count, all.delay.p50_ms, all.delay.max_ms), (800, Some(30.0), Some(30.0)));
    run.sees(3, 0, |index| index % 5 == 0);
    let one = run.judged();
    assert_eq!((one.passed, one.failing), (false, 1));
    assert!(!one.listeners[3].passes && (one.missing_worst - 0.2).abs() < 1e-9, "{one:?}");
    run.plan.pictures.least = 0.8;
    assert!(run.judged().passed, "less is enough for whoever says so");
    run.sees(3, 0, |index| index > 100);
    run.plan.pictures.least = 0.0;
    let frozen = run.judged();
    assert!(
        frozen.passed && (frozen.freezes, frozen.frozen) == (1, 1) && frozen.longest_ms > 3_900.0,
        "{frozen:?}"
    );
}

#[test]
fn who_joined_before_anybody_sent_did_not_wait_for_a_picture() {
    let mut run = run();
    let sent = WINDOW.start;
    for (caller, connected, first) in
        [(0, sent - 5, Some(sent + 90)), (1, sent + 10_000, Some(sent + 60_000)), (2, sent + 20_000, None)]
    {
        let line = run.line(caller);
        (line.connected, line.receiver.watch.first) = (Some(connected), first);
    }
    let judged = run.judged();
    assert_eq!((judged.first_picture.count, judged.first_picture.p50_ms), (1, Some(50.0)), "{judged:?}");
    assert_eq!(judged.without_picture, 1);
}

#[test]
fn a_turn_is_measured_at_all_who_saw_somebody_else() {
    let mut run = run();
    // The second one's turns begin 2 and 6 s after the first beat, a millisecond later for being the second caller; the first one's 4 s.
    let turn = |seconds: i64, caller: i64| BEGAN + seconds * 1_000_000 + caller * 1_000;
    run.line(0).receiver.watch.changes = vec![(BEGAN, 1)];
    run.line(1).receiver.watch.changes = vec![(BEGAN, 0)];
    run.line(2).receiver.watch.changes =
        vec![(BEGAN, 0), (turn(2, 1) + 700_000, 1), (turn(4, 0) + 900_000, 0), (turn(6, 1) + 800_000, 1)];
    run.line(3).receiver.watch.changes =
        vec![(BEGAN, 0), (turn(2, 1) + 500_000, 1), (turn(4, 0) + 600_000, 0)];
    run.sender(1).asked = vec![turn(2, 1) + 400_000, turn(6, 1) + 500_000];
    run.sender(0).asked = vec![turn(4, 0) + 450_000];
    let judged = run.judged();
    assert_eq!((judged.turns.count, judged.turns_unseen), (5, 1), "{judged:?}");
    assert_eq!((judged.turns.p50_ms, judged.turns.max_ms), (Some(700.0), Some(900.0)));
    assert_eq!((judged.turns_asked.count, judged.turns_asked.max_ms), (5, Some(450.0)));
}

#[test]
fn the_table_has_a_row_for_whoever_does_not_pass() {
    let mut run = run();
    run.sees(2, 0, |_| true);
    let mut rows = Vec::new();
    let judged = run.judged();
    judged
        .rows(|name, value| {
            rows.push(format!("{name}: {value}"));
            Ok(())
        })
        .expect("rows");
    assert!(rows.contains(&"pictures: receivers passing: 3 of 4".to_owned()), "{rows:?}");
    assert!(rows.contains(&"pictures of caller 3: 0 of 200 due, 0 late, 1 freezes".to_owned()), "{rows:?}");
    assert!(serde_json::to_string(&judged).expect("JSON").contains("\"failing\":1"));
}
