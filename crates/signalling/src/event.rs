//! Events as they really come: lenient structs for what is read, no more of an event than that.
//!
//! What an event means never lives here (`translate`), nor how one is written (`content`).
//!
//! Fields are read one by one from raw JSON, so that a field of a wrong type costs that field and not its event, and
//! what nobody reads (however deep, however strange) costs nothing.

mod call;
mod lenient;

pub(crate) use call::{
    CandidatesContent, Common, HangupContent, InviteContent, MetadataContent, NegotiateContent,
    SelectAnswerContent,
};
pub(crate) use lenient::{Unfit, or_none};

use confocal::conference::RoomKey;
use ruma_common::RoomId;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope of an event, as in a transaction or a `/messages` answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) sender: String,
    pub(crate) content: Box<RawValue>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) room_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) state_key: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    unsigned: Option<Unsigned>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    age: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Unsigned {
    #[serde(default, deserialize_with = "lenient::or_none")]
    age: Option<f64>,
}

impl Event {
    /// How old the event was when the homeserver handed it out, in ms; 0 if it did not say, or said something odd.
    pub(crate) fn age(&self) -> u64 {
        let age = self.unsigned.as_ref().and_then(|unsigned| unsigned.age).or(self.age);
        lenient::to_millis(age.unwrap_or(0.0))
    }
}

/// `m.room.member`, as far as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberContent {
    pub(crate) membership: String,
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) displayname: Option<String>,
}

/// `m.room.tombstone`, as far as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct TombstoneContent {
    #[serde(default, deserialize_with = "lenient::or_none")]
    replacement_room: Option<String>,
}

impl TombstoneContent {
    /// The room that takes the place of the old one, if a room is named.
    pub(crate) fn replacement(&self) -> Option<RoomKey> {
        let room = self.replacement_room.as_deref()?;
        RoomId::parse(room).is_ok().then(|| RoomKey::from(room))
    }
}

/// `m.room.name`, `m.room.canonical_alias` and `io.element.functional_members`, as far as they are read: their fields
/// have no name in common.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RoomStateContent {
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) alias: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub(crate) service_members: Option<Vec<String>>,
}
