//! Durable records: what the machine must not forget, as named values that the driver's store keeps.
//!
//! Levels, the active speaker and other ephemera are no records. Where records are kept never lives here.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::id::{LegId, MemberId, RequestId, RoomKey};
use crate::time::Timestamp;

/// The version of the records' format. An older one is migrated, a newer one refused.
pub(crate) const FORMAT: u32 = 3;

/// Whether a value is what it would be taken for if it were left out. Of most calls little is out of the ordinary, and what is written
/// with each step should be no more than that.
pub(crate) fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

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
            Self::Conference(room) => ["conf/", room.as_str()].concat(),
            Self::Direct(room) => ["direct/", room.as_str()].concat(),
            Self::Bot(room) => ["bot/", room.as_str()].concat(),
            Self::Ended(number) => numbered("ended/", *number),
            Self::Early(number) => numbered("early/", *number),
            Self::Name(number) => numbered("name/", *number),
            Self::Deeds(member) => ["deeds/", member.as_str()].concat(),
            Self::Leg(leg) => numbered("leg/", leg.0),
            Self::Leave(request) => numbered("leave/", request.0),
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

/// A name with a number of twenty digits, so that the order of the names is the order of the numbers. `format!` would take as long for it as
/// writing half of the record.
fn numbered(kind: &str, mut number: u64) -> String {
    const DIGITS: usize = 20;
    let mut digits = ['0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(b'0' + (number % 10) as u8);
        number /= 10;
    }
    let mut name = String::with_capacity(kind.len() + DIGITS);
    name.push_str(kind);
    name.extend(digits);
    name
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_what_it_was_made_of_and_numbers_are_in_order() {
        let numbers = [0, 9, 10, u64::MAX];
        let keys = [
            RecordKey::Focus,
            RecordKey::Conference("!a/b:c".into()),
            RecordKey::Direct("!d".into()),
            RecordKey::Bot("!e".into()),
            RecordKey::Deeds("@f:g".into()),
        ];
        let numbered = [RecordKey::Ended, RecordKey::Early, RecordKey::Name];
        let ids = [|number| RecordKey::Leg(LegId(number)), |number| RecordKey::Leave(RequestId(number))];
        let keys = keys
            .into_iter()
            .chain(numbered.into_iter().flat_map(|kind| numbers.map(kind)))
            .chain(ids.into_iter().flat_map(|kind| numbers.map(kind)));
        for key in keys {
            assert_eq!(RecordKey::parse(&key.to_text()).as_ref(), Some(&key), "{}", key.to_text());
        }
        let names = numbers.map(|number| RecordKey::Leg(LegId(number)).to_text());
        assert!(names.is_sorted());
        assert_eq!(names[2], "leg/00000000000000000010");
        assert_eq!(names[3], "leg/18446744073709551615");
    }
}
