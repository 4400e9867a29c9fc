//! What the conference machine costs: inputs handled in a second, bytes for a participant, time to take up records.
//!
//! Each input is handled as a driver would: made just before of what came in, told, then effects and changed records are drained;
//! `without records` leaves the records unwritten, to show what the rules alone cost. Nothing is mixed here.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a bench stops where it is wrong, and reports"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use confocal_conference::{
    Admission, Agreed, CallInvite, CallKey, CallVersion, Config, Effect, Focus, HangupReason, Input, LegId,
    LegLevel, LevelDbov, Limits, MediaCommand, MediaReport, Millis, RequestOutcome, Sdp, SessionMemo,
    SignalRequest, StreamMetadata, Timestamp,
};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, Throughput};
use nix::time::{ClockId, clock_gettime};

/// An offer of the length of a browser's for voice.
const SDP_BYTES: usize = 1_800;

/// How many report their level together: the loudest of a conference.
const HEARD: usize = 4;

/// What this thread has used of a core: other work on the machine does not count, but for what it does to the caches.
struct CpuTime;

impl CpuTime {
    fn now() -> Duration {
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::now() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// A machine with everything done at once that it asks for.
struct Bench {
    focus: Focus,
    now: Timestamp,
    /// One more for each call placed.
    calls: u64,
    records: BTreeMap<String, Vec<u8>>,
    keep: Keep,
    inputs: u64,
}

/// What becomes of changed records.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    /// They are written and kept, as in a store.
    All,
    /// They are written and dropped.
    Nothing,
    /// They are not even written.
    Unwritten,
}

/// Somebody in a call.
#[derive(Clone)]
struct Caller {
    key: CallKey,
    leg: LegId,
}

/// One of the callers hangs up and calls again: seven inputs or so, all that a call is made of. The first two come from outside.
struct Turn {
    caller: usize,
    hung_up: CallKey,
    invite: CallInvite,
}

impl Bench {
    fn new(keep: Keep) -> Self {
        let now = Timestamp::from_unix_millis(1_700_000_000_000);
        Self { focus: Focus::new(config(), 1, now), now, calls: 0, records: BTreeMap::new(), keep, inputs: 0 }
    }

    /// Conferences with so many participants each.
    fn conferences(count: usize, participants: usize, keep: Keep) -> (Self, Vec<Caller>) {
        let mut bench = Self::new(keep);
        let mut callers = Vec::with_capacity(count * participants);
        for conference in 0..count {
            let (focus, group) =
                (format!("@conf_{conference}:example.org"), format!("!{conference}:example.org"));
            bench.invite(&focus, &group, &group, "@host:example.org");
            for person in 0..participants {
                let member = format!("@{conference}-{person}:example.org");
                let room = format!("!direct-{conference}-{person}:example.org");
                bench.invite(&focus, &group, &room, &member);
                callers.push(bench.call(&room, &member));
            }
        }
        (bench, callers)
    }

    /// Tells an input and does what it leads to. The session that was opened is given back.
    fn tell(&mut self, input: Input) -> Option<LegId> {
        let mut opened = None;
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.inputs += 1;
            self.focus.handle(input, self.now);
            while let Some(effect) = self.focus.poll_effect() {
                match effect {
                    Effect::Send { id, request } => {
                        let outcome = match request {
                            SignalRequest::AskAdmission { .. } => RequestOutcome::Admission(Admission {
                                joined: true,
                                direct_members: 2,
                                name: None,
                            }),
                            _ => RequestOutcome::Done,
                        };
                        inputs.push(Input::RequestDone { id, outcome });
                    }
                    Effect::Media(MediaCommand::Open { leg, generation, number, .. }) => {
                        opened = Some(leg);
                        let (answer, streams, agreed) = (sdp(), StreamMetadata::new(), Agreed::default());
                        inputs.push(Input::Media(MediaReport::TransportUp { leg, generation }));
                        let offer = number;
                        inputs.push(Input::Media(MediaReport::AnswerReady {
                            leg,
                            generation,
                            offer,
                            answer,
                            streams,
                            agreed,
                            memo: SessionMemo::default(),
                        }));
                    }
                    Effect::Media(_) | Effect::Notify(_) => {}
                }
            }
            if self.keep == Keep::Unwritten {
                self.focus.discard_changes();
            }
            while let Some(change) = self.focus.poll_change() {
                match change.value {
                    Some(value) if self.keep == Keep::All => drop(self.records.insert(change.key, value)),
                    Some(value) => drop(black_box(value)),
                    None => drop(self.records.remove(&change.key)),
                }
            }
        }
        opened
    }

