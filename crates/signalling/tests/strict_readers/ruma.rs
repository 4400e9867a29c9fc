//! ruma's types for these events (ruma-events 0.34): each is read by its type, and written again must be the same.

use ruma_common::serde::Raw;
use ruma_events::{AnyMessageLikeEventContent, RawExt};
use serde_json::{Value, json};

use crate::Sent;

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    let raw = Raw::<AnyMessageLikeEventContent>::from_json_string(content.to_string())
        .map_err(|error| error.to_string())?;
    let read = raw.deserialize_with_type(kind).map_err(|error| error.to_string())?;
    if matches!(read, AnyMessageLikeEventContent::_Custom { .. }) {
        return Err(format!("{kind} is not known"));
    }
    let again = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    let expected = as_known(kind, content.clone());
    if again == expected { Ok(()) } else { Err(format!("{again:#} was read")) }
}

/// What these types keep of an event: they don't have the name of the proposal, nor capabilities (MSC2747), write the reason
/// out that a missing one stands for, and leave out what is false.
fn as_known(kind: &str, mut content: Value) -> Value {
    if let Some(fields) = content.as_object_mut() {
        fields.remove("org.matrix.msc3077.sdp_stream_metadata");
        fields.remove("capabilities");
        let streams = fields.get_mut("sdp_stream_metadata").and_then(Value::as_object_mut);
        for stream in streams.into_iter().flat_map(|streams| streams.values_mut()) {
            if let Some(stream) = stream.as_object_mut() {
                stream.retain(|_, value| *value != false);
            }
        }
        if kind == "m.call.hangup" {
            fields.entry("reason").or_insert_with(|| json!("user_hangup"));
        }
    }
    content
}
