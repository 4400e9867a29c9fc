//! What a fuzzer may throw at the adapter, as plain functions of bytes: each panics where something holds no more.
//!
//! Where bytes come from never lives here.

use confocal::conference::{CallKey, Candidate, Input, Millis, PartyId, Sdp, StreamMetadata};
use confocal::ports::{Accepted, Inbox};
use confocal_signalling::{
    Adapter, AdapterConfig, EncodeError, FocusIdScheme, Handled, Secret, TransactionError, UserKind,
};
use ruma_common::owned_server_name;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

const ROOM: &str = "!direct:hs.test";
const ALICE: &str = "@alice:hs.test";
/// Who sends the good events between the others.
const WITNESS: &str = "@witness:hs.test";

/// The types that are read.
pub(crate) const KINDS: [&str; 12] = [
    "m.call.invite",
    "m.call.candidates",
    "m.call.select_answer",
    "m.call.hangup",
    "m.call.reject",
    "m.call.negotiate",
    "m.call.sdp_stream_metadata_changed",
    "org.matrix.call.sdp_stream_metadata_changed",
    "m.room.member",
    "m.room.power_levels",
    "m.room.tombstone",
    "m.room.message",
];

thread_local! {
    static SERVICE: Service = Service::new();
}

/// An application service whose homeserver is never asked.
struct Service {
    runtime: Runtime,
    adapter: Adapter,
}

/// Bytes as the body of a transaction, and each line of them as an event among good ones.
///
/// Any body is taken or refused. In one that is taken each event becomes an input or is skipped with a reason, and a bad event
/// never costs a good one.
pub(crate) fn transaction(bytes: &[u8]) {
    SERVICE.with(|service| {
        if let (Ok(handled), inputs) = service.deliver(bytes) {
            assert_eq!(handled.inputs, inputs.len());
            inputs.iter().for_each(check);
        }
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let events: Vec<&str> = lines
            .filter(|line| serde_json::from_str::<&RawValue>(line).is_ok() && !line.contains("witness"))
            .collect();
        service.deliver_among_good_ones(&events);
    });
}

/// A byte for a type and a text for a content, as an event of Alice.
///
/// It is read the same way each time, what it leads to is bounded and hers, and it never costs a good one.
pub(crate) fn call_event(bytes: &[u8]) {
    let Some((kind, content)) = bytes.split_first() else { return };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    let content = String::from_utf8_lossy(content);
    let content = match serde_json::from_str::<&RawValue>(&content) {
        Ok(content) => content.get().to_owned(),
        Err(_) => Value::from(content).to_string(),
    };
    let state_key = if kind == "m.room.member" { ALICE } else { "" };
    let event = format!(
        r#"{{"type":"{kind}","sender":"{ALICE}","room_id":"{ROOM}","state_key":"{state_key}","content":{content}}}"#
    );
    SERVICE.with(|service| {
        let raw = RawValue::from_string(event.clone()).unwrap();
        let translator = service.adapter.translator();
        let reading = translator.read(&raw);
        assert_eq!(translator.read(&raw), reading);
        if let Ok(input) = &reading.meaning {
            check(input);
            if let Some(key) = call_of(input) {
                assert_eq!((key.caller.as_str(), key.room.as_str()), (ALICE, ROOM));
            }
        }
        let invite = good_invite();
        let read_back = translator.read_back(&ROOM.into(), [&*invite, &*raw, &*invite]);
        assert!(read_back.iter().filter(|input| is_witness(input)).count() == 2);
        if !event.contains("witness") {
            service.deliver_among_good_ones(&[&event]);
        }
    });
}

/// Bytes as a user id, as what follows a prefix, and as a room id.
///
/// Whatever leads to a room leads to the same one when it is written in our own spelling.
pub(crate) fn focus_user(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let scheme = scheme();
    for user in [text.to_string(), format!("@conf_{text}:hs.test"), format!("@fs_{text}:hs.test")] {
        match scheme.classify(&user) {
            UserKind::Focus(group) => match scheme.encode(group.as_str()) {
                Ok(written) => assert_eq!(scheme.classify(written.as_str()), UserKind::Focus(group)),
                Err(error) => assert!(matches!(error, EncodeError::TooLong { .. }), "{user}: {error}"),
            },
            UserKind::Named | UserKind::Undecodable => assert_eq!(scheme.focus(&user), None),
            UserKind::Other => assert!(
                !(user.starts_with("@conf_") && user.ends_with(":hs.test"))
                    || user.len() > 255
                    || text.contains(':')
            ),
        }
    }
    if let Ok(written) = scheme.encode(&text) {
        assert_eq!(scheme.classify(written.as_str()), UserKind::Focus(text.as_ref().into()));
        assert!(written.as_str().len() <= 255);
    }
}

impl Service {
    fn new() -> Self {
        let config = AdapterConfig {
            homeserver_url: "http://127.0.0.1:9".to_owned(),
            as_token: Secret::new("as"),
            hs_token: Secret::new("hs"),
            appservice_id: "confocal".to_owned(),
            sender_localpart: "conference".to_owned(),
            scheme: scheme(),
        };
        Self {
            runtime: Builder::new_current_thread().build().unwrap(),
            adapter: Adapter::new(config).unwrap(),
        }
    }

