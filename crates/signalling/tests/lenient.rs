//! Events that real clients send and strict types refuse: each is refused by ruma's (ruma-events 0.34), and read here.

use confocal_signalling::{FocusIdScheme, Translator};
use ruma_common::serde::Raw;
use ruma_common::{owned_server_name, owned_user_id};
use ruma_events::{AnyMessageLikeEventContent, RawExt};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Each with who is known to write it.
fn refused_by_strict_types() -> Vec<(&'static str, &'static str, Value)> {
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    vec![
        ("bots", "m.call.invite", json!({ "call_id": "c", "lifetime": 60_000, "offer": offer })),
        (
            "bots",
            "m.call.invite",
            json!({ "call_id": "c", "version": 1, "party_id": "P", "lifetime": 60_000, "offer": offer }),
        ),
        ("bots", "m.call.invite", json!({ "call_id": "c", "version": "1", "party_id": "P", "offer": offer })),
        (
            "Element Android",
            "m.call.invite",
            json!({ "call_id": "c", "version": "1", "party_id": "P", "lifetime": 120_000.0, "offer": offer }),
        ),
        (
            "nheko",
            "m.call.invite",
            json!({ "call_id": "c", "version": "1", "party_id": "P", "lifetime": 120_000, "invitee": "", "offer": offer }),
        ),
        (
            "bridges",
            "m.call.invite",
            json!({ "call_id": "c", "version": "1", "party_id": "P", "lifetime": 60_000, "offer": offer,
                "sdp_stream_metadata": { "s": { "audio_muted": false } } }),
        ),
        (
            "Element Android",
            "m.call.candidates",
            json!({ "call_id": "c", "version": "1", "party_id": "P",
                "candidates": [{ "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0.0 }] }),
        ),
        (
            "browsers, passed on",
            "m.call.candidates",
            json!({ "call_id": "c", "version": "1", "party_id": "P",
                "candidates": [{ "candidate": null, "sdpMid": "0", "sdpMLineIndex": 0 }] }),
        ),
        ("bots", "m.call.select_answer", json!({ "call_id": "c", "version": "1", "selected_party_id": "O" })),
        ("bots", "m.call.hangup", json!({ "call_id": "c", "version": 0, "reason": null })),
        ("bots", "m.call.reject", json!({ "call_id": "c", "version": "1" })),
        (
            "nheko's library, which writes no version",
            "m.call.negotiate",
            json!({ "call_id": "c", "party_id": "P", "lifetime": 120_000, "description": offer }),
        ),
        (
            "bots",
            "m.call.negotiate",
            json!({ "call_id": "c", "version": "1", "party_id": "P", "description": offer }),
        ),
        (
            "bots",
            "m.call.negotiate",
            json!({ "call_id": "c", "version": "1", "lifetime": 60_000, "description": offer }),
        ),
    ]
}

#[test]
fn what_strict_types_refuse_is_read() {
    let scheme = FocusIdScheme::new(["conf_"], owned_server_name!("hs.test")).unwrap();
    let translator = Translator::new(scheme, owned_user_id!("@conference:hs.test"));
    for (who, kind, content) in refused_by_strict_types() {
        let raw = Raw::<AnyMessageLikeEventContent>::from_json_string(content.to_string()).unwrap();
        assert!(raw.deserialize_with_type(kind).is_err(), "{who}, {kind}: not refused any more: {content}");
        let event = json!({ "type": kind, "sender": "@alice:hs.test", "room_id": "!direct:hs.test", "content": content });
        let reading = translator.read(&RawValue::from_string(event.to_string()).unwrap());
        assert!(reading.meaning.is_ok(), "{who}, {kind}: {:?}: {content}", reading.meaning);
    }
}
