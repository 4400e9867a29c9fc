//! matrix-js-sdk (Element Web and Desktop): `src/webrtc/call.ts` and `callEventTypes.ts` of
//! <https://github.com/matrix-org/matrix-js-sdk>, release 43.
//!
//! A stream of the description that the metadata does not name makes it throw, and its feed never appears.

use serde_json::Value;

use crate::Sent;
use crate::field::{description, one_of, text, text_or_none};

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    if kind == "m.room.message" {
        return text(content, "body").map(|_| ());
    }
    text(content, "call_id")?;
    match kind.as_str() {
        "m.call.answer" => described(content, description(content, "answer")?.1),
        "m.call.negotiate" => {
            text(content, "party_id")?;
            described(content, description(content, "description")?.1)
        }
        // Of a stream that it does not name, nothing changes.
        "m.call.sdp_stream_metadata_changed" => {
            let streams = content["sdp_stream_metadata"].as_object();
            let streams = streams.filter(|streams| !streams.is_empty()).ok_or("it names no stream")?;
            streams.values().try_for_each(|stream| {
                one_of(stream, "purpose", &["m.usermedia", "m.screenshare"]).map(|_| ())
            })
        }
        "m.call.reject" => text(content, "party_id").map(|_| ()),
        "m.call.hangup" => text_or_none(content, "reason").map(|_| ()),
        other => Err(format!("{other} is not read")),
    }
}

/// Where there is metadata it has a purpose for each stream, the first word of an `a=msid`.
fn described(content: &Value, sdp: &str) -> Result<(), String> {
    let metadata = &content["sdp_stream_metadata"];
    if metadata.is_null() {
        return Ok(());
    }
    for line in sdp.lines().filter_map(|line| line.strip_prefix("a=msid:")) {
        let stream = line.split(' ').next().unwrap_or_default();
        one_of(&metadata[stream], "purpose", &["m.usermedia", "m.screenshare"])?;
    }
    Ok(())
}
