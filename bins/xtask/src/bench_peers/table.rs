//! Figures, put side by side: a table in Markdown and drawings.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Context as _;
use serde_json::Value;

use super::peers::Peer;
use super::scene::{Scene, Trial};
use crate::figures::{machine, today};
use crate::plot::{Line, Plot};

/// What one measurement gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// All participants passed.
    passed: bool,
    /// Why there are no figures.
    why: Option<String>,
    /// CPU time, ms a participant and second.
    cpu: f64,
    /// Memory, MiB.
    memory: f64,
    /// Shares, 0 to 1.
    missing: f64,
    late: f64,
    /// ms.
    spread: f64,
    delay_p50: Option<f64>,
    delay_p95: Option<f64>,
    /// PESQ-WB (ITU-T P.862.2), 1 to 4.6, of synthetic speech: good for comparing only.
    pub(crate) score: Option<f64>,
    /// Cores that the callers took, and the host.
    callers: f64,
    stolen: f64,
}

impl Figures {
    /// Of the JSON that `swarm` writes.
    pub(crate) fn read(json: &Value) -> anyhow::Result<Self> {
        let number = |name: &str| json.pointer(name).and_then(Value::as_f64);
        let must = |name: &str| number(name).with_context(|| format!("swarm's figures have no {name}"));
        Ok(Self {
            passed: json["passed"].as_bool().context("swarm's figures have no `passed`")?,
            why: None,
            cpu: must("/load/target_ms_per_participant")?,
            memory: must("/load/target_rss_mib")?,
            missing: must("/missing")?,
            late: must("/late_60")?,
            spread: must("/spread_p99_ms")?,
            delay_p50: number("/delays/p50_ms"),
            delay_p95: number("/delays/p95_ms"),
            score: None,
            callers: must("/load/own_cores")?,
            stolen: must("/load/stolen_cores")?,
        })
    }

    /// Why there are none, if so.
    pub(crate) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Of a measurement that could not be made: callers did not connect, or calls were lost.
    pub(crate) fn failed(why: &str) -> Self {
        Self { why: Some(why.to_owned()), ..Self::default() }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.why {
            return f.write_str(why);
        }
        write!(
            f,
            "{}, {:.2} ms/s a participant, {:.2} % missing, {:.2} % late",
            if self.passed { "passes" } else { "fails" },
            self.cpu,
            self.missing * 100.0,
            self.late * 100.0
        )
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<(Scene, Trial, Peer), Vec<Figures>>,
}

impl Table {
    /// Adds one round's.
    pub(crate) fn add(&mut self, scene: Scene, peer: Peer, trial: Trial, figures: Figures) {
        self.rows.entry((scene, trial, peer)).or_default().push(figures);
    }

    /// Whether more is no use: it failed all rounds of a trial with less.
    pub(crate) fn has_failed(&self, scene: Scene, peer: Peer, trial: Trial) -> bool {
        let failed = |((of, less, by), rounds): (&(Scene, Trial, Peer), &Vec<Figures>)| {
            (*of, *by) == (scene, peer) && *less < trial && rounds.iter().all(|figures| !figures.passed)
        };
        scene.ends_with_failure() && self.rows.iter().any(failed)
    }

