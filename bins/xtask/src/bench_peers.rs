//! `cargo xtask bench-peers`: the same callers on Confocal and on Janus' AudioBridge, in turn, in one run.
//!
//! Each measurement has a fresh process of its target, and `swarm` as its callers. What a target can't carry it is not given more of.

mod peers;
mod scene;
mod table;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use confocal_testing::parts::Places;

use self::peers::{Peer, Running, own_address};
use self::scene::{Scene, Trial};
use self::table::{Figures, Table};
use crate::setup::{Consent, Need, packages, python};
use crate::steps::{Steps, cargo};

/// What to measure. Without any of the flags for more it is conferences in which three talk and the others send quiet noise.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Callers, from few to many.
    #[arg(long, value_delimiter = ',', default_value = "10,50,100,500,1000")]
    callers: Vec<usize>,
    /// How often each target is measured with each number of callers.
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// How long each time, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Measure Confocal only.
    #[arg(long)]
    alone: bool,
    /// Also with members who send nothing.
    #[arg(long)]
    idle: bool,
    /// Also in conferences of four, one of whom talks.
    #[arg(long)]
    fours: bool,
    /// Also what is added to the delay.
    #[arg(long)]
    delay: bool,
    /// Also over lines that lose packets on the way to the participants.
    #[arg(long)]
    loss: bool,
    /// Also how speech sounds that lost packets on the way to the server, by PESQ; 30 s each time.
    #[arg(long)]
    sound: bool,
}

/// Installs and builds what is needed, measures, prints a table in Markdown, and writes it and drawings to `target/bench-peers`.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &BenchArgs) -> anyhow::Result<()> {
    let janus = (!args.alone).then_some(Need::Janus);
    let needs: Vec<Need> = Need::BUILD.into_iter().chain([Need::Espeak]).chain(janus).collect();
    packages::ensure(steps, consent, &needs)?;
    let python = if args.sound {
        packages::ensure(steps, consent, &Need::PYTHON)?;
        Some(python::sound(steps, consent)?)
    } else {
        None
    };
    steps.step("Building http-conference and swarm", "build-peers", |log| {
        cargo(steps, log, &["build", "--release", "--package", "http-conference", "--package", "swarm"])
    })?;
    let folder = steps.places().target().join("bench-peers");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let peers: &[Peer] = if args.alone { &[Peer::Confocal] } else { &[Peer::Confocal, Peer::Janus] };
    let mut table = Table::default();
    for scene in scenes(args) {
        for trial in scene.trials(&args.callers) {
            // Whoever failed each round with less; all rounds of a trial are made.
            let peers: Vec<Peer> =
                peers.iter().copied().filter(|&peer| !table.has_failed(scene, peer)).collect();
            for round in 1..=args.rounds {
                for &peer in &peers {
                    let what = format!("{} for {scene}, {trial}, round {round}", peer.name());
                    let name = format!("{scene:?}-{peer:?}-{}-{round}", trial.name());
                    let place = Place { steps, folder: &folder, name: &name, round, seconds: args.seconds };
                    let figures = steps.act(&what, || {
                        let mut figures = measure(&place, peer, scene, trial)?;
                        if let Some(python) = python.as_ref().filter(|_| scene.is_scored()) {
                            figures.score = scored(python, &folder.join(&name))?;
                        }
                        Ok(figures)
                    })?;
                    steps.say(&format!("    {figures}"));
                    table.add(scene, peer, trial, figures);
                }
            }
        }
    }
    let text = table.markdown();
    steps.say(&text);
    fs::write(folder.join("table.md"), &text)?;
    for (name, svg) in table.drawings() {
        fs::write(folder.join(name), svg)?;
    }
    steps.say(&format!("Table, drawings and all figures are in {}.", folder.display()));
    Ok(())
}

fn scenes(args: &BenchArgs) -> Vec<Scene> {
    let more = [
        (args.idle, Scene::Idle),
        (args.fours, Scene::Fours),
        (args.delay, Scene::Delay),
        (args.sound, Scene::Sound),
        (args.sound, Scene::Copies),
        (args.loss, Scene::Loss),
    ];
    let more = more.into_iter().filter(|(wanted, _)| *wanted).map(|(_, scene)| scene);
    std::iter::once(Scene::Noise).chain(more).collect()
}

/// Where a measurement is made, and which one it is.
struct Place<'a> {
    steps: &'a Steps,
    folder: &'a Path,
    name: &'a str,
    round: u32,
    seconds: u64,
}

/// One measurement. Where callers could not connect, or calls were lost, that is its result.
fn measure(place: &Place<'_>, peer: Peer, scene: Scene, trial: Trial) -> anyhow::Result<Figures> {
    let Place { steps, folder, name, round, .. } = *place;
    // A clip takes eight seconds, and half of them are cut off by the edges.
    let seconds = if scene.is_scored() { place.seconds.max(30) } else { place.seconds };
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
        swarm.arg("--record").arg(folder.join(name));
    }
    let output = fs::File::options().append(true).open(&log)?;
    let status =
        swarm.stdout(output.try_clone()?).stderr(output).status().context("could not start swarm")?;
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