    /// Handles a body, the driver's part played by hand. Returns the inputs that were committed.
    fn deliver(&self, body: &[u8]) -> (Result<Handled, TransactionError>, Vec<Input>) {
        let (inbox, mut mailbox) = Inbox::new(1);
        let transactions = self.adapter.transactions(inbox);
        self.runtime.block_on(async {
            tokio::join!(async move { transactions.handle_transaction("1", body).await }, async {
                let Some(delivery) = mailbox.next().await else { return Vec::new() };
                delivery.reply.send(Accepted::New).unwrap();
                delivery.batch.inputs
            })
        })
    }

    fn deliver_among_good_ones(&self, events: &[&str]) {
        let good = good_invite().get().to_owned();
        let mut all = vec![good.as_str()];
        for event in events {
            all.extend([*event, good.as_str()]);
        }
        let body = format!(r#"{{"events":[{}]}}"#, all.join(","));
        let (handled, inputs) = self.deliver(body.as_bytes());
        let handled = handled.unwrap_or_else(|error| panic!("{error}: {body}"));
        let witnesses = inputs.iter().filter(|input| is_witness(input)).count();
        assert_eq!(witnesses, events.len() + 1, "a bad event cost a good one: {body}");
        assert_eq!(handled.inputs + handled.skipped.len(), all.len());
        inputs.iter().for_each(check);
    }
}

fn scheme() -> FocusIdScheme {
    FocusIdScheme::new(["conf_", "fs_"], owned_server_name!("hs.test")).unwrap()
}

fn good_invite() -> Box<RawValue> {
    let event = json!({ "type": "m.call.invite", "sender": WITNESS, "room_id": ROOM, "content": {
        "call_id": "c", "party_id": "P", "version": "1", "lifetime": 60_000, "offer": { "type": "offer", "sdp": "v=0" } } });
    RawValue::from_string(event.to_string()).unwrap()
}

fn is_witness(input: &Input) -> bool {
    matches!(input, Input::CallInvited(invite) if invite.key.caller.as_str() == WITNESS)
}

const fn call_of(input: &Input) -> Option<&CallKey> {
    match input {
        Input::CallInvited(invite) => Some(&invite.key),
        Input::CallCandidates { key, .. }
        | Input::CallSelected { key, .. }
        | Input::CallHungUp { key, .. }
        | Input::CallNegotiated { key, .. }
        | Input::CallNegotiateAnswered { key, .. }
        | Input::CallMetadataChanged { key, .. } => Some(key),
        _ => None,
    }
}

/// Whatever a peer can make grow is bounded before the machine sees it.
fn check(input: &Input) {
    if let Some(key) = call_of(input) {
        assert!((1..=255).contains(&key.call.as_str().len()), "{key:?}");
    }
    match input {
        Input::CallInvited(invite) => {
            check_party(invite.party.as_ref());
            check_description(&invite.offer);
            check_lifetime(invite.expires_in);
            invite.metadata.iter().for_each(check_metadata);
        }
        Input::CallNegotiated { party, offer, expires_in, metadata, .. } => {
            check_party(party.as_ref());
            check_description(offer);
            check_lifetime(*expires_in);
            metadata.iter().for_each(check_metadata);
        }
        Input::CallNegotiateAnswered { party, answer, metadata, .. } => {
            check_party(party.as_ref());
            check_description(answer);
            metadata.iter().for_each(check_metadata);
        }
        Input::CallMetadataChanged { metadata, .. } => check_metadata(metadata),
        Input::CallSelected { selected, .. } => check_party(Some(selected)),
        Input::CallHungUp { party, .. } => check_party(party.as_ref()),
        Input::CallCandidates { party, candidates, .. } => {
            check_party(party.as_ref());
            assert!((1..=64).contains(&candidates.len()));
            candidates.iter().for_each(check_candidate);
        }
        Input::FocusInvited { focus, group, .. } => {
            assert_eq!(scheme().classify(focus.as_str()), UserKind::Focus(group.clone()));
        }
        _ => {}
    }
}

fn check_party(party: Option<&PartyId>) {
    assert!(party.is_none_or(|party| (1..=255).contains(&party.as_str().len())), "{party:?}");
}

fn check_description(sdp: &Sdp) {
    assert!((1..=256 * 1024).contains(&sdp.0.len()));
}

fn check_lifetime(left: Millis) {
    assert!((1..=300_000).contains(&left.0), "{left}");
}

fn check_metadata(metadata: &StreamMetadata) {
    assert!(metadata.len() <= 16 && metadata.keys().all(|stream| stream.as_str().len() <= 255));
}

fn check_candidate(candidate: &Candidate) {
    assert!(candidate.line.len() <= 1024 && candidate.mid.as_ref().is_none_or(|mid| mid.len() <= 255));
}
