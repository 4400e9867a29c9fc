//! A spelling of focus user ids of an embedder's own: what a bridge brings that has given its rooms other names.
//!
//! The spellings that everyone else uses never live here, see `focus_id`.

use std::fmt;

use ruma_common::RoomId;

use crate::focus_id::UserKind;

/// How the localpart of a focus user names its group room. It is asked for each event, so it must not block; names that are made up
/// (of a directory, by chance) must be kept durably by whoever makes them, since a call may come by them years later.
pub trait Spelling: fmt::Debug + Send + Sync + 'static {
    /// The localpart of the focus user of a group room; `None` if that room has none.
    fn encode(&self, group: &RoomId) -> Option<String>;

    /// What a localpart is: the focus user of a room, one of the namespace that names no room, or somebody else. Whatever
    /// [`encode`](Self::encode) gives leads back to its room.
    fn decode(&self, localpart: &str) -> UserKind;

    /// Regular expressions that fit the localparts of the namespace whole and no others, for the registration.
    fn localparts(&self) -> Vec<String>;
}
