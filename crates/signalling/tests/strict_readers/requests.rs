//! The table: each kind of request in all its forms.
//!
//! What becomes of a request never lives here.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use confocal::conference::{
    CallAddress, CallVersion, Command, Denial, EndReason, HangupReason, Layout, LayoutChoice, Millis, Notice,
    OfferRefusal, ParticipantId, Present, RecordingEnd, Refusal, Reply, Role, Roll, ScreenNotice, Sdp,
    SignalRequest, Silenced, StreamId, StreamInfo, StreamMetadata, StreamPurpose, Timestamp, Whom,
};

use crate::support::{ALICE, DIRECT, FOCUS, GROUP};

/// An answer such as our engine writes it, with the line ends and the stream of one.
const SDP: &str = "v=0\r\no=- 1 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
    c=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=msid:mix voice\r\na=rtpmap:111 opus/48000/2\r\n";

/// An offer of ours in a running call: a second line of pictures, in a stream of its own, for another's screen.
const SCREEN_SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=msid:mix voice\r\n\
    a=rtpmap:111 opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n\
    a=msid:mix picture\r\na=rtpmap:96 VP8/90000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n\
    a=sendonly\r\na=msid:screen picture\r\na=rtpmap:96 VP8/90000\r\n";

const REASONS: [HangupReason; 7] = [
    HangupReason::UserHangup,
    HangupReason::IceFailed,
    HangupReason::IceTimeout,
    HangupReason::InviteTimeout,
    HangupReason::UserMediaFailed,
    HangupReason::UserBusy,
    HangupReason::UnknownError,
];

/// Every request in every form.
pub(crate) fn every_request() -> Vec<SignalRequest> {
    let mut all = vec![
        SignalRequest::JoinGroup { focus: FOCUS.into(), room: GROUP.into(), via: vec!["else.test".into()] },
        SignalRequest::JoinDirect {
            focus: FOCUS.into(),
            group: GROUP.into(),
            room: DIRECT.into(),
            via: vec![],
        },
        SignalRequest::Leave { focus: FOCUS.into(), room: GROUP.into() },
        SignalRequest::AskAdmission {
            focus: FOCUS.into(),
            group: GROUP.into(),
            direct: DIRECT.into(),
            member: ALICE.into(),
            expires: later(),
        },
        SignalRequest::CompareMembers {
            focus: FOCUS.into(),
            room: GROUP.into(),
            members: [ALICE.into()].into(),
            expires: later(),
        },
    ];
    for version in [CallVersion::V0, CallVersion::V1] {
        let to = || to(version);
        all.push(SignalRequest::NegotiateOffer {
            to: to(),
            offer: sdp(),
            streams: streams(),
            expires: later(),
        });
        let info = StreamInfo { purpose: StreamPurpose::ScreenShare, audio_muted: true, video_muted: false };
        let mut both = streams();
        both.insert("screen".into(), info);
        all.push(SignalRequest::NegotiateOffer {
            to: to(),
            offer: Sdp(SCREEN_SDP.to_owned()),
            streams: both,
            expires: later(),
        });
        all.push(SignalRequest::DescribeStreams { to: to(), streams: streams(), expires: later() });
        for streams in [None, Some(streams())] {
            let (answer, expires) = (sdp(), later());
            all.push(SignalRequest::NegotiateAnswer {
                to: to(),
                answer: answer.clone(),
                streams: streams.clone(),
                expires,
            });
            all.push(SignalRequest::Answer { to: to(), answer, streams, expires });
        }
        all.push(SignalRequest::Reject { to: to() });
        all.extend(REASONS.map(|reason| SignalRequest::Hangup { to: to(), reason }));
    }
    let notice = |notice| SignalRequest::Notice { focus: FOCUS.into(), room: DIRECT.into(), notice };
    all.extend(notices().into_iter().map(notice));
    all
}

