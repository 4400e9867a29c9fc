//! `cargo xtask test`: every test, the quick ones or all.

use std::fs;

use clap::Args;

use crate::setup::{Consent, Need, node, packages, python};
use crate::steps::{Steps, cargo};

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Only the tests that need no real homeserver, browser or caller.
    #[arg(long)]
    quick: bool,
}

/// Installs what is needed and runs the tests.
pub(crate) fn run(steps: &Steps, consent: Consent, args: &TestArgs) -> anyhow::Result<()> {
    if args.quick {
        packages::ensure(steps, consent, &Need::BUILD)?;
    } else {
        set_up(steps, consent)?;
    }
    cargo_test(steps, "Testing the workspace", "test-workspace", &["--workspace"])?;
    if !args.quick {
        node::test(steps)?;
        real(steps, "Testing the launchers of real parts", "parts", 1)?;
        // Those that have the machine to themselves wait for each other; beside one of them may be one that mostly waits.
        real(steps, "Testing the focus between real parts, which takes minutes", "real", 2)?;
        real(steps, "Testing the example of a bridge", "bridge", 1)?;
        real(steps, "Testing what browsers see of numbered pictures", "browsers", 1)?;
        real(steps, "Testing the demo", "demo", 1)?;
    }
    Ok(())
}

/// Installs all that building and testing need.
pub(crate) fn set_up(steps: &Steps, consent: Consent) -> anyhow::Result<()> {
    let mut needs = Need::BUILD.to_vec();
    needs.extend(Need::PYTHON.into_iter().chain(Need::PAGES).chain(Need::BROWSER).chain([Need::Espeak]));
    needs.extend(Need::OTHER_WAYS);
    packages::ensure(steps, consent, &needs)?;
    python::parts(steps, consent)?;
    node::pages(steps, consent)
}

/// Runs one target of tests with real parts, so many at a time. As a rule that is one: each has several programs that keep both cores
/// of a small machine busy, and some look at how soon a thing happens.
fn real(steps: &Steps, what: &str, target: &str, at_once: u32) -> anyhow::Result<()> {
    // Still the whole workspace, so that every package keeps its features and nothing is built twice.
    let features = "confocal-testing/real-parts,focus/real-parts,xtask/real-parts,embed-in-a-bridge/real-parts,http-conference/real-parts";
    let threads = format!("--test-threads={at_once}");
    let arguments = ["--workspace", "--features", features, "--test", target, "--", &threads];
    cargo_test(steps, what, &format!("test-{target}"), &arguments)
}

fn cargo_test(steps: &Steps, what: &str, log_name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let passed = steps.step(what, log_name, |log| {
        cargo(steps, log, &[&["test"], arguments].concat())?;
        Ok(passed(&fs::read_to_string(log.path())?))
    })?;
    // Had one failed, cargo would have too.
    steps.say(&format!("{passed} passed, 0 failed"));
    Ok(())
}

/// Adds up what the test harness says: `test result: ok. 3 passed; 0 failed; ...`.
fn passed(output: &str) -> u32 {
    let counts = output.lines().filter_map(|line| {
        let (count, _) = line.trim().strip_prefix("test result: ok. ")?.split_once(" passed;")?;
        count.parse::<u32>().ok()
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn passed_tests_are_added_up() {
        let output = "running 3 tests\n...\n\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                      x\ntest result: ok. 12 passed; 0 failed; 1 ignored\n";
        assert_eq!(passed(output), 15);
    }
}
