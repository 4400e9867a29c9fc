//! What came of a run: for people a table, for programs JSON.

use std::fmt;

use serde::Serialize;

use crate::measure::{Heard, quantile, share};
use crate::pictures::Pictures;
use crate::plan::Plan;
use crate::pump::Seat;
use crate::run::Machine;

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When the first beat was, in ms of Unix time: the turns of those who talk in turn count from then.
    pub began_ms: i64,
    /// Callers in all.
    pub callers: usize,
    /// Conferences they were spread over.
    pub conferences: usize,
    /// How many of each talked.
    pub talkers: usize,
    /// All participants pass, by what they hear and by what they see.
    pub passed: bool,
    /// Participants that don't, by what they hear.
    pub failing: usize,
    /// The share of due frames that there was nothing to play for, over all participants.
    pub missing: f64,
    /// The same of the participant that it is worst for.
    pub missing_worst: f64,
    /// The share of packets more than 20 ms late, over all.
    pub late_20: f64,
    /// The share of packets more than 60 ms late, over all.
    pub late_60: f64,
    /// The same of the participant that it is worst for.
    pub late_60_worst: f64,
    /// How long after the fastest one packets came, in ms: the 99th percentile over all participants.
    pub spread_p99_ms: f64,
    /// What it took.
    pub load: Load,
    /// Delays, where they were measured (`--sound bursts`).
    pub delays: Option<Delays>,
    /// How loud the mix was, in dBov, of some listeners.
    pub heard_dbov: Option<f64>,
    /// What they saw, if pictures were sent.
    pub pictures: Option<Pictures>,
    /// Each participant.
    pub listeners: Vec<Listener>,
}

/// One participant.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// Its number.
    pub caller: usize,
    /// Its conference's number.
    pub conference: usize,
    /// It talks.
    pub talks: bool,
    /// It passes.
    pub passes: bool,
    /// Packets received.
    pub packets: u64,
    /// Packets received once more.
    pub duplicates: u64,
    /// Frames due while somebody else spoke.
    pub due: u64,
    /// Of those, how many came with no packet.
    pub missing: u64,
    /// Of those missing, how many came as a copy.
    pub recovered: u64,
    /// Packets more than 20 ms late.
    pub late_20: u64,
    /// Packets more than 60 ms late.
    pub late_60: u64,
    /// How long after the fastest one half of the packets came at the most, in ms.
    pub spread_p50_ms: f64,
    /// The same of 99 in a hundred.
    pub spread_p99_ms: f64,
    /// Datagrams that were no packets of the call.
    pub refused: u64,
    /// Packets that the system did not take.
    pub unsent: u64,
    #[serde(skip)]
    spread: Vec<i64>,
}

/// What the run took of the machine.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Load {
    /// The target's CPU time, in cores; `None` if its process was not told.
    pub target_cores: Option<f64>,
    /// The same for each participant, in ms of CPU a second.
    pub target_ms_per_participant: Option<f64>,
    /// The target's CPU time for each conference, in cores.
    pub target_cores_per_conference: Option<f64>,
    /// The target's memory at the end, in MiB.
    pub target_rss_mib: Option<f64>,
    /// That of it which the target has written, in MiB.
    pub target_anonymous_mib: Option<f64>,
    /// How much of the latter each participant took, in KiB: what has come on top since before the first call.
    pub target_kib_per_participant: Option<f64>,
    /// The target's threads at the end.
    pub target_threads: Option<u64>,
    /// This program's CPU time, in cores.
    pub own_cores: f64,
    /// What the host took from the machine meanwhile, in cores.
    pub stolen_cores: f64,
    /// How far this program was behind its beat at the worst, in ms.
    pub behind_ms: u64,
    /// It had real-time priority.
    pub real_time: bool,
    /// Random datagrams that were sent besides.
    pub garbage: u64,
}