    fn invite(&mut self, focus: &str, group: &str, room: &str, by: &str) {
        let (focus, group, room, by) = (focus.into(), group.into(), room.into(), by.into());
        self.tell(Input::FocusInvited { focus, group, room, by, via: vec!["example.org".into()] });
    }

    /// An invite as it comes in, its names read from an event.
    fn invite_of(&mut self, room: &str, member: &str) -> CallInvite {
        self.calls += 1;
        let call = format!("call-{}", self.calls);
        CallInvite {
            key: CallKey { room: room.into(), caller: member.into(), call: call.as_str().into() },
            invitee: None,
            version: CallVersion::V1,
            party: Some("PARTY".into()),
            offer: sdp(),
            expires_in: Millis::from_secs(60),
            metadata: None,
        }
    }

    fn call(&mut self, room: &str, member: &str) -> Caller {
        let invite = self.invite_of(room, member);
        let key = invite.key.clone();
        Caller { key, leg: self.tell(Input::CallInvited(invite)).unwrap() }
    }

    /// Reads from events what comes in with a turn. Turns are taken in the order in which they were planned.
    fn plan_turn(&mut self, caller: usize, callers: &mut [Caller]) -> Turn {
        let key = &mut callers[caller].key;
        let (room, member) = (key.room.as_str(), key.caller.as_str());
        let hung_up = CallKey { room: room.into(), caller: member.into(), call: key.call.as_str().into() };
        let invite = self.invite_of(room, member);
        *key = invite.key.clone();
        Turn { caller, hung_up, invite }
    }

    /// A function of its own, by which a profiler can tell it from what plans it.
    #[inline(never)]
    fn take_turn(&mut self, turn: Turn, callers: &mut [Caller]) {
        let Turn { caller, hung_up: key, invite } = turn;
        self.tell(Input::CallHungUp { key, party: None, reason: HangupReason::UserHangup });
        self.now = self.now + Millis(10);
        callers[caller].leg = self.tell(Input::CallInvited(invite)).unwrap();
    }

    /// The loudest of a conference, from this one on.
    #[inline(never)]
    fn levels(&mut self, callers: &[Caller]) {
        let level = |caller: &Caller| LegLevel { leg: caller.leg, level: LevelDbov(-30), speaking: true };
        let levels = callers.iter().take(HEARD).map(level).collect();
        self.now = self.now + Millis(1);
        self.tell(Input::Media(MediaReport::Levels(levels)));
    }
}

fn config() -> Config {
    let limits = Limits {
        participants_per_conference: usize::MAX,
        legs_per_conference: usize::MAX,
        conferences: usize::MAX,
        calls_per_server: usize::MAX,
        invites_at_once: u32::MAX,
        ..Limits::default()
    };
    Config { limits, ..Config::default() }
}

fn sdp() -> Sdp {
    Sdp("v".repeat(SDP_BYTES))
}

/// The sizes: conferences, and participants in each. Three have ten thousand in all: in one conference, in a hundred, and in thousands.
const SIZES: [(usize, usize); 6] = [(1, 4), (100, 4), (1, 10_000), (100, 100), (2_500, 4), (10_000, 4)];

/// Turns whose events have been read when the first of them is taken: what was just read is in the processor's cache.
const PLANNED: u64 = 16;

/// Reports of levels for each call in mixed traffic. The engine makes one each 100 ms while somebody talks, so it is of a call that lasts no
/// more than 40 s in a conference of four; with longer ones it would be more of what is fast.
const REPORTS_A_CALL: u64 = 100;

/// A machine in use.
struct Load {
    bench: Bench,
    callers: Vec<Caller>,
    /// In each conference.
    participants: usize,
    /// Who is next.
    at: usize,
    reports: usize,
}

