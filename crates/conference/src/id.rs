//! The names of things: opaque newtypes, so that a room can't be taken for a user, nor a leg for a request.
//!
//! Names that come from outside (`RoomKey`, `MemberId`, `FocusUser`, `CallId`, `PartyId`) are opaque text, cheap to
//! clone; the machine compares them and looks inside a member's only, for its server and, to call it by, its local part. Numbers (`LegId`, `RequestId`, …) are the machine's own, handed
//! out in order and never reused. Matrix types never live here: the signalling adapter converts at its edge.

use alloc::sync::Arc;
use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! opaque_text {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text, which the machine will not interpret.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text as it came in.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    )*};
}

opaque_text! {
    /// A room: a group room, or the 1:1 room of a caller and a focus user.
    RoomKey
    /// A person, as a member of rooms; never one of our focus users.
    MemberId
    /// A user of ours: a conference focus user, one door to the conference of one group room, or the service's bot.
    FocusUser
    /// What a caller named its call. Unique only together with room and caller ([`CallKey`]).
    CallId
    /// One party of a call (protocol version 1): in practice one device of its user.
    PartyId
    /// A media stream's id, the first token of `a=msid` in an SDP.
    StreamId
    /// A homeserver's name, as a hint where a room can be joined.
    ServerName
}

macro_rules! counted {
    ($($(#[$doc:meta])* $name:ident($int:ty))*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

impl MemberId {
    /// The homeserver that the member is of: what follows the first colon, as in Matrix user ids. Empty without a colon, so
    /// that an embedder whose ids know no servers has one server of that name.
    #[must_use]
    pub fn server(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, server)| server)
    }

    /// What is before the first colon, without the mark that Matrix user ids begin with.
    pub(crate) fn local_part(&self) -> &str {
        let id = self.0.strip_prefix('@').unwrap_or(&self.0);
        id.split_once(':').map_or(id, |(local, _)| local)
    }
}

counted! {
    /// One conference: the time from a focus joining a group room to its leaving. Never reused.
    ConferenceId(u64)
    /// One user in a conference, over all their legs. Never reused.
    ParticipantId(u64)
    /// One call of one device. Never reused, so a late report can't be taken for another leg's.
    LegId(u64)
    /// One request to the homeserver. Outgoing transaction ids derive from it.
    RequestId(u64)
    /// Which media session of a leg is meant: it grows each time the leg's media is set up anew.
    Generation(u32)
    /// One recording of a conference. Never reused.
    RecordingId(u64)
    /// Which offer of a leg is meant, of either side: 0 is the invite's, and it grows with each later one.
    OfferNumber(u32)
}

/// What makes a call unique: call ids are made by the callers, so two of them may choose the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey {
    /// The 1:1 room in which the call was placed.
    pub room: RoomKey,
    /// Who placed it.
    pub caller: MemberId,
    /// The id that the caller gave it.
    pub call: CallId,
}
