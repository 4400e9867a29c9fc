//! `cargo xtask bench-peers`: the same callers on Confocal and on Janus' AudioBridge, in turn, in one run.
//!
//! Each measurement has a fresh process of its target, and `swarm` as its callers. What a target can't carry it is not given more of. What is
//! known is written after each measurement, and a run that was broken off can be gone on with.

mod agenda;
mod peers;
mod results;
mod scene;
mod table;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use confocal_testing::parts::Places;

use self::agenda::{Agenda, Measurement};
use self::peers::{Peer, Running, own_address};
use self::results::Results;
use self::scene::Scene;
use self::table::Figures;
use crate::setup::{Consent, Need, packages, python};
use crate::steps::{Steps, cargo};

/// How much longer than was reckoned a measurement may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to measure. Without any of the flags for more it is conferences in which three talk and the others send quiet noise.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Callers, from few to many.
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,500,1000")]
    callers: Vec<usize>,
    /// How often each target is measured with each number of callers; twice at the most under the other loads, and once where sound is
    /// scored, for each time has several clips.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each time, in seconds; at least 30 where sound is scored.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Measure Confocal only.
    #[arg(long)]
    alone: bool,
    /// All of the following.
    #[arg(long)]
    all: bool,
    /// Also a conference in which nobody talks and nobody sends anything: with the fewest callers and the most.
    #[arg(long)]
    idle: bool,
    /// Also conferences of four, one of whom talks: 4 and 40 of them.
    #[arg(long)]
    fours: bool,
    /// Also what is added to the delay, with up to 50 callers.
    #[arg(long)]
    delay: bool,
    /// Also over lines that lose packets on the way to the participants.
    #[arg(long)]
    loss: bool,
    /// Also how speech sounds that lost packets on the way to the server, by PESQ.
    #[arg(long)]
    sound: bool,
    /// Go on with the run that was broken off: what it has measured is taken as it is.
    #[arg(long)]
    resume: bool,
}

impl BenchArgs {
    fn scenes(&self) -> Vec<Scene> {
        let more = [
            (self.idle, Scene::Idle),
            (self.fours, Scene::Fours),
            (self.delay, Scene::Delay),
            (self.loss, Scene::Loss),
            (self.sound, Scene::Sound),
            (self.sound, Scene::Copies),
        ];
        let more = more.into_iter().filter(|(wanted, _)| *wanted || self.all).map(|(_, scene)| scene);
        std::iter::once(Scene::Noise).chain(more).collect()
    }
}

/// Installs and builds what is needed, measures, prints a table in Markdown, and writes it and drawings to `target/bench-peers`.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &BenchArgs) -> anyhow::Result<()> {
    let janus = (!args.alone).then_some(Need::Janus);
    let needs: Vec<Need> = Need::BUILD.into_iter().chain([Need::Espeak]).chain(janus).collect();
    packages::ensure(steps, consent, &needs)?;
    let python = if args.sound || args.all {
        packages::ensure(steps, consent, &Need::PYTHON)?;
        Some(python::sound(steps, consent)?)
    } else {
        None
    };
    steps.step("Building http-conference and swarm", "build-peers", |log| {
        cargo(steps, log, &["build", "--release", "--package", "http-conference", "--package", "swarm"])
    })?;
    let folder = steps.places().target().join("bench-peers");
    if !args.resume {
        let _ = fs::remove_dir_all(&folder);
    }
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let peers: &[Peer] = if args.alone { &[Peer::Confocal] } else { &[Peer::Confocal, Peer::Janus] };
    let agenda = Agenda::new(&args.scenes(), &args.callers, peers, args.rounds, args.seconds);
    let mut results = Results::new(folder);
    for (number, measurement) in agenda.all().iter().enumerate() {
        if results.has_failed(measurement) {
            continue;
        }
        let figures = if let Some(figures) = results.measured_before(measurement) {
            figures
        } else {
            let (of, left) = (agenda.all().len(), agenda.left(number, |it| !results.has_failed(it)));
            let what = format!("{} of {of}, {} min left: {measurement}", number + 1, left.as_secs() / 60 + 1);
            let figures = steps.act(&what, || {
                // Whatever goes wrong with one is no reason to know nothing of the others.
                let figures = measured(steps, results.folder(), measurement, python.as_deref());
                Ok(figures.unwrap_or_else(|error| Figures::failed(&format!("{error:#}"))))
            })?;
            steps.say(&format!("    {figures}"));
            figures
        };
        results.add(measurement, figures)?;
    }
    steps.say(&results.markdown());
    steps.say(&format!("Table, drawings and all figures are in {}.", results.folder().display()));
    Ok(())
}

