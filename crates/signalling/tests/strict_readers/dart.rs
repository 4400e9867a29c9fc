//! matrix-dart-sdk, as FluffyChat 1 and Famedly have it: `lib/src/voip/voip.dart` and `models/call_events.dart` of
//! <https://github.com/famedly/matrix-dart-sdk>.
//!
//! Fields are cast when they are used, and a cast that fails ends the handling of the event.

use serde_json::Value;

use crate::Sent;
use crate::field::{text, text_or_none, truth_or_none};

/// The name of the metadata, of today and of before 2025.
const METADATA: [&str; 2] = ["sdp_stream_metadata", "org.matrix.msc3077.sdp_stream_metadata"];

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    if kind == "m.room.message" {
        return text(content, "body").map(|_| ());
    }
    text(content, "call_id")?;
    text(content, "party_id")?;
    match kind.as_str() {
        "m.call.answer" => {
            metadata(content)?;
            text(&content["answer"], "sdp")?;
            text(&content["answer"], "type").map(|_| ())
        }
        "m.call.negotiate" => {
            metadata(content)?;
            text(&content["description"], "sdp")?;
            text(&content["description"], "type").map(|_| ())
        }
        "m.call.sdp_stream_metadata_changed" => metadata(content),
        "m.call.hangup" | "m.call.reject" => text_or_none(content, "reason").map(|_| ()),
        other => Err(format!("{other} is not read")),
    }
}

/// Both names or none, whichever of them this release knows.
fn metadata(content: &Value) -> Result<(), String> {
    let [today, before] = METADATA.map(|name| &content[name]);
    if today != before {
        return Err("one of the two names of the metadata says something else".to_owned());
    }
    for stream in today.as_object().into_iter().flat_map(|streams| streams.values()) {
        text(stream, "purpose")?;
        truth_or_none(stream, "audio_muted")?;
        truth_or_none(stream, "video_muted")?;
    }
    Ok(())
}
