//! Installing what a command needs: system packages (asked for first), the Python environments, the pages. All of it can be run
//! again, and does then nothing that is already done.

pub(crate) mod node;
pub(crate) mod packages;
pub(crate) mod python;
mod stamp;

pub(crate) use packages::{Consent, Need};