    /// The table.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "\n| load | participants | server | rounds that pass | CPU a participant, ms/s (min – max) | memory, MiB | missing | \
             > 60 ms late | 99 % within, ms | delay p50 / p95, ms | PESQ-WB |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        let (mut callers, mut stolen) = (0.0_f64, 0.0_f64);
        for ((scene, trial, peer), rounds) in &self.rows {
            let measured: Vec<&Figures> = rounds.iter().filter(|figures| figures.why.is_none()).collect();
            let passed = rounds.iter().filter(|figures| figures.passed).count();
            let mut load = scene.to_string();
            if scene.is_by_loss() {
                load = format!("{load}, {} %", trial.loss_percent);
            }
            let head =
                format!("| {load} | {} | {} | {passed} of {} |", trial.callers, peer.name(), rounds.len());
            let Some(first) = rounds.first() else { continue };
            if measured.is_empty() {
                let why = first.why.as_deref().unwrap_or_default().replace('|', "/");
                text.push_str(&format!("{head} {why} | | | | | | |\n"));
                continue;
            }
            for figures in &measured {
                callers = callers.max(figures.callers);
                stolen = stolen.max(figures.stolen);
            }
            let of =
                |field: fn(&Figures) -> f64| median(measured.iter().map(|figures| field(figures)).collect());
            let (low, high) = range(measured.iter().map(|figures| figures.cpu));
            let delay = match (of_some(&measured, |it| it.delay_p50), of_some(&measured, |it| it.delay_p95)) {
                (Some(half), Some(most)) => format!("{half:.0} / {most:.0}"),
                (Some(_), None) | (None, _) => "–".to_owned(),
            };
            let score = of_some(&measured, |it| it.score);
            let score = score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}"));
            text.push_str(&format!(
                "{head} {:.2} ({low:.2} – {high:.2}) | {:.0} | {:.2} % | {:.2} % | {:.1} | {delay} | {score} |\n",
                of(|it| it.cpu),
                of(|it| it.memory),
                of(|it| it.missing) * 100.0,
                of(|it| it.late) * 100.0,
                of(|it| it.spread),
            ));
        }
        text.push_str(&format!(
            "\nMedians of the rounds. The callers took {callers:.2} cores at the most, the host took {stolen:.2}. {}; release profile; {}.\n",
            machine(),
            today()
        ));
        text
    }

    /// Names of files and the drawings that go there.
    pub(crate) fn drawings(&self) -> Vec<(&'static str, String)> {
        let by_callers = |trial: Trial| trial.callers as f64;
        let cpu = [Scene::Noise, Scene::Idle, Scene::Fours];
        let mut drawings = vec![(
            "cpu.svg",
            Plot {
                title: "CPU time a participant",
                x: "participants",
                y: "ms a second",
                logarithmic: true,
                lines: self.lines(&cpu, by_callers, |it| Some(it.cpu)),
            },
        )];
        if self.rows.keys().any(|(scene, ..)| *scene == Scene::Delay) {
            let lines = self.lines(&[Scene::Delay], by_callers, |it| it.delay_p50);
            let (title, x, y) = ("Delay added, median", "participants", "ms");
            drawings.push(("delay.svg", Plot { title, x, y, logarithmic: true, lines }));
        }
        let by_loss = |trial: Trial| f64::from(trial.loss_percent);
        if self.rows.keys().any(|(scene, ..)| scene.is_scored()) {
            let lines = self.lines(&[Scene::Sound, Scene::Copies], by_loss, |it| it.score);
            let (title, x, y) = ("How speech sounds", "packets lost on the way to the server, %", "PESQ-WB");
            drawings.push(("sound.svg", Plot { title, x, y, logarithmic: false, lines }));
        }
        if self.rows.keys().any(|(scene, ..)| *scene == Scene::Loss) {
            let lines = self.lines(&[Scene::Loss], by_loss, |it| Some(it.missing * 100.0));
            let (title, x, y) =
                ("Frames with nothing to play", "packets lost on the way to participants, %", "% of frames");
            drawings.push(("loss.svg", Plot { title, x, y, logarithmic: false, lines }));
        }
        drawings.into_iter().map(|(name, plot)| (name, plot.svg())).collect()
    }

    fn lines(
        &self,
        scenes: &[Scene],
        x: impl Fn(Trial) -> f64,
        y: impl Fn(&Figures) -> Option<f64>,
    ) -> Vec<Line> {
        let mut lines: BTreeMap<(Scene, Peer), Vec<(f64, f64)>> = BTreeMap::new();
        for ((scene, trial, peer), rounds) in
            self.rows.iter().filter(|((scene, ..), _)| scenes.contains(scene))
        {
            // What fails has figures, but not such as one could compare.
            let values: Vec<f64> = rounds
                .iter()
                .filter(|it| it.why.is_none() && (it.passed || scene.is_by_loss()))
                .filter_map(&y)
                .collect();
            if !values.is_empty() {
                lines.entry((*scene, *peer)).or_default().push((x(*trial), median(values)));
            }
        }
        let named = |((scene, peer), points): ((Scene, Peer), _)| Line {
            name: format!("{}: {scene}", peer.name()),
            points,
        };
        lines.into_iter().map(named).collect()
    }
}

fn of_some(rounds: &[&Figures], field: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = rounds.iter().filter_map(|figures| field(figures)).collect();
    (!values.is_empty()).then(|| median(values))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FEW: Trial = Trial { callers: 10, loss_percent: 0 };
    const MANY: Trial = Trial { callers: 100, loss_percent: 0 };

    fn figures(cpu: f64, passed: bool) -> Figures {
        Figures { cpu, passed, ..Figures::default() }
    }

    #[test]
    fn who_fails_each_round_is_given_no_more() {
        let mut table = Table::default();
        table.add(Scene::Noise, Peer::Janus, FEW, figures(30.0, true));
        table.add(Scene::Noise, Peer::Janus, FEW, figures(31.0, false));
        assert!(!table.has_failed(Scene::Noise, Peer::Janus, MANY));
        table.add(Scene::Noise, Peer::Janus, MANY, figures(20.0, false));
        assert!(!table.has_failed(Scene::Noise, Peer::Janus, MANY), "its other rounds are made");
        let more = Trial { callers: 1_000, ..MANY };
        assert!(table.has_failed(Scene::Noise, Peer::Janus, more));
        assert!(!table.has_failed(Scene::Noise, Peer::Confocal, more));
        assert!(!table.has_failed(Scene::Idle, Peer::Janus, more));
    }

    #[test]
    fn rounds_are_told_by_median_and_range() {
        let mut table = Table::default();
        table.add(Scene::Noise, Peer::Confocal, FEW, figures(3.0, true));
        table.add(Scene::Noise, Peer::Confocal, FEW, figures(1.0, true));
        table.add(Scene::Noise, Peer::Janus, FEW, Figures::failed("2 of 10 callers connected: no"));
        let text = table.markdown();
        assert!(text.contains("| 10 | Confocal | 2 of 2 | 2.00 (1.00 – 3.00) |"), "{text}");
        assert!(text.contains("| Janus AudioBridge | 0 of 1 | 2 of 10 callers connected: no |"), "{text}");
        let [(name, svg)] = table.drawings().try_into().expect("one drawing");
        assert!(name == "cpu.svg" && svg.contains("Confocal: one conference") && !svg.contains("Janus"));
    }

    #[test]
    fn figures_are_read_or_what_lacks_is_named() {
        let load = json!({ "target_ms_per_participant": 1.5, "target_rss_mib": 20.0, "own_cores": 0.1, "stolen_cores": 0.0 });
        let mut json =
            json!({ "passed": true, "missing": 0.001, "late_60": 0.0, "spread_p99_ms": 4.0, "load": load });
        let read = Figures::read(&json).expect("figures");
        assert_eq!((read.cpu, read.passed, read.delay_p50), (1.5, true, None));
        json["load"]["target_rss_mib"] = Value::Null;
        let error = Figures::read(&json).expect_err("no memory");
        assert_eq!(error.to_string(), "swarm's figures have no /load/target_rss_mib");
    }
}
