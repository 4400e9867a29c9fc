//! What the machine asks for, as the homeserver sees it, and what its answers come to.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use confocal::conference::{
    Admission, CallAddress, CallVersion, HangupReason, Input, Notice, Refusal, RequestFailure, RequestId,
    RequestOutcome, RoomKey, Sdp, SignalRequest, StreamId, StreamInfo, StreamMetadata, StreamPurpose,
    Timestamp,
};
use confocal::ports::{Order, Performed, SendError, Signalling};
use confocal_signalling::{Adapter, words_of};
use serde_json::{Value, json};
use support::{ALICE, AS_TOKEN, DIRECT, FOCUS, FakeHomeserver, GROUP, adapter};

/// The focus user in a query.
const AS_FOCUS: &str = "user_id=%40fs_IWFiYzplRVQ%3Ahs.test";

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("POST /join/*", 200, json!({ "room_id": GROUP }));
    homeserver.on("PUT /profile/*", 200, json!({}));
    homeserver.on("PUT /rooms/*", 200, json!({ "event_id": "$sent" }));
    (homeserver, adapter(&url))
}

async fn perform(adapter: &Adapter, request: SignalRequest) -> Result<Performed, SendError> {
    let order = Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false };
    adapter.perform(&order).await
}

fn join_group() -> SignalRequest {
    SignalRequest::JoinGroup {
        focus: FOCUS.into(),
        room: GROUP.into(),
        via: vec!["else.test".into(), "no name".into()],
    }
}

fn join_direct() -> SignalRequest {
    SignalRequest::JoinDirect { focus: FOCUS.into(), group: GROUP.into(), room: DIRECT.into(), via: vec![] }
}

fn leave() -> SignalRequest {
    SignalRequest::Leave { focus: FOCUS.into(), room: GROUP.into() }
}

fn ask(member: &str) -> SignalRequest {
    SignalRequest::AskAdmission {
        focus: FOCUS.into(),
        group: GROUP.into(),
        direct: DIRECT.into(),
        member: member.into(),
        expires: Timestamp::from_unix_millis(1),
    }
}

fn to(version: CallVersion) -> CallAddress {
    CallAddress {
        focus: FOCUS.into(),
        room: DIRECT.into(),
        caller: ALICE.into(),
        call: "c1".into(),
        version,
        party: "OURS".into(),
    }
}

fn is_done(performed: Result<Performed, SendError>) {
    let performed = performed.unwrap();
    assert_eq!((performed.outcome, performed.learnt), (RequestOutcome::Done, vec![]));
}

