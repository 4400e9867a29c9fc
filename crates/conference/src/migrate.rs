//! Records of older formats, made into those of today.
//!
//! Reading them into types never lives here: only text is changed, one format at a time.

use alloc::string::String;

use serde_json::{Map, Value, json};

use crate::record::RecordKey;
use crate::time::{Millis, Timestamp};

/// What a record must be known of besides itself.
pub(crate) struct Migration {
    /// The format that the records are in.
    pub(crate) from: u32,
    /// The time that was stored with them.
    pub(crate) now: Timestamp,
    /// How long the focus stays in a 1:1 room in which nobody calls.
    pub(crate) direct_idle: Millis,
}

impl Migration {
    /// Makes a record of format [`from`](Self::from) one of today.
    pub(crate) fn apply(&self, key: &RecordKey, record: &mut Value) {
        if self.from < 2
            && let Some(fields) = record.as_object_mut()
        {
            self.one_to_two(key, fields);
        }
    }

    /// Format 1 knew no floor, no hold, no lasting offers, and no end of 1:1 rooms.
    fn one_to_two(&self, key: &RecordKey, fields: &mut Map<String, Value>) {
        match key {
            RecordKey::Conference(_) => {
                fields.insert("floor".into(), json!(crate::floor::Floor::default()));
                fields.insert("replaced_by".into(), Value::Null);
            }
            RecordKey::Direct(_) => {
                fields.insert("until".into(), json!(self.now + self.direct_idle));
                for door in fields.get_mut("doors").and_then(Value::as_object_mut).into_iter().flatten() {
                    door.1["via"] = json!([]);
                }
            }
            RecordKey::Leg(_) => {
                let Some(leg) = fields.get_mut("leg") else { return };
                leg["answer"] = leg["state"]["Connecting"]["answer"].clone();
                leg["agreed"] = json!(crate::input::Agreed::default());
                leg["offer"] = json!(0);
                leg["negotiating"] = Value::Null;
                leg["candidates_taken"] = json!(0);
                leg["stopped"] = json!(false);
                leg["media_until"] = Value::Null;
                if leg["state"].get("Active").is_some() {
                    leg["state"] = json!("Active");
                }
            }
            RecordKey::Focus
            | RecordKey::Bot(_)
            | RecordKey::Ended(_)
            | RecordKey::Early(_)
            | RecordKey::Name(_)
            | RecordKey::Deeds(_)
            | RecordKey::Leave(_) => {}
        }
    }
}
