//! The command line.
//!
//! What the commands do never lives here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A conference focus for Matrix: people call it with ordinary 1:1 calls and are in a conference.
///
/// Exit codes: 0 done, or ended by SIGTERM or SIGINT; 1 failed; 2 wrong configuration or command line.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the focus until SIGTERM or SIGINT.
    Run(ConfigFile),
    /// Write a registration for the homeserver and a configuration for the focus, with fresh secrets.
    Registration(Registration),
    /// Say whether a configuration can be used, and what is wrong with it if not.
    CheckConfig(ConfigFile),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "focus.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Registration {
    /// The homeserver's name: the part of its user ids after the colon.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: String,
    /// Where the focus reaches the homeserver's client-server API.
    #[arg(long, value_name = "URL", default_value = "http://localhost:8008")]
    pub(crate) homeserver_url: String,
    /// Address and port where the focus listens for the homeserver.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:29340")]
    pub(crate) listen: SocketAddr,
    /// Where the homeserver reaches the focus, if not at the listening address.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The application service's id.
    #[arg(long, value_name = "ID", default_value = "confocal")]
    pub(crate) id: String,
    /// Localpart of the application service's own user.
    #[arg(long, value_name = "LOCALPART", default_value = "conference")]
    pub(crate) sender_localpart: String,
    /// The configuration to write.
    #[arg(short, long, value_name = "FILE", default_value = "focus.toml")]
    pub(crate) config: PathBuf,
    /// The registration to write.
    #[arg(short, long, value_name = "FILE", default_value = "registration.yaml")]
    pub(crate) registration: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_command_line_and_the_configuration_have_the_same_defaults() {
        let cli = Cli::parse_from(["focus", "registration", "--server-name", "example.org"]);
        let Command::Registration(given) = cli.command else { panic!("another command") };
        let config = Config::default();
        assert_eq!(given.homeserver_url, config.homeserver.url);
        assert_eq!(given.listen, config.appservice.listen);
        assert_eq!(given.id, config.appservice.id);
        assert_eq!(given.sender_localpart, config.appservice.sender_localpart);
    }
}
