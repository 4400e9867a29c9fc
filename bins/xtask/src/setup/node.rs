//! The pages of the demo and of the tests: copied under the target directory and built there, so that nothing is made among the
//! sources.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use confocal_testing::parts::Places;

use super::packages::{Consent, Need, ensure};
use super::stamp::{Stamp, files};
use crate::steps::Steps;

/// Builds the pages into [`Places::web`].
pub(crate) fn pages(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    let sources = Places::web_sources();
    let work = steps.places().root().join("web-build");
    let web = steps.places().web();
    fs::create_dir_all(&work).with_context(|| format!("could not make {}", work.display()))?;
    let built = Stamp::of(work.join("confocal-stamp-built"), &[&sources], "")?;
    if built.holds() && web.is_dir() {
        return Ok(());
    }
    ensure(steps, consent, &Need::PAGES)?;

    let (package, lock) = (sources.join("package.json"), sources.join("package-lock.json"));
    let installed = Stamp::of(work.join("confocal-stamp-installed"), &[&package, &lock], "")?;
    built.lift()?;
    for file in files(&sources)? {
        let copy = work.join(file.strip_prefix(&sources)?);
        fs::create_dir_all(copy.parent().unwrap_or(&work))?;
        fs::copy(&file, &copy).with_context(|| format!("could not copy {}", file.display()))?;
    }
    if !installed.holds() || !work.join("node_modules").is_dir() {
        steps.step("Installing what the pages are built with", "npm-ci", |log| {
            installed.lift()?;
            log.run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&work))?;
            installed.set()
        })?;
    }
    steps.step("Building the pages", "npm-build", |log| {
        let mut build = Command::new("npm");
        build.args(["run", "build"]).current_dir(&work).env("CONFOCAL_WEB_OUT", &web);
        log.run(&mut build)?;
        built.set()
    })
}

/// Runs the pages' own tests, those that need no browser; the pages must have been built.
pub(crate) fn test(steps: &Steps) -> anyhow::Result<()> {
    let work = steps.places().root().join("web-build");
    steps.step("Testing the pages", "npm-test", |log| {
        log.run(Command::new("npm").arg("test").current_dir(&work))
    })
}
