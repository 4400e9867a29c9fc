//! Recorded calls of a real client, each event compared whole with what it must come to.
#![expect(clippy::unwrap_used, clippy::unwrap_in_result, reason = "a test may stop at the first surprise")]

use confocal::conference::{
    CallInvite, CallKey, CallVersion, Candidate, HangupReason, Input, MemberId, Millis, PartyId, Sdp,
    StreamId, StreamInfo, StreamMetadata, StreamPurpose,
};
use confocal_signalling::{FocusIdScheme, Skip, Translator};
use ruma_common::{owned_server_name, owned_user_id};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const ROOM: &str = "!direct:hs.test";

fn meaning(event: &Value) -> Result<Input, Skip> {
    let scheme = FocusIdScheme::new(["conf_"], owned_server_name!("hs.test")).unwrap();
    let translator = Translator::new(scheme, owned_user_id!("@conference:hs.test"));
    translator.read(&RawValue::from_string(event.to_string()).unwrap()).meaning
}

/// The recorded events of matrix-js-sdk 43 in Chromium 156, each with what it must come to, read strictly.
#[test]
fn the_recorded_calls_are_read_whole() {
    for (file, inputs) in [
        (include_str!("fixtures/jssdk43-chromium156/voice-events.json"), 15),
        (include_str!("fixtures/jssdk43-chromium156/video-events.json"), 16),
    ] {
        let recorded: Vec<Value> = serde_json::from_str(file).unwrap();
        let mut read = 0;
        for mut event in recorded {
            event["room_id"] = json!(ROOM);
            event["unsigned"] = json!({ "age": 250 });
            let expected = strictly(&event);
            read += usize::from(expected.is_ok());
            assert_eq!(meaning(&event), expected, "{}", event["type"]);
        }
        assert_eq!(read, inputs);
    }
}

fn strictly(event: &Value) -> Result<Input, Skip> {
    let content = &event["content"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = CallKey {
        room: ROOM.into(),
        caller: MemberId::new(text(&event["sender"])),
        call: text(&content["call_id"]).as_str().into(),
    };
    let party = Some(PartyId::new(text(&content["party_id"])));
    let metadata = || -> StreamMetadata {
        let streams = content["sdp_stream_metadata"].as_object().unwrap().iter();
        let stream = |(id, info): (&String, &Value)| {
            assert_eq!(info["purpose"], "m.usermedia");
            let (audio_muted, video_muted) =
                (info["audio_muted"].as_bool().unwrap(), info["video_muted"].as_bool().unwrap());
            let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted, video_muted };
            (StreamId::from(id.as_str()), info)
        };
        streams.map(stream).collect()
    };
    assert_eq!(content["version"], "1");
    Ok(match event["type"].as_str().unwrap() {
        "m.call.invite" => Input::CallInvited(CallInvite {
            key,
            invitee: None,
            version: CallVersion::V1,
            party,
            offer: Sdp(text(&content["offer"]["sdp"])),
            expires_in: Millis(59_750),
            metadata: Some(metadata()),
        }),
        "m.call.candidates" => {
            let candidates = content["candidates"].as_array().unwrap().iter().map(|candidate| Candidate {
                line: text(&candidate["candidate"]),
                mid: candidate["sdpMid"].as_str().map(str::to_owned),
                line_index: candidate["sdpMLineIndex"].as_u64().map(|index| u16::try_from(index).unwrap()),
            });
            Input::CallCandidates { key, party, candidates: candidates.collect() }
        }
        "m.call.select_answer" => {
            Input::CallSelected { key, selected: PartyId::new(text(&content["selected_party_id"])) }
        }
        "m.call.hangup" => Input::CallHungUp { key, party, reason: HangupReason::UserHangup },
        "m.call.negotiate" if content["description"]["type"] == "offer" => Input::CallNegotiated {
            key,
            party,
            offer: Sdp(text(&content["description"]["sdp"])),
            expires_in: Millis(59_750),
            metadata: Some(metadata()),
        },
        "m.call.negotiate" => {
            let (answer, metadata) = (Sdp(text(&content["description"]["sdp"])), Some(metadata()));
            Input::CallNegotiateAnswered { key, party, answer, metadata }
        }
        "m.call.sdp_stream_metadata_changed" => {
            Input::CallMetadataChanged { key, party, metadata: metadata() }
        }
        "m.call.answer" => return Err(Skip::NothingNew),
        other => panic!("{other}"),
    })
}
