//! The conference focus as a program: command line, configuration, wiring, exit codes.
//!
//! No rule of a conference, of Matrix or of media lives here: those are the crates' that it puts together.

mod cli;
mod config;
mod logging;
mod parts;
mod registration;
mod run;
mod status;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use confocal_media::OwnSounds;

use cli::{Cli, Command, ConfigFile};
use config::Config;
use registration::{Choices, Tokens};

/// The exit code when something failed.
const FAILED: u8 = 1;

/// The exit code when the configuration can't be used; clap has the same for the command line.
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let code = if fault.is::<config::LoadError>() { MISCONFIGURED } else { FAILED };
            // With standard error closed, the exit code is all that can be said.
            let _ = writeln!(io::stderr(), "focus: {fault:#}");
            ExitCode::from(code)
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(file) => {
            let (config, sounds) = load(&file)?;
            logging::start(&config.log, &config.appservice.focus_prefixes)?;
            tokio::runtime::Runtime::new()
                .context("no asynchronous runtime")?
                .block_on(run::run(config, sounds))
        }
        Command::CheckConfig(file) => {
            load(&file)?;
            say(&format!("{}: OK\n", file.config.display()))
        }
        Command::Registration(given) => register(given),
    }
}

fn load(file: &ConfigFile) -> anyhow::Result<(Config, OwnSounds)> {
    Ok(config::load(&file.config, |name| std::env::var(name))?)
}

fn register(given: cli::Registration) -> anyhow::Result<()> {
    let cli::Registration {
        server_name,
        homeserver_url,
        listen,
        url,
        id,
        sender_localpart,
        config,
        registration,
    } = given;
    let choices = Choices { server_name, homeserver_url, listen, url, id, sender_localpart };
    registration::write(&choices, &Tokens::fresh()?, &config, &registration)?;
    say(&registration::next_steps(&config, &registration))
}

fn say(text: &str) -> anyhow::Result<()> {
    io::stdout().write_all(text.as_bytes()).context("standard output can't be written")
}