/// One measurement, with the score of what was recorded.
fn measured(
    steps: &Steps,
    folder: &Path,
    measurement: &Measurement,
    python: Option<&Path>,
) -> anyhow::Result<Figures> {
    let mut figures = measure(steps, folder, measurement)?;
    if let Some(python) = python.filter(|_| measurement.scene.is_scored()) {
        figures.score = scored(python, &folder.join(measurement.name()))?;
    }
    Ok(figures)
}

/// One measurement. Where callers could not connect, or calls were lost, that is its result.
fn measure(steps: &Steps, folder: &Path, measurement: &Measurement) -> anyhow::Result<Figures> {
    let Measurement { scene, trial, peer, round, seconds } = *measurement;
    let name = measurement.name();
    let log = folder.join(format!("{name}.log"));
    let json = folder.join(format!("{name}.json"));
    let address = own_address()?;
    let target = Running::start(steps.places().target(), peer, address, trial.callers, folder, &log)?;
    let mut swarm = Command::new(steps.places().target().join("release/swarm"));
    swarm
        .args(["--target", peer.kind(), "--url", target.url(), "--target-pid", &target.pid().to_string()])
        .args([
            "--bind",
            &address.to_string(),
            "--seconds",
            &seconds.to_string(),
            "--seed",
            &round.to_string(),
        ])
        .arg("--json")
        .arg(&json)
        .args(scene.arguments(trial));
    if scene.is_scored() {
        swarm.arg("--record").arg(folder.join(&name));
    }
    let output = fs::File::options().append(true).open(&log)?;
    let swarm = swarm.stdout(output.try_clone()?).stderr(output).spawn().context("could not start swarm")?;
    let Some(status) = ended(swarm, measurement.reckoned() + PATIENCE)? else {
        return Ok(Figures::failed("it did not end"));
    };
    match fs::read(&json) {
        Ok(bytes) => Figures::read(&serde_json::from_slice(&bytes)?),
        Err(_) => {
            anyhow::ensure!(status.code() == Some(2), "swarm ended with {status}; see {}", log.display());
            let said = fs::read_to_string(&log).unwrap_or_default();
            let why = said.lines().rev().find_map(|line| line.strip_prefix("error: "));
            Ok(Figures::failed(why.unwrap_or("swarm could not measure")))
        }
    }
}

/// How a program ended, if it did within that time; else it is ended.
fn ended(mut program: Child, within: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let until = Instant::now() + within;
    loop {
        if let Some(status) = program.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > until {
            program.kill()?;
            program.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The mean score of what was recorded in a folder; `None` where nothing was.
fn scored(python: &Path, folder: &Path) -> anyhow::Result<Option<f64>> {
    let Ok(files) = fs::read_dir(folder) else { return Ok(None) };
    let heard: Vec<_> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("heard-")))
        .collect();
    let mut rate = Command::new(python);
    rate.arg(Places::python_sources().join("quality.py"))
        .arg("rate")
        .arg(folder.join("sent.wav"))
        .args(&heard);
    let output = rate.output().context("could not start the scoring")?;
    anyhow::ensure!(output.status.success(), "scoring: {}", String::from_utf8_lossy(&output.stderr).trim());
    let scores: Vec<f64> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()).collect();
    anyhow::ensure!(
        scores.len() == heard.len(),
        "{} of {} recordings have a score",
        scores.len(),
        heard.len()
    );
    Ok((!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64))
}
