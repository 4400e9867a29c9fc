//! Element Android (classic): the Moshi models in `matrix-sdk-android/…/api/session/room/model/call` and what `MxCallImpl.kt` and
//! `CallSignalingHandler.kt` do with them, of <https://github.com/element-hq/element-android>.
//!
//! An unknown word where an enumeration is expected makes the event unreadable.

use serde_json::Value;

use crate::Sent;
use crate::field::{description, one_of, text, text_or_none, truth_or_none, whole};

/// `EndCallReason.kt`.
const REASONS: [&str; 9] = [
    "ice_failed",
    "ice_timeout",
    "user_hangup",
    "replaced",
    "user_media_failed",
    "invite_timeout",
    "unknown_error",
    "user_busy",
    "answered_elsewhere",
];

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    if kind == "m.room.message" {
        text(content, "msgtype")?;
        return text(content, "body").map(|_| ());
    }
    text(content, "call_id")?;
    text_or_none(content, "party_id")?;
    version(content)?;
    match kind.as_str() {
        "m.call.answer" => {
            truth_or_none(&content["capabilities"], "m.call.transferee")?;
            description(content, "answer").map(|_| ())
        }
        "m.call.hangup" | "m.call.reject" => {
            if !content["reason"].is_null() {
                one_of(content, "reason", &REASONS)?;
            }
            Ok(())
        }
        "m.call.negotiate" => {
            whole(content, "lifetime", i32::MAX as u64)?;
            description(content, "description").map(|_| ())
        }
        // It knows no such event, and passes it over.
        "m.call.sdp_stream_metadata_changed" => Ok(()),
        other => Err(format!("{other} is not read")),
    }
}

/// A text or a number that is whole: `BigDecimal(version).intValueExact()` throws on all else.
fn version(content: &Value) -> Result<i64, String> {
    let version = &content["version"];
    let whole = version.as_i64().or_else(|| version.as_str()?.parse().ok());
    whole.ok_or_else(|| format!("version {version} is no whole number"))
}
