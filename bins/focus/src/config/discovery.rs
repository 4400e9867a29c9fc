//! `[discovery]`: how people in a group room learn of its conference.
//!
//! What is told, and when, never lives here.

use confocal::conference::Discovery as MachineDiscovery;
use serde::Deserialize;

/// The settings, with the machine's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Discovery {
    /// The room's state announces the conference.
    pub(crate) state_event: bool,
    /// The announcement names participants.
    pub(crate) names: bool,
    /// It is said in the room when a conference begins and when it is over.
    pub(crate) notices: bool,
    /// Focus users and the bot are entered as functional members.
    pub(crate) functional_members: bool,
    /// Callers are told who speaks.
    pub(crate) asserted_identity: bool,
}

impl Default for Discovery {
    fn default() -> Self {
        let MachineDiscovery { announce, names, notices, count_out, identify } = MachineDiscovery::default();
        Self {
            state_event: announce,
            names,
            notices,
            functional_members: count_out,
            asserted_identity: identify,
        }
    }
}

impl Discovery {
    /// As the machine has them.
    pub(crate) const fn machine(&self) -> MachineDiscovery {
        let Self { state_event, names, notices, functional_members, asserted_identity } = *self;
        MachineDiscovery {
            announce: state_event,
            names,
            notices,
            count_out: functional_members,
            identify: asserted_identity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_machines() {
        assert_eq!(Discovery::default().machine(), MachineDiscovery::default());
    }
}
