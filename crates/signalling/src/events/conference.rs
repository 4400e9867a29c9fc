//! `io.github.confocal.conference`: a room's state says that a conference goes on in it, and whom to call. An event of this
//! project; no proposal has it.
//!
//! The state key is the focus user, which the homeserver lets nobody else use
//! (<https://spec.matrix.org/v1.15/rooms/v11/#authorization-rules>, rule 8): an announcement can't be forged, and those of several
//! services stand side by side. One of a user who is not joined to the room counts for nothing. Empty content: no conference.

use confocal::conference::{Announcement, MemberId};
use ruma_common::{OwnedUserId, UserId};
use ruma_events::macros::EventContent;
use serde::{Deserialize, Serialize};

/// What the state says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, EventContent)]
#[ruma_event(type = "io.github.confocal.conference", kind = State, state_key_type = OwnedUserId)]
pub struct ConferenceEventContent {
    /// The conference that goes on; without one the content is empty.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub ongoing: Option<Ongoing>,
}

/// A conference that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ongoing {
    /// Whom to call.
    pub focus: OwnedUserId,
    /// When the first call was answered, in ms since the Unix epoch.
    pub started_at: u64,
    /// What is sent in it.
    pub kind: MediaKind,
    /// About how many participants it has: below ten exactly, then tens, then hundreds, rounded down.
    pub participants: u64,
    /// It is recorded; left out where it is not.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub recorded: bool,
    /// The first of them, at most fifty, where the operator lets them be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<OwnedUserId>,
}

/// What is sent in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MediaKind {
    /// Voices.
    Voice,
    /// Voices and pictures.
    Video,
}

impl ConferenceEventContent {
    /// The event's type.
    pub(crate) const TYPE: &str = "io.github.confocal.conference";

    /// What `focus` announces.
    pub(crate) fn of(focus: &UserId, announcement: Option<&Announcement>) -> Self {
        let id = |member: &MemberId| UserId::parse(member.as_str()).ok();
        let ongoing = announcement.map(|it| Ongoing {
            focus: focus.to_owned(),
            started_at: it.started.as_unix_millis(),
            kind: if it.pictures { MediaKind::Video } else { MediaKind::Voice },
            participants: it.participants as u64,
            recorded: it.recorded,
            names: it.names.iter().filter_map(id).collect(),
        });
        Self { ongoing }
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::Timestamp;
    use ruma_common::user_id;
    use ruma_events::StaticEventContent;
    use serde_json::json;

    use super::*;

    #[test]
    fn is_written_and_read_whole() {
        let focus = user_id!("@conf_x:hs.test");
        let announcement = Announcement {
            started: Timestamp::from_unix_millis(1_700_000_000_000),
            participants: 3,
            pictures: false,
            recorded: false,
            names: vec!["@anna:hs.test".into(), "nobody".into()],
        };
        let written = json!({
            "focus": "@conf_x:hs.test", "started_at": 1_700_000_000_000_u64, "kind": "voice", "participants": 3,
            "names": ["@anna:hs.test"],
        });
        let content = ConferenceEventContent::of(focus, Some(&announcement));
        assert_eq!(serde_json::to_value(&content).unwrap(), written);
        assert_eq!(serde_json::from_value::<ConferenceEventContent>(written).unwrap(), content);
        let recorded =
            ConferenceEventContent::of(focus, Some(&Announcement { recorded: true, ..announcement.clone() }));
        assert_eq!(serde_json::to_value(&recorded).unwrap()["recorded"], true);
        let pictures =
            ConferenceEventContent::of(focus, Some(&Announcement { pictures: true, ..announcement }));
        assert_eq!(serde_json::to_value(&pictures).unwrap()["kind"], "video");
        assert_eq!(<ConferenceEventContent as StaticEventContent>::TYPE, ConferenceEventContent::TYPE);
    }

    #[test]
    fn no_conference_is_an_empty_content() {
        let nothing = ConferenceEventContent::of(user_id!("@conf_x:hs.test"), None);
        assert_eq!(serde_json::to_value(&nothing).unwrap(), json!({}));
        assert_eq!(serde_json::from_value::<ConferenceEventContent>(json!({})).unwrap(), nothing);
    }
}