impl Load {
    pub(crate) fn between(
        before: &Machine,
        after: &Machine,
        plan: &Plan,
        behind_ms: u64,
        real_time: bool,
        garbage: u64,
    ) -> Self {
        let seconds = (after.at - before.at).as_secs_f64();
        let target = before.target.zip(after.target);
        let cores = target.map(|(before, after)| (after.cpu_seconds - before.cpu_seconds) / seconds);
        Self {
            target_cores: cores,
            target_ms_per_participant: cores.map(|cores| cores * 1_000.0 / plan.callers as f64),
            target_cores_per_conference: cores.map(|cores| cores / plan.conferences as f64),
            target_kib_per_participant: None,
            target_rss_mib: after.target.map(|usage| usage.rss_bytes as f64 / f64::from(1 << 20)),
            target_anonymous_mib: after.target.map(|usage| usage.anonymous_mib()),
            target_threads: after.target.map(|usage| usage.threads),
            own_cores: (after.own.cpu_seconds - before.own.cpu_seconds) / seconds,
            stolen_cores: (after.stolen - before.stolen) / seconds,
            behind_ms,
            real_time,
            garbage,
        }
    }

    /// Notes by how much the memory that the target has written has grown since the machine was looked at `first`, before any call.
    pub(crate) fn grown_since(&mut self, first: &Machine, plan: &Plan) {
        let grown =
            first.target.zip(self.target_anonymous_mib).map(|(first, after)| after - first.anonymous_mib());
        self.target_kib_per_participant = grown.map(|grown| grown * 1_024.0 / plan.callers as f64);
    }
}

/// Delays from a burst in the talker's packet to the burst in the listeners'.
#[derive(Clone, Debug, Serialize)]
pub struct Delays {
    /// Bursts that were heard.
    pub count: usize,
    /// In ms, as all of these.
    pub min_ms: Option<f64>,
    /// Half of them.
    pub p50_ms: Option<f64>,
    /// 95 in a hundred.
    pub p95_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// How much louder bursts were heard than sent, in dB.
    pub gain_db: Option<f64>,
}

impl Delays {
    /// Of delays in µs and levels in dBov.
    #[must_use]
    pub fn new(mut added: Vec<i64>, heard: &[f64], sent: f64) -> Self {
        added.sort_unstable();
        let at = |part| quantile(&added, part).map(millis);
        Self {
            count: added.len(),
            min_ms: at(0.0),
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            max_ms: at(1.0),
            gain_db: mean(heard).map(|heard| heard - sent),
        }
    }
}

impl Listener {
    pub(crate) fn new(caller: usize, conference: usize, talks: bool, heard: Heard, seat: &Seat) -> Self {
        let at = |part| quantile(&heard.delays, part).map_or(0.0, millis);
        Self {
            caller,
            conference,
            talks,
            passes: heard.passes(),
            packets: heard.packets,
            duplicates: heard.duplicates,
            due: heard.due,
            missing: heard.missing,
            recovered: heard.recovered,
            late_20: heard.late_20,
            late_60: heard.late_60,
            spread_p50_ms: at(0.5),
            spread_p99_ms: at(0.99),
            refused: seat.caller.refused,
            unsent: seat.unsent,
            spread: heard.delays,
        }
    }

    fn missing_share(&self) -> f64 {
        share(self.missing - self.recovered, self.due)
    }

    fn late_share(&self) -> f64 {
        share(self.late_60, self.packets)
    }
}

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        began_ms: i64,
        load: Load,
        listeners: Vec<Listener>,
        delays: Option<Delays>,
        levels: &[f64],
        pictures: Option<Pictures>,
    ) -> Self {
        let sum = |field: fn(&Listener) -> u64| listeners.iter().map(field).sum::<u64>();
        let worst = |of: fn(&Listener) -> f64| listeners.iter().map(of).fold(0.0, f64::max);
        let mut spread: Vec<i64> = listeners.iter().flat_map(|listener| &listener.spread).copied().collect();
        spread.sort_unstable();
        let failing = listeners.iter().filter(|listener| !listener.passes).count();
        Self {
            began_ms,
            callers: plan.callers,
            conferences: plan.conferences,
            talkers: plan.talkers,
            passed: failing == 0 && pictures.as_ref().is_none_or(|pictures| pictures.passed),
            failing,
            missing: share(sum(|it| it.missing - it.recovered), sum(|it| it.due)),
            missing_worst: worst(Listener::missing_share),
            late_20: share(sum(|it| it.late_20), sum(|it| it.packets)),
            late_60: share(sum(|it| it.late_60), sum(|it| it.packets)),
            late_60_worst: worst(Listener::late_share),
            spread_p99_ms: quantile(&spread, 0.99).map_or(0.0, millis),
            heard_dbov: mean(levels),
            load,
            delays,
            pictures,
            listeners,
        }
    }
}

