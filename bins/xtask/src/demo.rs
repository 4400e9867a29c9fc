//! `cargo xtask demo`: a conference to try, on this machine.

use clap::Args;

use crate::setup::{Consent, node, python};
use crate::steps::Steps;

/// How to run the demo.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}

/// Installs what is needed and runs the demo until Ctrl-C.
pub(crate) fn run(steps: &Steps, consent: Consent, _args: &DemoArgs) -> anyhow::Result<()> {
    python::parts(steps, consent)?;
    node::pages(steps, consent)?;
    anyhow::bail!("the demo itself is not there yet")
}
