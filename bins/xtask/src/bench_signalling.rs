//! `cargo xtask bench-signalling`: what the homeserver's transactions cost, measured by the bench `signalling`.

use std::fs;

use crate::figures::{machine, today};
use crate::setup::{Consent, Need, packages};
use crate::steps::{Steps, cargo};

/// Installs what is needed to build, measures, and prints tables in Markdown.
pub(crate) fn run(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    packages::ensure(steps, consent, &Need::BUILD)?;
    // The profile of the tests: what others wrote is optimised in it, and it is built already.
    let arguments = ["bench", "--profile", "dev", "--workspace", "--bench", "signalling"];
    let said = steps.step("Measuring transactions", "bench-signalling", |log| {
        cargo(steps, log, &arguments)?;
        Ok(fs::read_to_string(log.path())?)
    })?;
    steps.say(&format!("\n{}\n\n{}; debug profile; {}.", tables(&said), machine(), today()));
    Ok(())
}

/// The tables among what was said: the lines of Markdown, and one between two tables.
fn tables(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with('|') || line.is_empty()).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::tables;

    #[test]
    fn tables_are_told_from_what_cargo_says() {
        assert_eq!(tables("   Compiling x\n\n| a |\n| - |\n\n| b |\n\nend\n"), "| a |\n| - |\n\n| b |");
    }
}
