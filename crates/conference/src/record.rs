//! Durable records: what the machine must not forget, as named values that the driver's store keeps.
//!
//! Levels, the active speaker and other ephemera are no records. Where records are kept never lives here.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{LegId, MemberId, RequestId, RoomKey};
use crate::time::Timestamp;

/// The version of the records' format. An older one is migrated, a newer one refused.
pub(crate) const FORMAT: u32 = 2;

/// The name of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RecordKey {
    Focus,
    Conference(RoomKey),
    Direct(RoomKey),
    Bot(RoomKey),
    Ended(u64),
    Early(u64),
    Name(u64),
    Deeds(MemberId),
    Leg(LegId),
    Leave(RequestId),
}

impl RecordKey {
    /// The name as text.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Focus => "focus".to_string(),
            Self::Conference(room) => format!("conf/{room}"),
            Self::Direct(room) => format!("direct/{room}"),
            Self::Bot(room) => format!("bot/{room}"),
            // Twenty digits, so that the order of the names is the order of the numbers.
            Self::Ended(number) => format!("ended/{number:020}"),
            Self::Early(number) => format!("early/{number:020}"),
            Self::Name(number) => format!("name/{number:020}"),
            Self::Deeds(member) => format!("deeds/{member}"),
            Self::Leg(leg) => format!("leg/{:020}", leg.0),
            Self::Leave(request) => format!("leave/{:020}", request.0),
        }
    }

    /// Reads a name; `None` if no version of ours wrote it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "focus" {
            return Some(Self::Focus);
        }
        let (kind, rest) = text.split_once('/')?;
        match kind {
            "conf" => Some(Self::Conference(rest.into())),
            "direct" => Some(Self::Direct(rest.into())),
            "bot" => Some(Self::Bot(rest.into())),
            "ended" => rest.parse().ok().map(Self::Ended),
            "early" => rest.parse().ok().map(Self::Early),
            "name" => rest.parse().ok().map(Self::Name),
            "deeds" => Some(Self::Deeds(rest.into())),
            "leg" => rest.parse().ok().map(|id| Self::Leg(LegId(id))),
            "leave" => rest.parse().ok().map(|id| Self::Leave(RequestId(id))),
            _ => None,
        }
    }
}

/// The record `focus`: what belongs to no one conference.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FocusRecord {
    pub(crate) format: u32,
    pub(crate) now: Timestamp,
    pub(crate) counters: Counters,
}

/// What is counted, and the state of chance: part of the durable `focus` record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) conference: u64,
    pub(crate) participant: u64,
    pub(crate) leg: u64,
    pub(crate) request: u64,
    #[serde(default)]
    pub(crate) recording: u64,
    pub(crate) random: u64,
}

/// A record that changed, as the driver's store shall keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The record's name.
    pub key: String,
    /// Its new value (JSON), or `None` when it is gone.
    pub value: Option<Vec<u8>>,
}

/// Why records can't be taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// They were written by a newer version.
    #[error(
        "the records are of format {found}, this version reads up to {known}: use the version that wrote them, or a newer one"
    )]
    Newer {
        /// The format they are in.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// They are of a format that was never in use.
    #[error("the records say to be of format {found}, which no version wrote: the record `focus` is damaged")]
    NeverInUse {
        /// The format they say to be in.
        found: u32,
    },
    /// There are records but the one that says their format is missing.
    #[error("the record `focus` is missing, which names the format of the others")]
    NoFocus,
    /// A record of a name that no version wrote.
    #[error("the record `{key}` is not one of ours")]
    Unknown {
        /// Its name.
        key: String,
    },
    /// A record that can't be read.
    #[error("the record `{key}` can't be read: {source}")]
    Malformed {
        /// Its name.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