/// The call that a request is about.
pub(crate) const fn address(request: &SignalRequest) -> Option<&CallAddress> {
    match request {
        SignalRequest::Answer { to, .. }
        | SignalRequest::NegotiateAnswer { to, .. }
        | SignalRequest::NegotiateOffer { to, .. }
        | SignalRequest::DescribeStreams { to, .. }
        | SignalRequest::Reject { to }
        | SignalRequest::AssertIdentity { to, .. }
        | SignalRequest::Hangup { to, .. } => Some(to),
        SignalRequest::JoinGroup { .. }
        | SignalRequest::JoinDirect { .. }
        | SignalRequest::JoinAsBot { .. }
        | SignalRequest::Leave { .. }
        | SignalRequest::LeaveIfAlone { .. }
        | SignalRequest::InviteFocus { .. }
        | SignalRequest::Announce { .. }
        | SignalRequest::CountOut { .. }
        | SignalRequest::AskAdmission { .. }
        | SignalRequest::CompareMembers { .. }
        | SignalRequest::AskRooms { .. }
        | SignalRequest::Notice { .. } => None,
    }
}

/// One notice of each kind; the words of each reason are `words`'s own matter.
fn notices() -> Vec<Notice> {
    let group = || GROUP.into();
    let present = Present {
        participant: ParticipantId(1),
        member: ALICE.into(),
        role: Role::Moderator,
        silenced: Some(Silenced::Audience),
        muted: true,
        hand: Some(1),
        speaking: true,
        camera: true,
        poor_connection: true,
        calls: 2,
    };
    let recorded_by = Some(ALICE.into());
    let roll = Roll {
        total: 7,
        present: vec![present],
        locked: true,
        audience: true,
        recorded_by,
        layout: Layout::Grid,
        layout_wanted: LayoutChoice::Auto,
        screen_of: Some(ALICE.into()),
    };
    vec![
        Notice::Refused { why: Refusal::Offer(OfferRefusal::NoCommonCodec), group: group() },
        Notice::FellBack { group: group() },
        Notice::Screen { group: group(), notice: ScreenNotice::Waits { by: ALICE.into() } },
        Notice::Encrypted { group: group() },
        Notice::GroupEncrypted { group: group() },
        Notice::Ended { why: EndReason::Kicked, group: group() },
        Notice::RoomReplaced { group: group(), by: "!new:hs.test".into() },
        Notice::Joined {
            group: group(),
            others: 2,
            silenced: Some(Silenced::Audience),
            recorded_by: Some(ALICE.into()),
        },
        Notice::RecordingStarted { group: group(), by: ALICE.into() },
        Notice::RecordingStopped { group: group(), why: RecordingEnd::Empty },
        Notice::Welcome { group: group(), focus: Some(FOCUS.into()), encrypted: false },
        Notice::Deaf { group: group() },
        Notice::Began { group: group(), by: ALICE.into() },
        Notice::Over { group: group(), lasted: Millis(61_000) },
        Notice::Voice { group: group(), silenced: None },
        Notice::Reply {
            group: group(),
            command: Command::Start,
            reply: Reply::MayNotInvite { focus: FOCUS.into(), ask: vec![ALICE.into()] },
        },
        Notice::Reply { group: group(), command: Command::Who, reply: Reply::Who(roll) },
        Notice::Reply {
            group: group(),
            command: Command::Mute(Whom::Everyone),
            reply: Reply::Denied(Denial::NotAModerator),
        },
    ]
}

fn to(version: CallVersion) -> CallAddress {
    CallAddress {
        focus: FOCUS.into(),
        room: DIRECT.into(),
        caller: ALICE.into(),
        call: "c1466783427238".into(),
        version,
        party: "k7q2hd9xwm".into(),
    }
}

fn sdp() -> Sdp {
    Sdp(SDP.to_owned())
}

fn streams() -> StreamMetadata {
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
    BTreeMap::from([(StreamId::from("mix"), info)])
}

/// Late enough for all of this test.
fn later() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_millis(u64::try_from(since_epoch.as_millis()).unwrap()) + Millis::from_secs(600)
}
