//! What the specification asks of every call event, whoever reads it.
//!
//! <https://spec.matrix.org/v1.15/client-server-api/#voice-over-ip>,
//! <https://spec.matrix.org/v1.15/client-server-api/#size-limits>.

use serde_json::{Value, json};

use crate::Sent;
use crate::field::{text, text_or_none, whole};

/// The most bytes an event may have; its envelope takes less than a thousand of them.
const MAX_CONTENT_BYTES: usize = 65_536 - 1000;

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    if content.to_string().len() > MAX_CONTENT_BYTES {
        return Err("larger than an event may be".to_owned());
    }
    if kind == "m.room.message" {
        text(content, "msgtype")?;
        return text(content, "body").map(|_| ());
    }
    is_opaque_id(text(content, "call_id")?)?;
    match text_or_none(content, "party_id")? {
        None if content["version"] == json!(0) => {}
        Some(party) if content["version"] == json!("1") => is_opaque_id(party)?,
        party => return Err(format!("version {} with party {party:?}", content["version"])),
    }
    match kind.as_str() {
        "m.call.answer" => is_answer(&content["answer"]),
        "m.call.negotiate" if content["version"] == json!("1") => {
            whole(content, "lifetime", u64::MAX).map(|_| ())
        }
        "m.call.reject" | "m.call.sdp_stream_metadata_changed" if content["version"] == json!("1") => Ok(()),
        // "reason: Required. Error reason for the hangup" (version 1).
        "m.call.hangup" if content["version"] == json!("1") => text(content, "reason").map(|_| ()),
        "m.call.hangup" => match text_or_none(content, "reason")? {
            None | Some("ice_failed" | "invite_timeout") => Ok(()),
            Some(other) => Err(format!("version 0 has no reason {other:?}")),
        },
        other => Err(format!("no {other} in this version")),
    }
}

/// "The identifier must contain only [0-9a-zA-Z._~-] and be 1 to 255 characters long".
fn is_opaque_id(id: &str) -> Result<(), String> {
    let fits = (1..=255).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
    fits.then_some(()).ok_or_else(|| format!("{id:?} is no id"))
}

fn is_answer(description: &Value) -> Result<(), String> {
    (description["type"] == "answer").then_some(()).ok_or_else(|| "the answer is none".to_owned())
}
