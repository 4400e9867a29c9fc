//! `cargo xtask sound`: how good speech sounds that came over lossy lines through the mixer, beside plain Opus, by PESQ-WB.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::Args;
use confocal_testing::parts::Places;

use crate::setup::{Consent, Need, packages, python};
use crate::steps::{Steps, cargo};

/// How much to measure.
#[derive(Debug, Args)]
pub(crate) struct SoundArgs {
    /// Patterns of loss for each of the eight clips and each rate of loss.
    #[arg(long, default_value_t = 5)]
    patterns: u32,
}

/// Has clips spoken, sends them over lossy lines, and prints a table of scores in Markdown.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &SoundArgs) -> anyhow::Result<()> {
    let needs = Need::BUILD.into_iter().chain(Need::PYTHON).chain([Need::Espeak]);
    packages::ensure(steps, consent, &needs.collect::<Vec<_>>())?;
    let python = python::sound(steps, consent)?;
    steps.step("Building lossy-lines", "build-sound", |log| {
        cargo(steps, log, &["build", "--package", "lossy-lines"])
    })?;
    let folder = steps.places().root().join("sound");
    let _ = fs::remove_dir_all(&folder);
    let clips = folder.join("clips");
    let script = Places::python_sources().join("quality.py");
    steps.step("Speaking", "sound-speak", |log| {
        log.run(Command::new(&python).arg(&script).arg("speak").arg(&clips))
    })?;
    let mut files = fs::read_dir(&clips)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()
        .context("could not list the clips")?;
    files.sort();
    steps.step("Sending over lossy lines", "sound-lines", |log| {
        let mut lines = Command::new(steps.places().target().join("debug/lossy-lines"));
        log.run(lines.arg(&folder).arg(args.patterns.to_string()).args(&files))
    })?;
    let table = steps.step("Scoring, some minutes", "sound-score", |log| {
        let mut score = Command::new(&python);
        let ended = log.try_run(score.arg(&script).arg("score").arg(folder.join("index.tsv")))?;
        anyhow::ensure!(ended.success, "the scores could not be made; see {}", log.path().display());
        Ok(ended.output)
    })?;
    steps.say(&table);
    Ok(())
}