fn failure(performed: Result<Performed, SendError>) -> RequestFailure {
    match performed {
        Err(SendError::Final { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn joining_a_group_registers_joins_and_then_names() {
    let (homeserver, adapter) = start().await;
    homeserver.on("GET /rooms/!abc:eET/state/m.room.name/", 200, json!({ "name": " Tea room " }));
    is_done(perform(&adapter, join_group()).await);
    let plain = format!("PUT /profile/{FOCUS}/displayname");
    let before = homeserver.paths();
    assert_eq!(before[..3], ["POST /register".to_owned(), plain.clone(), "POST /join/!abc:eET".to_owned()]);
    let join = &homeserver.asked()[2];
    assert_eq!(join.token, AS_TOKEN);
    assert_eq!(join.query, format!("via=else.test&server_name=else.test&{AS_FOCUS}"));

    homeserver.wait_for("GET /rooms/!abc:eET/state/m.room.canonical_alias/").await;
    let names = || {
        let asked = homeserver.asked().into_iter().filter(|asked| asked.what == plain);
        asked.map(|asked| asked.body["displayname"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    while names().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(names(), ["Conference", "Conference: Tea room"]);
}

#[tokio::test]
async fn a_join_elsewhere_that_is_refused_because_the_invitation_is_not_stored_there_yet_is_made_again() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /join/*", 403, json!({ "errcode": "M_FORBIDDEN", "error": "not invited" }));
    let (joined, ()) = tokio::join!(perform(&adapter, join_group()), async {
        homeserver.wait_for("POST /join/!abc:eET").await;
        homeserver.on("POST /join/*", 200, json!({ "room_id": GROUP }));
    });
    is_done(joined);
}

#[tokio::test]
async fn a_focus_user_is_asked_for_its_rooms_in_its_own_name() {
    let (homeserver, adapter) = start().await;
    homeserver.on("GET /joined_rooms", 200, json!({ "joined_rooms": [GROUP, DIRECT] }));
    let ask = || SignalRequest::AskRooms { focus: FOCUS.into(), group: GROUP.into() };
    let performed = perform(&adapter, ask()).await.unwrap();
    assert_eq!(performed.outcome, RequestOutcome::Rooms([GROUP.into(), DIRECT.into()].into()));
    assert_eq!(homeserver.asked()[0].query, AS_FOCUS);

    homeserver.on("GET /joined_rooms", 403, json!({ "errcode": "M_FORBIDDEN", "error": "no such user" }));
    assert_eq!(failure(perform(&adapter, ask()).await), RequestFailure::Forbidden);
}

#[tokio::test]
async fn a_user_is_registered_once_also_when_it_was_there_before() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /register", 400, json!({ "errcode": "M_USER_IN_USE", "error": "taken" }));
    let (one, other) = tokio::join!(perform(&adapter, join_group()), perform(&adapter, join_group()));
    is_done(one);
    is_done(other);
    is_done(perform(&adapter, join_group()).await);
    let registered = homeserver.paths().iter().filter(|path| *path == "POST /register").count();
    assert_eq!(registered, 1);
}

#[tokio::test]
async fn a_refused_registration_is_tried_again_the_next_time() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /register", 403, json!({ "errcode": "M_EXCLUSIVE", "error": "no" }));
    assert_eq!(failure(perform(&adapter, join_group()).await), RequestFailure::Forbidden);
    homeserver.on("POST /register", 200, json!({ "user_id": FOCUS }));
    is_done(perform(&adapter, join_group()).await);
}

#[tokio::test]
async fn a_display_name_that_is_refused_hinders_nothing() {
    let (homeserver, adapter) = start().await;
    homeserver.on("PUT /profile/*", 500, json!({ "errcode": "M_UNKNOWN", "error": "no" }));
    is_done(perform(&adapter, join_group()).await);
}

#[tokio::test]
async fn errors_are_told_as_passing_or_lasting() {
    let (homeserver, adapter) = start().await;
    let refuse = |status, errcode| {
        homeserver.on("POST /join/*", status, json!({ "errcode": errcode, "error": "for @alice:hs.test" }));
    };
    for (status, errcode, expected) in [
        (403, "M_FORBIDDEN", RequestFailure::Forbidden),
        (404, "M_NOT_FOUND", RequestFailure::NotFound),
        (400, "M_BAD_JSON", RequestFailure::Rejected),
        (413, "M_TOO_LARGE", RequestFailure::Rejected),
        // Of a remote server, passed on.
        (401, "M_UNAUTHORIZED", RequestFailure::Rejected),
    ] {
        refuse(status, errcode);
        assert_eq!(failure(perform(&adapter, join_group()).await), expected, "{status}");
    }
    for (status, errcode) in [
        (500, "M_UNKNOWN"),
        (502, "M_UNKNOWN"),
        (408, "M_UNKNOWN"),
        (429, "M_UNKNOWN"),
        // A wrong as_token must not drop what is queued.
        (401, "M_UNKNOWN_TOKEN"),
        (401, "M_MISSING_TOKEN"),
    ] {
        refuse(status, errcode);
        let Err(SendError::Retry { after: None, reached, why }) = perform(&adapter, join_group()).await
        else {
            panic!("{status}");
        };
        assert!(why.contains(&status.to_string()) && !why.contains("alice"), "{why}");
        assert_eq!(reached, status >= 500, "of the others the homeserver says nothing of what was asked");
    }
    let limit = json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1500 });
    homeserver.on("POST /join/*", 429, limit);
    let limited = perform(&adapter, join_group()).await;
    let Err(SendError::Retry { after: Some(after), .. }) = limited else { panic!("{limited:?}") };
    assert_eq!(after, Duration::from_millis(1500));
}

#[tokio::test]
async fn a_wrong_token_is_passing_at_a_registration_too() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /register", 401, json!({ "errcode": "M_UNKNOWN_TOKEN", "error": "who are you?" }));
    let refused = perform(&adapter, join_group()).await;
    assert!(matches!(refused, Err(SendError::Retry { .. })), "{refused:?}");
}

#[tokio::test]
async fn nobody_there_is_passing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = perform(&adapter(&url), join_group()).await;
    assert!(matches!(refused, Err(SendError::Retry { after: None, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_proxys_page_is_passing_or_lasting_by_its_status() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /join/*", 200, json!("<html>"));
    let odd = perform(&adapter, join_group()).await;
    assert!(matches!(odd, Err(SendError::Retry { .. })), "{odd:?}");
}

fn call_event(kind: &str, call: &str, age: u64) -> Value {
    json!({
        "type": kind, "sender": ALICE, "room_id": DIRECT, "event_id": "$e", "unsigned": { "age": age },
        "content": { "call_id": call, "party_id": "P", "version": "1", "lifetime": 60000,
            "offer": { "type": "offer", "sdp": "v=0" }, "candidates": [{ "candidate": "candidate:1" }] },
    })
}

#[tokio::test]
async fn joining_a_direct_room_reads_back_its_calls_oldest_first() {
    let (homeserver, adapter) = start().await;
    // As the homeserver gives them: the newest first.
    let chunk = [
        call_event("m.call.hangup", "second", 1000),
        json!({ "type": "m.room.message" }),
        call_event("m.call.candidates", "second", 2000),
        call_event("m.call.invite", "second", 3000),
        call_event("m.call.invite", "first", 61_000),
    ];
    homeserver.on("GET /rooms/!direct:hs.test/messages", 200, json!({ "start": "s", "chunk": chunk }));
    let performed = perform(&adapter, join_direct()).await.unwrap();
    assert_eq!(performed.outcome, RequestOutcome::Done);
    let names: Vec<&str> = performed
        .learnt
        .iter()
        .map(|input| match input {
            Input::CallInvited(invite) if invite.expires_in.0 == 57_000 => "invited",
            Input::CallCandidates { .. } => "candidates",
            Input::CallHungUp { .. } => "hung up",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["invited", "candidates", "hung up"]);
    let messages = homeserver.asked().into_iter().find(|asked| asked.what.ends_with("/messages")).unwrap();
    assert_eq!(messages.query, format!("dir=b&limit=50&{AS_FOCUS}"));
}

#[tokio::test]
async fn a_direct_room_that_cannot_be_read_is_joined_all_the_same() {
    let (homeserver, adapter) = start().await;
    let messages = "GET /rooms/!direct:hs.test/messages";
    homeserver.on(messages, 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
    is_done(perform(&adapter, join_direct()).await);
    homeserver.on(messages, 502, json!({}));
    let passing = perform(&adapter, join_direct()).await;
    assert!(matches!(passing, Err(SendError::Retry { .. })), "{passing:?}");
}

#[tokio::test]
async fn leaving_where_one_is_not_is_done() {
    let (homeserver, adapter) = start().await;
    let left = "POST /rooms/!abc:eET/leave";
    for (status, errcode) in [(200, ""), (403, "M_FORBIDDEN"), (404, "M_UNKNOWN")] {
        homeserver.on(left, status, json!({ "errcode": errcode, "error": "not there" }));
        is_done(perform(&adapter, leave()).await);
    }
    homeserver.on(left, 404, json!("a proxy's page"));
    assert_eq!(failure(perform(&adapter, leave()).await), RequestFailure::NotFound);
    homeserver.on(left, 503, json!({}));
    assert!(matches!(perform(&adapter, leave()).await, Err(SendError::Retry { .. })));
    assert_eq!(homeserver.paths()[0], "POST /register", "who does not exist can't decline");
}

#[tokio::test]
async fn a_user_whose_id_names_no_room_can_decline() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /rooms/!direct:hs.test/leave", 200, json!({}));
    let odd = SignalRequest::Leave { focus: "@fs_odd:hs.test".into(), room: DIRECT.into() };
    is_done(perform(&adapter, odd).await);
    assert_eq!(homeserver.asked()[0].body["username"], "fs_odd", "who does not exist can't decline");
    let leave = homeserver.asked().pop().unwrap();
    assert_eq!(leave.what, "POST /rooms/!direct:hs.test/leave");
    assert_eq!(leave.query, "user_id=%40fs_odd%3Ahs.test");
}

fn member_path(user: &str) -> String {
    format!("GET /rooms/!abc:eET/state/m.room.member/{user}")
}

async fn admission_fixture() -> (FakeHomeserver, Adapter) {
    let (homeserver, adapter) = start().await;
    homeserver.on(&member_path(FOCUS), 200, json!({ "membership": "join" }));
    homeserver.on(&member_path(ALICE), 200, json!({ "membership": "join" }));
    let joined = json!({ "joined": { FOCUS: {}, ALICE: {}, "@helper:hs.test": {} } });
    homeserver.on("GET /rooms/!direct:hs.test/joined_members", 200, joined);
    homeserver.on(
        "GET /rooms/!direct:hs.test/state/io.element.functional_members/",
        200,
        json!({ "service_members": ["@helper:hs.test", "@gone:hs.test", FOCUS] }),
    );
    (homeserver, adapter)
}

fn admission(performed: Result<Performed, SendError>) -> Admission {
    match performed.unwrap().outcome {
        RequestOutcome::Admission(admission) => admission,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn admission_is_for_joined_members() {
    let (homeserver, adapter) = admission_fixture().await;
    assert_eq!(
        admission(perform(&adapter, ask(ALICE)).await),
        Admission { joined: true, direct_members: 2, name: None }
    );
    for membership in ["leave", "ban", "invite", "knock"] {
        homeserver.on(&member_path(ALICE), 200, json!({ "membership": membership }));
        assert!(!admission(perform(&adapter, ask(ALICE)).await).joined, "{membership}");
    }
    for (status, errcode) in [(404, "M_NOT_FOUND"), (403, "M_FORBIDDEN")] {
        homeserver.on(&member_path(ALICE), status, json!({ "errcode": errcode, "error": "no" }));
        assert!(!admission(perform(&adapter, ask(ALICE)).await).joined, "{status}");
    }
    assert!(homeserver.asked().iter().all(|asked| asked.query == AS_FOCUS));
}

#[tokio::test]
async fn without_functional_members_everyone_counts() {
    let (homeserver, adapter) = admission_fixture().await;
    homeserver.on(
        "GET /rooms/!direct:hs.test/state/io.element.functional_members/",
        404,
        json!({ "errcode": "M_NOT_FOUND", "error": "none" }),
    );
    assert_eq!(admission(perform(&adapter, ask(ALICE)).await).direct_members, 3);
}

#[tokio::test]
async fn a_focus_that_is_not_in_the_group_room_admits_nobody() {
    let (homeserver, adapter) = admission_fixture().await;
    // A room that one has left still answers, with the members of that time.
    homeserver.on(&member_path(FOCUS), 200, json!({ "membership": "leave" }));
    assert_eq!(failure(perform(&adapter, ask(ALICE)).await), RequestFailure::Forbidden);
    homeserver.on(&member_path(FOCUS), 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
    assert_eq!(failure(perform(&adapter, ask(ALICE)).await), RequestFailure::Forbidden);
}

#[tokio::test]
async fn a_question_that_was_not_answered_is_asked_again() {
    let (homeserver, adapter) = admission_fixture().await;
    for path in
        [member_path(ALICE), member_path(FOCUS), "GET /rooms/!direct:hs.test/joined_members".to_owned()]
    {
        let (homeserver_again, adapter_again) = admission_fixture().await;
        homeserver_again.on(&path, 503, json!({}));
        let passing = perform(&adapter_again, ask(ALICE)).await;
        assert!(matches!(passing, Err(SendError::Retry { .. })), "{path}: {passing:?}");
    }
    homeserver.on(
        "GET /rooms/!direct:hs.test/joined_members",
        403,
        json!({ "errcode": "M_FORBIDDEN", "error": "no" }),
    );
    assert_eq!(failure(perform(&adapter, ask(ALICE)).await), RequestFailure::Forbidden);
}

#[tokio::test]
async fn a_name_with_escapes_is_not_read_as_another() {
    let (_homeserver, adapter) = admission_fixture().await;
    // The homeserver decodes `%6C` to `l`. Whoever calls under this name is not the member Alice.
    assert!(!admission(perform(&adapter, ask("@a%6Cice:hs.test")).await).joined);
    // A name that would leave the path.
    assert!(!admission(perform(&adapter, ask("@x/../@alice:hs.test")).await).joined);
    assert!(!admission(perform(&adapter, ask("@alice:hs.test?x=")).await).joined);
}

#[tokio::test]
async fn what_is_sent_is_what_clients_read() {
    let (homeserver, adapter) = start().await;
    let sdp = || Sdp("v=0 answer".to_owned());
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
    let streams: StreamMetadata = BTreeMap::from([(StreamId::from("mix"), info)]);
    let metadata = json!({ "mix": { "purpose": "m.usermedia", "audio_muted": false, "video_muted": true } });
    let expires = Timestamp::from_unix_millis(1);
    let capabilities = json!({ "m.call.transferee": false, "m.call.dtmf": false });
    let description = json!({ "type": "answer", "sdp": "v=0 answer" });
    let answer =
        |version, streams| SignalRequest::Answer { to: to(version), answer: sdp(), streams, expires };
    let hangup = |version, reason| SignalRequest::Hangup { to: to(version), reason };
    let notice = Notice::Refused { why: Refusal::NotAMember, group: RoomKey::from(GROUP) };
    let (v0, v1) = (CallVersion::V0, CallVersion::V1);
    let cases = [
        (
            answer(v1, Some(streams.clone())),
            "m.call.answer",
            json!({ "call_id": "c1", "version": "1", "party_id": "OURS", "answer": description,
                "capabilities": capabilities, "sdp_stream_metadata": metadata,
                "org.matrix.msc3077.sdp_stream_metadata": metadata }),
        ),
        (
            answer(v1, None),
            "m.call.answer",
            json!({ "call_id": "c1", "version": "1", "party_id": "OURS", "answer": description,
                "capabilities": capabilities }),
        ),
        (
            answer(v0, None),
            "m.call.answer",
            json!({ "call_id": "c1", "version": 0, "answer": description, "capabilities": capabilities }),
        ),
        (
            SignalRequest::NegotiateAnswer { to: to(v1), answer: sdp(), streams: Some(streams), expires },
            "m.call.negotiate",
            json!({ "call_id": "c1", "version": "1", "party_id": "OURS", "description": description,
                "lifetime": 60000, "sdp_stream_metadata": metadata,
                "org.matrix.msc3077.sdp_stream_metadata": metadata }),
        ),
        (
            SignalRequest::Reject { to: to(v1) },
            "m.call.reject",
            json!({ "call_id": "c1", "version": "1", "party_id": "OURS" }),
        ),
        (SignalRequest::Reject { to: to(v0) }, "m.call.hangup", json!({ "call_id": "c1", "version": 0 })),
        (
            hangup(v1, HangupReason::UserHangup),
            "m.call.hangup",
            json!({ "call_id": "c1", "version": "1", "party_id": "OURS", "reason": "user_hangup" }),
        ),
        (hangup(v0, HangupReason::UserHangup), "m.call.hangup", json!({ "call_id": "c1", "version": 0 })),
        (
            hangup(v0, HangupReason::IceFailed),
            "m.call.hangup",
            json!({ "call_id": "c1", "version": 0, "reason": "ice_failed" }),
        ),
        (
            SignalRequest::Notice { focus: FOCUS.into(), room: DIRECT.into(), notice: notice.clone() },
            "m.room.message",
            json!({ "msgtype": "m.notice", "body": words_of(&notice) }),
        ),
    ];
    for (request, kind, content) in cases {
        is_done(perform(&adapter, request).await);
        let sent = homeserver.asked().pop().unwrap();
        assert_eq!(sent.what, format!("PUT /rooms/!direct:hs.test/send/{kind}/nonce.7"));
        assert_eq!(sent.body, content);
        assert_eq!((sent.query.as_str(), sent.token.as_str()), (AS_FOCUS, AS_TOKEN));
    }
    for late in [
        SignalRequest::NegotiateOffer { to: to(v1), offer: sdp(), streams: StreamMetadata::new(), expires },
        SignalRequest::NegotiateOffer { to: to(v0), offer: sdp(), streams: StreamMetadata::new(), expires },
    ] {
        let v1 = matches!(&late, SignalRequest::NegotiateOffer { to, .. } if to.version == v1);
        let expected = if v1 { RequestFailure::Expired } else { RequestFailure::Rejected };
        assert_eq!(failure(perform(&adapter, late).await), expected);
    }
    let never = SignalRequest::NegotiateAnswer { to: to(v0), answer: sdp(), streams: None, expires };
    let asked = homeserver.asked().len();
    assert_eq!(failure(perform(&adapter, never).await), RequestFailure::Rejected);
    assert_eq!(homeserver.asked().len(), asked);
}

#[tokio::test]
async fn an_offer_of_ours_tells_how_long_it_is_of_use() {
    let (homeserver, adapter) = start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let expires = Timestamp::from_unix_millis(u64::try_from(now.as_millis()).unwrap() + 600_000);
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: true };
    is_done(
        perform(
            &adapter,
            SignalRequest::NegotiateOffer {
                to: to(CallVersion::V1),
                offer: Sdp("v=0 offer".to_owned()),
                streams: BTreeMap::from([(StreamId::from("mix"), info)]),
                expires,
            },
        )
        .await,
    );
    let mut sent = homeserver.asked().pop().unwrap();
    assert_eq!(sent.what, "PUT /rooms/!direct:hs.test/send/m.call.negotiate/nonce.7");
    let lifetime = sent.body["lifetime"].take().as_u64().unwrap();
    assert!((300_000..=600_000).contains(&lifetime), "{lifetime}");
    let metadata = json!({ "mix": { "purpose": "m.usermedia", "audio_muted": false, "video_muted": true } });
    assert_eq!(
        sent.body,
        json!({ "call_id": "c1", "version": "1", "party_id": "OURS", "lifetime": null,
            "description": { "type": "offer", "sdp": "v=0 offer" },
            "sdp_stream_metadata": metadata, "org.matrix.msc3077.sdp_stream_metadata": metadata })
    );
}

#[tokio::test]
async fn names_that_are_none_are_rejected_unasked() {
    let (homeserver, adapter) = start().await;
    for request in [
        SignalRequest::Leave { focus: "focus".into(), room: GROUP.into() },
        SignalRequest::Leave { focus: FOCUS.into(), room: "room".into() },
    ] {
        assert_eq!(failure(perform(&adapter, request).await), RequestFailure::Rejected);
    }
    assert!(homeserver.asked().is_empty());
}

#[tokio::test]
async fn a_ping_tells_how_long_the_way_is() {
    let (homeserver, adapter) = start().await;
    let path = "POST /_matrix/client/v1/appservice/confocal/ping";
    homeserver.on(path, 200, json!({ "duration_ms": 10 }));
    assert_eq!(adapter.ping().await.unwrap(), Duration::from_millis(10));
    homeserver.on(path, 502, json!({ "errcode": "M_CONNECTION_FAILED", "error": "no", "status": 0 }));
    let error = adapter.ping().await.unwrap_err();
    assert_eq!(error.to_string(), "the homeserver answered 502 M_CONNECTION_FAILED");
}
