//! Launchers of the real programs around a focus: a homeserver, browsers, callers, and the servers between them.
//!
//! Each launcher owns what it started and ends it when dropped, and also when this process dies without dropping anything
//! ([`process`]). Each waits for readiness by asking, with a deadline, and writes what the program says to a log file. What the
//! programs need (a Python environment, built pages) is installed by `cargo xtask`, never here; [`Places`] says where it lies.

mod aiortc;
mod browser;
mod delay_proxy;
mod demo_site;
mod driver;
mod error;
mod focus;
mod http;
mod matrix;
mod media_line;
mod pages;
mod person;
mod places;
pub mod process;
mod scene;
mod speech;
mod synapse;
mod turn;

pub use aiortc::{
    AiortcCaller, CallerError, CallerEvent, CallerOptions, Levels, Seen, Shown, ShownCodec, Sound, Version,
};
pub use browser::{Browser, BrowserError, Page};
pub use delay_proxy::{DelayProxy, Meanwhile, Rule};
pub use demo_site::{DemoSite, SiteRoom};
pub use error::StartError;
pub use focus::{FocusOptions, FocusProcess, FocusStatus};
pub use http::{Http, HttpError};
pub use matrix::{MatrixError, User};
pub use media_line::MediaLine;
pub use pages::PageServer;
pub use person::Person;
pub use places::{Places, free_port};
pub use scene::Scene;
pub use speech::{Speech, synthesise};
pub use synapse::{Synapse, SynapsePorts};
pub use turn::Turn;
