//! `cargo xtask bench-peers`: the same callers on Confocal and on Janus' AudioBridge, in turn, in one run.
//!
//! Each measurement has a fresh process of its target, and `swarm` as its callers. What a target can't carry it is not given more of.

mod peers;
mod scene;
mod table;

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;

use self::peers::{Peer, Running, own_address};
use self::scene::{Scene, Trial};
use self::table::{Figures, Table};
use crate::setup::{Consent, Need, packages};
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
    /// Also over lines that lose packets, both ways.
    #[arg(long)]
    loss: bool,
}

/// Installs and builds what is needed, measures, prints a table in Markdown, and writes it and drawings to `target/bench-peers`.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &BenchArgs) -> anyhow::Result<()> {
    let janus = (!args.alone).then_some(Need::Janus);
    let needs: Vec<Need> = Need::BUILD.into_iter().chain([Need::Espeak]).chain(janus).collect();
    packages::ensure(steps, consent, &needs)?;
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
            for round in 1..=args.rounds {
                for &peer in peers {
                    if table.has_failed(scene, peer) {
                        continue;
                    }
                    let what = format!("{} for {scene}, {trial}, round {round}", peer.name());
                    let name = format!("{scene:?}-{peer:?}-{}-{round}", trial.name());
                    let figures = steps
                        .act(&what, || measure(steps, &folder, &name, peer, scene, trial, args.seconds))?;
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
        (args.loss, Scene::Loss),
    ];
    let more = more.into_iter().filter(|(wanted, _)| *wanted).map(|(_, scene)| scene);
    std::iter::once(Scene::Noise).chain(more).collect()
}

/// One measurement. Where callers could not connect, or calls were lost, that is its result.
fn measure(
    steps: &Steps,
    folder: &std::path::Path,
    name: &str,
    peer: Peer,
    scene: Scene,
    trial: Trial,
    seconds: u64,
) -> anyhow::Result<Figures> {
    let log = folder.join(format!("{name}.log"));
    let json = folder.join(format!("{name}.json"));
    let address = own_address()?;
    let target = Running::start(steps.places().target(), peer, address, trial.callers, folder, &log)?;
    let mut swarm = Command::new(steps.places().target().join("release/swarm"));
    swarm
        .args(["--target", peer.kind(), "--url", target.url(), "--target-pid", &target.pid().to_string()])
        .args(["--bind", &address.to_string(), "--seconds", &seconds.to_string(), "--json"])
        .arg(&json)
        .args(scene.arguments(trial));
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
