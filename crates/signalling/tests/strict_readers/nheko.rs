//! nheko 0.11, by its library mtxclient: `lib/structs/events/voip.cpp` and `tests/voip.cpp` of
//! <https://github.com/Nheko-Reborn/mtxclient> (f5766cb).
//!
//! A field that is missing or of another type makes the whole event unreadable, and an unknown word stays an uninitialised value.

use serde_json::Value;

use crate::Sent;
use crate::field::{description, one_of, text, whole};

const REASONS: [&str; 7] = [
    "ice_failed",
    "invite_timeout",
    "ice_timeout",
    "user_hangup",
    "user_media_failed",
    "user_busy",
    "unknown_error",
];

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    if kind == "m.room.message" {
        one_of(content, "msgtype", &["m.notice"])?;
        return text(content, "body").map(|_| ());
    }
    text(content, "call_id")?;
    match kind.as_str() {
        "m.call.answer" => {
            description(content, "answer")?;
            party(content)
        }
        "m.call.hangup" => {
            if content.get("reason").is_some() {
                one_of(content, "reason", &REASONS)?;
            }
            party(content)
        }
        "m.call.reject" => {
            version(content)?;
            text(content, "party_id").map(|_| ())
        }
        "m.call.negotiate" => {
            text(content, "party_id")?;
            whole(content, "lifetime", u32::MAX.into())?;
            description(content, "description").map(|_| ())
        }
        // It knows no such event, and passes it over.
        "m.call.sdp_stream_metadata_changed" => Ok(()),
        other => Err(format!("{other} is not read, or would have to be written otherwise")),
    }
}

/// Any number is read as version 0.
fn version(content: &Value) -> Result<&str, String> {
    if content["version"].is_number() { Ok("0") } else { text(content, "version") }
}

/// All versions but 0 have a party.
fn party(content: &Value) -> Result<(), String> {
    if version(content)? == "0" { Ok(()) } else { text(content, "party_id").map(|_| ()) }
}
