//! Every event that is sent, put before readers who know it by its specification or by their own code, and not by ours.
//!
//! One table has every request of the machine, in both versions of the protocol, with and without stream metadata. A reader is a
//! function from an event to what it objects to; each names the source of its rules. What a client does next with an event that
//! it can read is tested in `clients`.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod android;
mod dart;
mod field;
mod grammar;
mod ios;
mod js_sdk;
mod nheko;
mod requests;
mod ruma;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with tests that ask for more of it")]
mod support;

use confocal::conference::{CallVersion, RequestId, SignalRequest};
use confocal::ports::{Order, SendError, Signalling};
use requests::every_request;
use serde_json::{Value, json};
use support::FakeHomeserver;

/// An event as a client gets it.
struct Sent {
    kind: String,
    content: Value,
}

/// Says what it objects to.
type Reader = fn(&Sent) -> Result<(), String>;

/// Everyone who may be sent an event, and in which versions they place calls.
const READERS: [(&str, Reader, &[CallVersion]); 7] = [
    ("the specification's grammar", grammar::read, &[CallVersion::V0, CallVersion::V1]),
    ("ruma-events", ruma::read, &[CallVersion::V0, CallVersion::V1]),
    ("matrix-js-sdk", js_sdk::read, &[CallVersion::V0, CallVersion::V1]),
    ("nheko", nheko::read, &[CallVersion::V0, CallVersion::V1]),
    ("Element Android", android::read, &[CallVersion::V0, CallVersion::V1]),
    ("Element iOS", ios::read, &[CallVersion::V0, CallVersion::V1]),
    // It places calls of version 1 only, and takes the party id for granted.
    ("matrix-dart-sdk", dart::read, &[CallVersion::V1]),
];

#[tokio::test]
async fn every_event_is_accepted_by_every_reader() {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("PUT /*", 200, json!({ "event_id": "$sent" }));
    let adapter = support::adapter(&url);
    let mut sent_kinds = std::collections::BTreeSet::new();
    for request in every_request() {
        let version = version(&request);
        let order = Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false };
        let before = homeserver.asked().len();
        let performed = adapter.perform(&order).await;
        let events: Vec<Sent> = homeserver.asked().into_iter().skip(before).filter_map(sent).collect();
        let request = order.request;
        assert_eq!(events.len(), usize::from(says_something(&request)), "{request:?}");
        if let (true, Err(SendError::Retry { why, .. } | SendError::Final { why, .. })) =
            (says_something(&request), performed)
        {
            panic!("{request:?}: {why}");
        }
        for event in events {
            for (name, read, versions) in READERS {
                if !versions.contains(&version) {
                    continue;
                }
                if let Err(objection) = read(&event) {
                    panic!("{name} can't read what {request:?} sends: {objection}\n{:#}", event.content);
                }
            }
            sent_kinds.insert(event.kind);
        }
    }
    let kinds: Vec<&str> = sent_kinds.iter().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "m.call.answer",
            "m.call.hangup",
            "m.call.negotiate",
            "m.call.reject",
            "m.call.sdp_stream_metadata_changed",
            "m.room.message"
        ]
    );
}

/// The event in a request of ours to the homeserver, if there is one.
fn sent(asked: support::Asked) -> Option<Sent> {
    let (_, rest) = asked.what.strip_prefix("PUT /rooms/")?.split_once("/send/")?;
    let (kind, _) = rest.split_once('/')?;
    Some(Sent { kind: kind.to_owned(), content: asked.body })
}

/// The version of the call that a request is about; whatever is about none is read by everyone.
fn version(request: &SignalRequest) -> CallVersion {
    requests::address(request).map_or(CallVersion::V1, |to| to.version)
}

/// Whether an event comes of a request: version 0 is never sent what it does not know.
fn says_something(request: &SignalRequest) -> bool {
    match request {
        SignalRequest::JoinGroup { .. }
        | SignalRequest::JoinDirect { .. }
        | SignalRequest::JoinAsBot { .. }
        | SignalRequest::Leave { .. }
        | SignalRequest::AskRooms { .. }
        | SignalRequest::LeaveIfAlone { .. }
        | SignalRequest::InviteFocus { .. }
        | SignalRequest::Announce { .. }
        | SignalRequest::CountOut { .. }
        | SignalRequest::CompareMembers { .. }
        | SignalRequest::AskAdmission { .. } => false,
        SignalRequest::NegotiateAnswer { to, .. }
        | SignalRequest::NegotiateOffer { to, .. }
        | SignalRequest::DescribeStreams { to, .. } => to.version == CallVersion::V1,
        SignalRequest::Answer { .. }
        | SignalRequest::AssertIdentity { .. }
        | SignalRequest::Reject { .. }
        | SignalRequest::Hangup { .. }
        | SignalRequest::Notice { .. } => true,
    }
}
