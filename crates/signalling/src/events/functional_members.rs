//! `io.element.functional_members`: members of a room that clients should not count as people, as bots and bridges
//! (<https://github.com/element-hq/element-meta/blob/develop/spec/functional_members.md>; no proposal has it yet).

use std::collections::BTreeMap;

use ruma_common::UserId;
use ruma_events::macros::EventContent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the state says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, EventContent)]
#[ruma_event(type = "io.element.functional_members", kind = State, state_key_type = ruma_events::EmptyStateKey)]
pub struct FunctionalMembersEventContent {
    /// Those members. Whatever else stands here is somebody else's and is kept.
    #[ruma_event(skip_redaction)]
    #[serde(default)]
    pub service_members: Vec<Value>,
    /// What others have written.
    #[ruma_event(skip_redaction)]
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

impl FunctionalMembersEventContent {
    /// The event's type.
    pub(crate) const TYPE: &str = "io.element.functional_members";

    fn names(&self, user: &UserId) -> bool {
        self.service_members.iter().any(|member| member == user.as_str())
    }

    /// Adds a user. False: they stand there already.
    pub(crate) fn add(&mut self, user: &UserId) -> bool {
        let new = !self.names(user);
        if new {
            self.service_members.push(user.as_str().into());
        }
        new
    }

    /// Takes a user out. False: they do not stand there.
    pub(crate) fn remove(&mut self, user: &UserId) -> bool {
        let there = self.names(user);
        self.service_members.retain(|member| member != user.as_str());
        there
    }
}

#[cfg(test)]
mod tests {
    use ruma_common::user_id;
    use ruma_events::StaticEventContent;
    use serde_json::json;

    use super::*;

    #[test]
    fn others_and_their_words_are_kept() {
        let before = json!({ "service_members": ["@bridge:x", 7], "org.example.note": { "by": "us" } });
        let mut content: FunctionalMembersEventContent = serde_json::from_value(before.clone()).unwrap();
        let focus = user_id!("@conf_x:hs.test");
        assert!(content.add(focus) && !content.add(focus));
        let added = serde_json::to_value(&content).unwrap();
        assert_eq!(added["service_members"], json!(["@bridge:x", 7, "@conf_x:hs.test"]));
        assert!(content.remove(focus) && !content.remove(focus));
        assert_eq!(serde_json::to_value(&content).unwrap(), before);
        assert_eq!(
            <FunctionalMembersEventContent as StaticEventContent>::TYPE,
            FunctionalMembersEventContent::TYPE
        );
    }
}
