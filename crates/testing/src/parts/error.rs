//! Why a part did not start. What goes wrong with a running part has its own error beside the part.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// A program could not be brought to the point where it can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something that `cargo xtask` installs is not there.
    #[error("{what} is missing at {}: `cargo xtask test` installs it", path.display())]
    NotInstalled {
        /// What is missing.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The system would not start the program.
    #[error("{program} could not be started")]
    Spawn {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the part could not be read or written.
    #[error("{}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No local port could be had, or not listened on.
    #[error("no local port")]
    Port(#[source] io::Error),
    /// The program ended before it was ready.
    #[error("{program} ended early ({status}); the end of {}:\n{tail}", log.display())]
    Ended {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The program runs and was not ready in time.
    #[error("{program} was not ready after {waited:?}; the end of {}:\n{tail}", log.display())]
    NotReady {
        /// Its name.
        program: String,
        /// How long it was waited for.
        waited: Duration,
        /// Its log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
}
