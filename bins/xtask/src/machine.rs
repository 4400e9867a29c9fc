//! `cargo xtask soak-machine` and `cargo xtask mutants`: the long proofs of the conference machine, which no test run has time for.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::Args;
use confocal_testing::parts::Places;

use crate::steps::{Steps, cargo};

/// The version of cargo-mutants that the list of survivors was made with.
const CARGO_MUTANTS: &str = "27.1.0";

/// How long to soak.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// How many steps are generated.
    #[arg(long, default_value_t = 1_000_000)]
    steps: u64,
    /// Where chance begins; a run that found something says which it was.
    #[arg(long)]
    seed: Option<u64>,
}

/// Generated histories in a release build, every invariant looked at after each step.
pub(crate) fn soak(steps: &Steps, args: &SoakArgs) -> anyhow::Result<()> {
    steps.step("Building the model", "build-soak", |log| {
        cargo(steps, log, &["build", "--release", "--package", "confocal-conference-model"])
    })?;
    let mut soak = Command::new(steps.places().target().join("release/soak_machine"));
    soak.arg(args.steps.to_string()).args(args.seed.map(|seed| seed.to_string()));
    in_the_open(&mut soak)
}

/// Where the machine's sources are.
const SOURCES: &str = "crates/conference/src";

/// What to break.
#[derive(Debug, Args)]
pub(crate) struct MutantsArgs {
    /// Break only this file, as named below `crates/conference/src`; may be given several times. Without it all are broken.
    #[arg(long = "file", value_name = "FILE")]
    files: Vec<String>,
}

/// Breaks the machine in every way that cargo-mutants knows, one at a time, and lists the breaks that no test sees. The tests of
/// the machine alone come first, since they are quick; only what they miss is put before the model.
pub(crate) fn mutants(steps: &Steps, args: &MutantsArgs) -> anyhow::Result<()> {
    let files = wanted(&args.files)?;
    let program = cargo_mutants(steps)?;
    let run = |more: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(Places::workspace()).env("CARGO_PROFILE_DEV_DEBUG", "false");
        command.args(["mutants", "--package", "confocal-conference", "--jobs", "2", "--timeout", "120"]);
        command.arg("--output").arg(steps.places().target().join("confocal"));
        command.args(files.iter().flat_map(|file| ["--file", file.as_str()])).args(more);
        command
    };
    // It fails when some are missed: that is for the second run to say.
    let _ = in_the_open(&mut run(&["--", "--tests"]));
    let both = "confocal-conference,confocal-conference-model";
    in_the_open(&mut run(&["--iterate", "--test-package", both, "--", "--tests"]))
}

/// The files to break, as cargo-mutants knows them: it passes over names that fit none.
fn wanted(files: &[String]) -> anyhow::Result<Vec<String>> {
    let below = |file: &String| {
        let path = format!("{SOURCES}/{file}");
        if !Places::workspace().join(&path).is_file() {
            bail!(
                "there is no {path}: name files as they are below {SOURCES}, such as `conference/pictures.rs`"
            );
        }
        Ok(path)
    };
    files.iter().map(below).collect()
}

/// cargo-mutants, built on first use.
fn cargo_mutants(steps: &Steps) -> anyhow::Result<PathBuf> {
    let root = steps.places().target().join("confocal/tools");
    let program = root.join("bin/cargo-mutants");
    if !program.exists() {
        let root = root.to_str().context("the target directory's name is not text")?;
        let version = ["--version", CARGO_MUTANTS, "--locked", "--root", root];
        let install = [&["install", "cargo-mutants"], version.as_slice()].concat();
        steps.step("Building cargo-mutants", "install-mutants", |log| cargo(steps, log, &install))?;
    }
    Ok(program)
}

/// Runs a program that shows its own progress.
fn in_the_open(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("could not start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{:?} ended with {status}", command.get_program());
    }
    Ok(())
}
