//! One focus user of a conference: a door by which calls come in, and its membership of the group room.
//!
//! ```text
//!              invited or called      joined             called
//!     Absent ───────────────► Joining ──────► Waiting(R8) ──────► Active
//!       ▲                       │  ▲              │                  │
//!       │          may not join ▼  │ invited      │ nobody called    │ empty (R7)
//!       │◄───────────────── Uninvited             ▼                  ▼
//!       └───────────────────────────────────── Leaving ◄─────────────┘
//! ```

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::conference::Comparison;
use crate::id::{RequestId, ServerName};
use crate::time::Timestamp;

/// A focus user's membership of its group room. `Absent` is not to have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    /// It was invited into the group room, not only called.
    pub(crate) invited: bool,
    /// Servers by which the group room can be joined.
    pub(crate) via: Vec<ServerName>,
    #[serde(default)]
    pub(crate) counted_out: CountedOut,
    pub(crate) state: DoorState,
    /// What the homeserver was asked about those who called it, and has not answered.
    #[serde(default)]
    pub(crate) comparing: Option<Comparison>,
}

/// Whether the room's clients were told not to count one of us as a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CountedOut {
    /// No, or it was not allowed.
    #[default]
    Not,
    /// The request is under way.
    Asked(RequestId),
    /// Yes.
    Done,
}

/// Where a door is; each state holds what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DoorState {
    /// The join is under way. An invitation that comes meanwhile makes a failed join worth another try, and a removal makes a
    /// successful one doubtful: which of the two came last is not known.
    Joining { request: RequestId, invited_since: bool, removed_since: bool },
    /// It may not join; an invitation may still be on its way.
    Uninvited { until: Timestamp },
    /// It has joined and nobody has called yet (rule R8). `None`: it stays for good.
    Waiting { until: Option<Timestamp> },
    /// It has joined and has been called.
    Active,
    /// The leave is under way.
    Leaving { request: RequestId },
}

impl Door {
    /// Its join is under way.
    pub(crate) const fn is_joining(&self) -> bool {
        matches!(self.state, DoorState::Joining { .. })
    }

    /// It is a joined member of the group room, as far as we know.
    pub(crate) const fn is_joined(&self) -> bool {
        matches!(self.state, DoorState::Waiting { .. } | DoorState::Active)
    }
}