fn millis(micros: i64) -> f64 {
    micros as f64 / 1_000.0
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The table. Of the participants only the worst ones have a row of their own.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, .. } = self;
        let percent = |part: f64| format!("{:.2} %", part * 100.0);
        let told = |value: Option<f64>, digits: usize, unit: &str| {
            value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.digits$}{unit}"))
        };
        let mut row = |name: &str, value: String| writeln!(f, "| {name} | {value} |");
        row("what", "value".to_owned())?;
        row("---", "---".to_owned())?;
        row(
            "participants",
            format!("{} in {}, {} of each talking", self.callers, self.conferences, self.talkers),
        )?;
        row("passing", format!("{} of {}", self.callers - self.failing, self.callers))?;
        row(
            "frames missing (worst)",
            format!("{} ({})", percent(self.missing), percent(self.missing_worst)),
        )?;
        row("packets > 20 ms late", percent(self.late_20))?;
        row(
            "packets > 60 ms late (worst)",
            format!("{} ({})", percent(self.late_60), percent(self.late_60_worst)),
        )?;
        row("99 % of packets within", format!("{:.1} ms of the fastest", self.spread_p99_ms))?;
        row("target, cores", told(load.target_cores, 3, ""))?;
        row("target, CPU a participant", told(load.target_ms_per_participant, 3, " ms/s"))?;
        if self.conferences > 1 {
            row("target, cores a conference", told(load.target_cores_per_conference, 3, ""))?;
        }
        row("target, memory", told(load.target_rss_mib, 1, " MiB"))?;
        row("target, memory that it has written", told(load.target_anonymous_mib, 1, " MiB"))?;
        row("target, memory a participant", told(load.target_kib_per_participant, 1, " KiB"))?;
        row("this program, cores", format!("{:.3}", load.own_cores))?;
        row("this program, behind at the worst", format!("{} ms", load.behind_ms))?;
        row("taken by the host, cores", format!("{:.3}", load.stolen_cores))?;
        row("mix as heard", told(self.heard_dbov, 1, " dBov"))?;
        if load.garbage > 0 {
            row("random datagrams", load.garbage.to_string())?;
        }
        if let Some(delays) = &self.delays {
            let ms = |value| told(value, 1, " ms");
            row("bursts heard", delays.count.to_string())?;
            row("delay p50", ms(delays.p50_ms))?;
            row("delay p95", ms(delays.p95_ms))?;
            row("delay min – max", format!("{} – {}", ms(delays.min_ms), ms(delays.max_ms)))?;
            row("bursts heard louder by", told(delays.gain_db, 1, " dB"))?;
        }
        if let Some(pictures) = &self.pictures {
            pictures.rows(&mut row)?;
        }
        let mut worst: Vec<&Listener> = self.listeners.iter().filter(|listener| !listener.passes).collect();
        worst.sort_by(|a, b| {
            let badness = |it: &Listener| it.missing_share() + it.late_share();
            badness(b).total_cmp(&badness(a))
        });
        for listener in worst.iter().take(5) {
            row(
                &format!("caller {}", listener.caller + 1),
                format!(
                    "{} missing of {} due, {} late of {} packets",
                    listener.missing - listener.recovered,
                    listener.due,
                    listener.late_60,
                    listener.packets
                ),
            )?;
        }
        Ok(())
    }
}
