//! Whether something of unknown fate has been said: by the room's timeline, not by the homeserver's memory of transaction ids.
//!
//! That memory is of half an hour where sends have no device (Synapse), of none at all after a restart, and not the same
//! everywhere; a timeline is. Reading it never lives here, nor when it is to be looked at.

use ruma_common::UserId;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What may have been said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saying<'a> {
    pub(crate) by: &'a UserId,
    pub(crate) transaction: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) content: &'a RawValue,
}

#[derive(Deserialize)]
struct Event {
    sender: String,
    r#type: String,
    state_key: Option<Value>,
    content: Value,
    #[serde(default)]
    unsigned: Unsigned,
}

// <https://spec.matrix.org/v1.15/client-server-api/#definition-clientevent>: told to the one who sent it.
#[derive(Default, Deserialize)]
struct Unsigned {
    transaction_id: Option<String>,
}

impl Saying<'_> {
    /// Whether it is among `events`, the newest events of its room, newest first. `None`: nothing of this user is, so it can be
    /// farther back.
    ///
    /// Where the homeserver does not tell which transaction an event came by, the last thing that the user said counts: it is the
    /// same, or this was not said. For a room's requests are carried out one after the other, so that nothing can have followed.
    pub(crate) fn is_among(&self, events: &[Box<RawValue>]) -> Option<bool> {
        let of_user = events
            .iter()
            .filter_map(|event| serde_json::from_str::<Event>(event.get()).ok())
            .filter(|event| event.sender == self.by.as_str() && event.state_key.is_none());
        let mut last = None;
        for event in of_user {
            let same = match &event.unsigned.transaction_id {
                Some(transaction) => transaction == self.transaction,
                None => last.is_none() && event.r#type == self.kind && self.is_content(event.content),
            };
            if same {
                return Some(true);
            }
            last = Some(false);
        }
        last
    }

    fn is_content(&self, mut said: Value) -> bool {
        let mut own: Value = serde_json::from_str(self.content.get()).unwrap_or_default();
        // What is left of the lifetime of an offer is counted anew at each try.
        for content in [&mut said, &mut own] {
            if let Some(content) = content.as_object_mut() {
                content.remove("lifetime");
            }
        }
        said == own
    }
}

#[cfg(test)]
mod tests {
    use ruma_common::user_id;
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    fn event(sender: &str, transaction: Option<&str>, content: &Value) -> Value {
        json!({ "sender": sender, "type": "m.call.answer", "content": content,
            "unsigned": transaction.map_or_else(|| json!({}), |id| json!({ "transaction_id": id })) })
    }

    fn is_among(newest_first: &[Value]) -> Option<bool> {
        let events: Vec<_> = newest_first.iter().map(|event| to_raw_value(event).unwrap()).collect();
        let content = to_raw_value(&json!({ "call_id": "c", "lifetime": 7 })).unwrap();
        let saying = Saying {
            by: user_id!("@conf_x:hs.test"),
            transaction: "nonce.7",
            kind: "m.call.answer",
            content: &content,
        };
        saying.is_among(&events)
    }

    const US: &str = "@conf_x:hs.test";

    #[test]
    fn it_is_known_by_its_transaction_where_that_is_told() {
        let (other, own) = (json!({ "call_id": "d" }), json!({ "call_id": "c", "lifetime": 7 }));
        let ours = event(US, Some("nonce.7"), &other);
        assert_eq!(is_among(std::slice::from_ref(&ours)), Some(true));
        assert_eq!(is_among(&[event(US, Some("nonce.8"), &other), ours]), Some(true), "and wherever it is");
        assert_eq!(is_among(&[event(US, Some("nonce.8"), &own)]), Some(false), "the same words once more");
        assert_eq!(is_among(&[event("@bob:hs.test", Some("nonce.7"), &own)]), None, "another's");
    }

    #[test]
    fn elsewhere_it_is_the_last_thing_said_or_was_not() {
        let (other, own) = (json!({ "call_id": "d" }), json!({ "call_id": "c", "lifetime": 9 }));
        let bobs = event("@bob:hs.test", None, &own);
        assert_eq!(is_among(&[bobs.clone(), event(US, None, &own)]), Some(true));
        assert_eq!(is_among(&[event(US, None, &other), event(US, None, &own)]), Some(false));
        let mut another_kind = event(US, None, &own);
        another_kind["type"] = json!("m.call.reject");
        assert_eq!(is_among(&[another_kind]), Some(false));
        let mut state = event(US, None, &other);
        state["state_key"] = json!(US);
        assert_eq!(is_among(&[state.clone(), event(US, None, &own)]), Some(true), "state is not said");
        assert_eq!(is_among(&[state, bobs, json!("garbage")]), None);
    }
}
