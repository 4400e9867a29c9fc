//! What is sent, read as ruma's types for these events: by somebody who knows the specification and not this crate.

use std::collections::BTreeMap;

use confocal::conference::{
    CallAddress, CallVersion, HangupReason, Millis, Sdp, StreamId, StreamInfo, StreamMetadata, StreamPurpose,
};
use ruma_common::VoipVersionId;
use ruma_events::call;
use ruma_events::call::answer::CallAnswerEventContent;
use ruma_events::call::hangup::{CallHangupEventContent, Reason};
use ruma_events::call::negotiate::CallNegotiateEventContent;
use ruma_events::call::reject::CallRejectEventContent;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Answer, End, Negotiate};

fn to(version: CallVersion) -> CallAddress {
    CallAddress {
        focus: "@conf_x:hs.test".into(),
        room: "!direct:hs.test".into(),
        caller: "@alice:hs.test".into(),
        call: "c1".into(),
        version,
        party: "OURS".into(),
    }
}

fn sdp() -> Sdp {
    Sdp("v=0\r\ns=ä \"quoted\"\r\n".to_owned())
}

fn metadata() -> StreamMetadata {
    let stream = |purpose, audio_muted, video_muted| StreamInfo { purpose, audio_muted, video_muted };
    BTreeMap::from([
        (StreamId::from("mix"), stream(StreamPurpose::UserMedia, false, true)),
        (StreamId::from("screen"), stream(StreamPurpose::ScreenShare, true, false)),
    ])
}

fn reread<T: DeserializeOwned>(content: &impl Serialize) -> T {
    serde_json::from_value(serde_json::to_value(content).unwrap()).unwrap()
}

/// Version and party, as the protocol's version has them.
fn common(version: CallVersion) -> (VoipVersionId, Option<&'static str>) {
    match version {
        CallVersion::V0 => (VoipVersionId::V0, None),
        CallVersion::V1 => (VoipVersionId::V1, Some("OURS")),
    }
}

fn assert_is_our_metadata(read: &BTreeMap<String, call::StreamMetadata>) {
    let read: Vec<_> = read
        .iter()
        .map(|(id, stream)| (id.as_str(), stream.purpose.clone(), stream.audio_muted, stream.video_muted))
        .collect();
    assert_eq!(
        read,
        [
            ("mix", call::StreamPurpose::UserMedia, false, true),
            ("screen", call::StreamPurpose::ScreenShare, true, false)
        ]
    );
}

#[test]
fn answers_are_read_by_ruma() {
    for version in [CallVersion::V0, CallVersion::V1] {
        for streams in [None, Some(metadata())] {
            let read: CallAnswerEventContent = reread(&Answer::new(&to(version), &sdp(), streams.as_ref()));
            let party = read.party_id.as_ref().map(|party| party.as_str());
            assert_eq!((read.version, party), common(version));
            assert_eq!(read.call_id.as_str(), "c1");
            assert_eq!((read.answer.session_type.as_str(), read.answer.sdp), ("answer", sdp().0));
            match streams {
                None => assert!(read.sdp_stream_metadata.is_empty()),
                Some(_) => assert_is_our_metadata(&read.sdp_stream_metadata),
            }
        }
    }
}

#[test]
fn negotiate_answers_are_read_by_ruma() {
    for streams in [None, Some(metadata())] {
        let to = to(CallVersion::V1);
        let read: CallNegotiateEventContent = reread(&Negotiate::answer(&to, &sdp(), streams.as_ref()));
        assert_eq!((read.version, Some(read.party_id.as_str())), common(CallVersion::V1));
        assert_eq!(read.call_id.as_str(), "c1");
        assert_eq!(u64::from(read.lifetime), 60_000);
        assert_eq!((read.description.session_type.as_str(), read.description.sdp), ("answer", sdp().0));
        match streams {
            None => assert!(read.sdp_stream_metadata.is_empty()),
            Some(_) => assert_is_our_metadata(&read.sdp_stream_metadata),
        }
    }
}

#[test]
fn negotiate_offers_are_read_by_ruma() {
    let to = to(CallVersion::V1);
    let read: CallNegotiateEventContent = reread(&Negotiate::offer(&to, &sdp(), &metadata(), Millis(9_500)));
    assert_eq!((read.version, Some(read.party_id.as_str())), common(CallVersion::V1));
    assert_eq!(u64::from(read.lifetime), 9_500);
    assert_eq!((read.description.session_type.as_str(), read.description.sdp), ("offer", sdp().0));
    assert_is_our_metadata(&read.sdp_stream_metadata);
}

#[test]
fn rejects_are_read_by_ruma() {
    let to_v1 = to(CallVersion::V1);
    let (kind, content) = End::reject(&to_v1);
    let read: CallRejectEventContent = reread(&content);
    assert_eq!(kind, "m.call.reject");
    assert_eq!((read.version, Some(read.party_id.as_str())), common(CallVersion::V1));
    assert_eq!(read.call_id.as_str(), "c1");

    let to_v0 = to(CallVersion::V0);
    let (kind, content) = End::reject(&to_v0);
    let read: CallHangupEventContent = reread(&content);
    assert_eq!(kind, "m.call.hangup");
    assert_eq!((read.version, read.party_id), (VoipVersionId::V0, None));
    assert_eq!(read.call_id.as_str(), "c1");
}

#[test]
fn hangups_with_every_reason_are_read_by_ruma() {
    let reasons = [
        (HangupReason::UserHangup, Reason::UserHangup),
        (HangupReason::IceFailed, Reason::IceFailed),
        (HangupReason::IceTimeout, Reason::IceTimeout),
        (HangupReason::InviteTimeout, Reason::InviteTimeout),
        (HangupReason::UserMediaFailed, Reason::UserMediaFailed),
        (HangupReason::UserBusy, Reason::UserBusy),
        (HangupReason::UnknownError, Reason::UnknownError),
    ];
    for (reason, expected) in reasons {
        for version in [CallVersion::V0, CallVersion::V1] {
            let read: CallHangupEventContent = reread(&End::hangup(&to(version), reason));
            let party = read.party_id.as_ref().map(|party| party.as_str());
            assert_eq!((read.version, party), common(version));
            assert_eq!(read.call_id.as_str(), "c1");
            // Version 0 knows two reasons, and their absence, which ruma reads as the user's own hanging up.
            let known = [HangupReason::IceFailed, HangupReason::InviteTimeout].contains(&reason);
            let expected =
                if version == CallVersion::V0 && !known { Reason::UserHangup } else { expected.clone() };
            assert_eq!(read.reason, expected);
        }
    }
}
