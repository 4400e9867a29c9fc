//! `m.call.asserted_identity` under its unstable name: with whom a caller really speaks
//! (MSC3086, <https://github.com/matrix-org/matrix-spec-proposals/pull/3086>).

use ruma_common::{OwnedUserId, OwnedVoipId, VoipVersionId};
use ruma_events::macros::EventContent;
use serde::{Deserialize, Serialize};

/// What is sent into a call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, EventContent)]
#[ruma_event(type = "org.matrix.call.asserted_identity", kind = MessageLike)]
pub struct AssertedIdentityEventContent {
    /// The call.
    pub call_id: OwnedVoipId,
    /// Our party in it.
    pub party_id: OwnedVoipId,
    /// The version of the protocol.
    pub version: VoipVersionId,
    /// With whom the caller speaks.
    pub asserted_identity: AssertedIdentity,
}

/// Someone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AssertedIdentity {
    /// Their user id.
    pub id: OwnedUserId,
    /// How they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl AssertedIdentityEventContent {
    /// The event's type.
    pub(crate) const TYPE: &str = "org.matrix.call.asserted_identity";
}

#[cfg(test)]
mod tests {
    use ruma_common::owned_user_id;
    use ruma_events::StaticEventContent;
    use serde_json::json;

    use super::*;

    #[test]
    fn is_written_as_the_proposal_has_it() {
        let id = owned_user_id!("@anna:hs.test");
        let content = AssertedIdentityEventContent {
            call_id: "c1".into(),
            party_id: "OURS".into(),
            version: VoipVersionId::V1,
            asserted_identity: AssertedIdentity {
                id,
                display_name: Some("Anna".to_owned()),
                avatar_url: None,
            },
        };
        assert_eq!(
            serde_json::to_value(&content).unwrap(),
            json!({
                "call_id": "c1", "party_id": "OURS", "version": "1",
                "asserted_identity": { "id": "@anna:hs.test", "display_name": "Anna" },
            })
        );
        assert_eq!(
            <AssertedIdentityEventContent as StaticEventContent>::TYPE,
            AssertedIdentityEventContent::TYPE
        );
    }
}