impl Load {
    fn new((conferences, participants): (usize, usize), keep: Keep) -> Self {
        let (mut bench, callers) = Bench::conferences(conferences, participants, Keep::Nothing);
        bench.keep = keep;
        Self { bench, callers, participants, at: 0, reports: 0 }
    }

    /// A report of another conference each time, and in a large one of others after a while.
    fn report(&mut self) {
        self.reports += 1;
        self.at = (self.at + 7 * self.participants) % self.callers.len();
        let first = self.at / self.participants * self.participants;
        let talk = self.reports / 10_000 * HEARD % (self.participants - HEARD + 1);
        self.bench.levels(&self.callers[first + talk..]);
    }

    /// So many turns, each with so many reports after it: the time that they take.
    fn turns(&mut self, turns: u64, reports: u64) -> Duration {
        let mut spent = Duration::ZERO;
        let mut left = turns;
        while left > 0 {
            let planned = left.min(PLANNED);
            left -= planned;
            let mut plan = || {
                self.at = (self.at + 7) % self.callers.len();
                self.bench.plan_turn(self.at, &mut self.callers)
            };
            let planned: Vec<Turn> = (0..planned).map(|_| plan()).collect();
            let before = CpuTime::now();
            for turn in planned {
                self.bench.take_turn(turn, &mut self.callers);
                (0..reports).for_each(|_| self.report());
            }
            spent += CpuTime::now() - before;
        }
        spent
    }
}

fn inputs(criterion: &mut Criterion<CpuTime>) {
    let of_a_call = inputs_of_a_call();
    for (keep, with) in [(Keep::Nothing, "with records"), (Keep::Unwritten, "without records")] {
        let mut group = criterion.benchmark_group(format!("machine/inputs {with}"));
        for size in SIZES {
            let name = format!("{} x {}", size.0, size.1);
            // Made for the first that is measured, so that one size can be measured without the others.
            let mut load = None;
            let make = || Load::new(size, keep);
            group.throughput(Throughput::Elements(1));
            group.bench_function(format!("levels/{name}"), |bencher| {
                let load = load.get_or_insert_with(make);
                bencher.iter(|| load.report());
            });
            for (kind, reports) in [("calls", 0), ("mixed", REPORTS_A_CALL)] {
                group.throughput(Throughput::Elements(of_a_call + reports));
                group.bench_function(format!("{kind}/{name}"), |bencher| {
                    let load = load.get_or_insert_with(make);
                    bencher.iter_custom(|turns| load.turns(turns, reports));
                });
            }
        }
        group.finish();
    }
}

/// How many inputs a call is made of here, with its end.
fn inputs_of_a_call() -> u64 {
    let (mut bench, mut callers) = Bench::conferences(1, 2, Keep::Nothing);
    let before = bench.inputs;
    let turn = bench.plan_turn(0, &mut callers);
    bench.take_turn(turn, &mut callers);
    bench.inputs - before
}

fn restore(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("machine/restore");
    group.sample_size(10).throughput(Throughput::Elements(10_000));
    group.bench_function("10000 participants", |bencher| {
        let (bench, _) = Bench::conferences(2_500, 4, Keep::All);
        let records: Vec<_> = bench.records.into_iter().collect();
        bencher.iter_batched(
            || records.clone(),
            |records| black_box(Focus::restore(config(), 1, bench.now, records).unwrap()),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Resident memory of this process, in bytes, as Linux tells it.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

fn sizes() {
    let before = resident();
    let (bench, callers) = Bench::conferences(2_500, 4, Keep::Nothing);
    if let (Some(before), Some(after)) = (before, resident()) {
        println!(
            "machine: {} bytes of memory for a participant",
            after.saturating_sub(before) / callers.len()
        );
    }
    black_box(bench);
    let (bench, callers) = Bench::conferences(2_500, 4, Keep::All);
    let written: usize = bench.records.iter().map(|(key, value)| key.len() + value.len()).sum();
    println!("machine: {} bytes of records for a participant", written / callers.len());
}

fn main() {
    // Who looks with a profiler at one of them does not want to wait for the others.
    if !std::env::args().any(|argument| argument == "--profile-time") {
        sizes();
    }
    let mut criterion = Criterion::default().with_measurement(CpuTime).configure_from_args();
    inputs(&mut criterion);
    restore(&mut criterion);
    criterion.final_summary();
}
