//! The contents of events that the specification does not have, each as a type of its own beside those of `ruma-events`.
//!
//! Events of the specification never live here: calls are written by `content`, and read by `event`.

pub mod asserted_identity;
pub mod conference;
pub mod functional_members;

pub use asserted_identity::{AssertedIdentity, AssertedIdentityEventContent};
pub use conference::{ConferenceEventContent, MediaKind, Ongoing};
pub use functional_members::FunctionalMembersEventContent;
