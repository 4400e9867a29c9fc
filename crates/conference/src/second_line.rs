//! The second line of pictures in a call: another's screen is sent in it, and it is offered by us while the call runs.
//!
//! ```text
//!        a screen begins or ends        offer made           answered
//!  Quiet ──────────────────────► Making ──────────► Out ──────────────► Quiet
//!    ▲                              │                │ │ no answer
//!    │ a moment later               │ caller offers  │ └───────────► Late ──► (answered late) Quiet
//!    └───────────── Pausing ◄───────┴────────────────┘
//!                                   can't be made, or an offer of the caller's came after none was answered ──► Never
//! ```
//!
//! We are the one who is called, so in a collision of offers ours gives way, and is made again
//! (<https://www.w3.org/TR/webrtc/#perfect-negotiation-example>). A client that leaves one unanswered is offered none again.
//!
//! When the screen ends the line is switched off by another offer, and kept, for a line can't leave a description (RFC 3264
//! section 8): with its stream a client takes the large picture away, and would otherwise go on showing the last one of it
//! (seen in matrix-js-sdk, which drops a feed when its stream has lost its last track, and not before).
//!
//! Which screen is shown never lives here, nor what an offer says.

use serde::{Deserialize, Serialize};

use crate::id::{OfferNumber, RequestId};
use crate::time::Timestamp;

/// The second line of a call; part of the leg's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecondLine {
    /// The client has taken it, and not given it back.
    pub(crate) on: bool,
    pub(crate) asking: Asking,
}

/// Where the next offer of ours is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asking {
    /// There is none.
    #[default]
    Quiet,
    /// An offer of the caller's came; ours is not made before.
    Pausing { until: Timestamp },
    /// The engine makes it.
    Making { number: OfferNumber, screen: bool, until: Timestamp },
    /// The client has it.
    Out { screen: bool, until: Timestamp, request: RequestId },
    /// It was not answered in time, and may be still.
    Late { screen: bool },
    /// No more are made.
    Never,
}

impl Asking {
    pub(crate) const fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Pausing { until } | Self::Making { until, .. } | Self::Out { until, .. } => Some(*until),
            Self::Quiet | Self::Late { .. } | Self::Never => None,
        }
    }
}

impl SecondLine {
    /// All sessions are gone, and with them the line; what was learnt of the client stays.
    pub(crate) const fn lost(&mut self) {
        self.on = false;
        self.asking = match self.asking {
            Asking::Late { .. } | Asking::Never => Asking::Never,
            Asking::Quiet | Asking::Pausing { .. } | Asking::Making { .. } | Asking::Out { .. } => {
                Asking::Quiet
            }
        };
    }

    /// An offer of the caller's takes the place of ours, which is made again after `until`.
    pub(crate) const fn give_way(&mut self, until: Timestamp) {
        self.asking = match self.asking {
            Asking::Making { .. } | Asking::Out { .. } | Asking::Pausing { .. } => Asking::Pausing { until },
            Asking::Late { .. } | Asking::Never => Asking::Never,
            Asking::Quiet => Asking::Quiet,
        };
    }
}
