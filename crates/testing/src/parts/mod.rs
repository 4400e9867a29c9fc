//! Launchers of the real programs around a focus: a homeserver, browsers, callers, and the servers between them.
//!
//! Each launcher owns what it started and ends it when dropped, and also when this process dies without dropping anything
//! ([`process`]). Each waits for readiness by asking, with a deadline, and writes what the program says to a log file. What the
//! programs need (a Python environment, built pages) is installed by `cargo xtask`, never here; [`Places`] says where it lies.

mod error;
mod http;
mod matrix;
mod places;
pub mod process;
mod synapse;

pub use error::StartError;
pub use http::{Http, HttpError};
pub use matrix::{MatrixError, User};
pub use places::{Places, free_port};
pub use synapse::Synapse;
