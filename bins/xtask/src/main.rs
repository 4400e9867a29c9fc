//! The developer commands of this repository, run as `cargo xtask <command>`. What a command needs and does not find it
//! installs first. No logic of the focus lives here.

mod bench_joins;
mod bench_peers;
mod bench_restarts;
mod bench_signalling;
mod checks;
mod demo;
mod figures;
mod machine;
mod plot;
mod setup;
mod sound;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use confocal_testing::parts::Places;

use crate::setup::Consent;
use crate::steps::Steps;

/// Developer commands of Confocal.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    consent: ConsentArgs,
}

#[derive(Debug, Args)]
struct ConsentArgs {
    /// Install missing system packages without asking (as with CI=true).
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a homeserver, the focus and a conference with two speakers, and print the page to join it from.
    Demo(demo::DemoArgs),
    /// Install what building and testing need; the other commands do so for themselves.
    Setup,
    /// Run all tests, also those with a real homeserver, browsers and callers.
    Test(test::TestArgs),
    /// Measure how long it takes to get into a conference.
    BenchJoins(bench_joins::BenchArgs),
    /// Measure what a transaction costs, commit included, by rooms; how many events a second are handled; how the store grows.
    BenchSignalling,
    /// Measure how long people hear nothing after the focus crashed and was started again.
    BenchRestarts(bench_restarts::BenchArgs),
    /// Measure what a participant costs and what they hear, beside Janus' AudioBridge, by numbers of participants.
    BenchPeers(bench_peers::BenchArgs),
    /// Score how speech sounds that came over lossy lines through the mixer, beside plain Opus; takes some minutes.
    Sound(sound::SoundArgs),
    /// Run the conference machine through a million generated steps, every invariant looked at after each.
    SoakMachine(machine::SoakArgs),
    /// Break the conference machine in hundreds of ways and list those that no test sees; takes an hour, of one file some minutes.
    Mutants(machine::MutantsArgs),
    /// Check licences, banned crates and sources of all dependencies.
    Deny,
    /// Check all dependencies against the advisory database.
    Audit,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::say_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let steps = Steps::new(Places::find())?;
    let consent = Consent::of(cli.consent.yes);
    match &cli.command {
        Command::Demo(args) => demo::run(&steps, consent, args),
        Command::Setup => test::set_up(&steps, consent),
        Command::Test(args) => test::run(&steps, consent, args),
        Command::BenchJoins(args) => bench_joins::run(&steps, consent, args),
        Command::BenchSignalling => bench_signalling::run(&steps, consent),
        Command::BenchRestarts(args) => bench_restarts::run(&steps, consent, args),
        Command::BenchPeers(args) => bench_peers::run(&steps, consent, args),
        Command::Sound(args) => sound::run(&steps, consent, args),
        Command::SoakMachine(args) => machine::soak(&steps, args),
        Command::Mutants(args) => machine::mutants(&steps, args),
        Command::Deny => checks::deny(&steps, consent),
        Command::Audit => checks::audit(&steps, consent),
    }
}
