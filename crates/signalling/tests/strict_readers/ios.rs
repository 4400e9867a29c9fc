//! Element iOS (classic): the models in `MatrixSDK/JSONModels/Call` of <https://github.com/matrix-org/matrix-ios-sdk>.
//!
//! A field of another type is a field that is not there; what then is missed is named here.

use serde_json::Value;

use crate::Sent;
use crate::field::{description, one_of, text, text_or_none, whole};

pub(crate) fn read(Sent { kind, content }: &Sent) -> Result<(), String> {
    text_or_none(content, "party_id")?;
    match kind.as_str() {
        "m.room.message" => text(content, "body").map(|_| ()),
        "m.call.answer" => {
            known_version(content)?;
            description(content, "answer").map(|_| ())
        }
        // A missing reason is user_hangup.
        "m.call.hangup" => match text_or_none(content, "reason")? {
            None => Ok(()),
            Some(_) => one_of(
                content,
                "reason",
                &[
                    "user_hangup",
                    "user_busy",
                    "ice_failed",
                    "invite_timeout",
                    "ice_timeout",
                    "user_media_failed",
                    "unknown_error",
                ],
            )
            .map(|_| ()),
        },
        "m.call.reject" => text(content, "party_id").map(|_| ()),
        // The party is compared with the one that answered.
        "m.call.negotiate" => {
            known_version(content)?;
            text(content, "party_id")?;
            whole(content, "lifetime", u64::MAX)?;
            description(content, "description").map(|_| ())
        }
        // It knows no such event, and passes it over.
        "m.call.sdp_stream_metadata_changed" => Ok(()),
        other => Err(format!("{other} is not read")),
    }
}

/// The number 0 or the text "1"; any other is taken for "1".
fn known_version(content: &Value) -> Result<(), String> {
    let version = &content["version"];
    let known = *version == 0 || version == "0" || version == "1";
    known.then_some(()).ok_or_else(|| format!("version {version} is not known"))
}
