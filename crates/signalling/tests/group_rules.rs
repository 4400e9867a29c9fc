//! What a group room's own rules come to: roles from its power levels and creators, and the room that replaced it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use confocal::conference::{Input, RequestId, RequestOutcome, Role, SignalRequest, Timestamp};
use confocal::ports::{Accepted, Inbox, Order, Performed, SendError, Signalling};
use confocal_signalling::Adapter;
use serde_json::{Value, json};
use support::{ALICE, DIRECT, FOCUS, FakeHomeserver, GROUP, adapter};

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("POST /join/*", 200, json!({ "room_id": GROUP }));
    homeserver.on("PUT /profile/*", 200, json!({}));
    (homeserver, adapter(&url))
}

async fn perform(adapter: &Adapter, request: SignalRequest) -> Result<Performed, SendError> {
    let order = Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false };
    adapter.perform(&order).await
}

fn join_group() -> SignalRequest {
    SignalRequest::JoinGroup { focus: FOCUS.into(), room: GROUP.into(), via: vec![] }
}

fn roles(members: &[(&str, Role)]) -> Input {
    let members = members.iter().map(|(member, role)| ((*member).into(), *role)).collect();
    Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members }
}

async fn learnt(adapter: &Adapter) -> Vec<Input> {
    let performed = perform(adapter, join_group()).await.unwrap();
    assert_eq!(performed.outcome, RequestOutcome::Done);
    performed.learnt
}

const LEVELS: &str = "GET /rooms/!abc:eET/state/m.room.power_levels/";
const CREATE: &str = "GET /rooms/!abc:eET/state/m.room.create/";
const ENCRYPTION: &str = "GET /rooms/!abc:eET/state/m.room.encryption/";
const TOMBSTONE: &str = "GET /rooms/!abc:eET/state/m.room.tombstone/";

fn create(version: &str) -> Value {
    json!({ "type": "m.room.create", "sender": "@founder:x", "state_key": "",
        "content": { "room_version": version, "additional_creators": ["@other:x"] } })
}

#[tokio::test]
async fn joining_a_group_tells_its_roles_its_encryption_and_what_replaced_it() {
    let (homeserver, adapter) = start().await;
    homeserver.on(LEVELS, 200, json!({ "users": { ALICE: 50, "@speaker:x": 10 } }));
    homeserver.on(TOMBSTONE, 200, json!({ "replacement_room": "!new:hs.test" }));
    homeserver.on(ENCRYPTION, 200, json!({ "algorithm": "m.megolm.v1.aes-sha2" }));
    homeserver.on(CREATE, 200, create("10"));
    let known = roles(&[(ALICE, Role::Moderator), ("@speaker:x", Role::Speaker)]);
    let replaced = Input::RoomReplaced { room: GROUP.into(), by: "!new:hs.test".into() };
    let encrypted = Input::RoomEncrypted { room: GROUP.into() };
    assert_eq!(learnt(&adapter).await, [known, encrypted, replaced]);
    let asked = homeserver.asked();
    let asked = asked.iter().find(|asked| asked.what == CREATE).unwrap();
    assert_eq!(asked.query, "format=event&user_id=%40fs_IWFiYzplRVQ%3Ahs.test", "with its sender");
}

#[tokio::test]
async fn creators_are_moderators_where_levels_do_not_name_them() {
    let (homeserver, adapter) = start().await;
    homeserver.on(LEVELS, 200, json!({ "users": { ALICE: 50 } }));
    homeserver.on(CREATE, 200, create("12"));
    let all = [(ALICE, Role::Moderator), ("@founder:x", Role::Moderator), ("@other:x", Role::Moderator)];
    assert_eq!(learnt(&adapter).await, [roles(&all)]);
    // In older rooms only as long as there are no levels.
    homeserver.on(CREATE, 200, create("11"));
    assert_eq!(learnt(&adapter).await, [roles(&[(ALICE, Role::Moderator)])]);
    homeserver.on(LEVELS, 404, json!({ "errcode": "M_NOT_FOUND", "error": "none" }));
    assert_eq!(learnt(&adapter).await, [roles(&[("@founder:x", Role::Moderator)])]);
}

#[tokio::test]
async fn a_group_whose_rules_cannot_be_read_is_joined_all_the_same() {
    let (homeserver, adapter) = start().await;
    for path in [LEVELS, CREATE, ENCRYPTION, TOMBSTONE] {
        homeserver.on(path, 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
    }
    assert_eq!(learnt(&adapter).await, []);
    for path in [LEVELS, CREATE, ENCRYPTION, TOMBSTONE] {
        homeserver.on(path, 502, json!({}));
        let passing = perform(&adapter, join_group()).await;
        assert!(matches!(passing, Err(SendError::Retry { .. })), "{path}: {passing:?}");
        homeserver.on(path, 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
    }
}

#[tokio::test]
async fn creators_are_asked_for_once_and_added_to_the_levels_that_do_not_name_them() {
    const V12: &str = "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM";
    let (homeserver, adapter) = start().await;
    let state = |kind: &str, key: &str| format!("GET /rooms/{V12}/state/{kind}/{key}");
    homeserver.on(&state("m.room.member", "*"), 200, json!({ "membership": "join" }));
    homeserver.on("GET /rooms/!direct:hs.test/joined_members", 200, json!({ "joined": {} }));
    homeserver.on(&state("m.room.create", ""), 200, create("12"));
    for _ in 0..2 {
        let ask = SignalRequest::AskAdmission {
            focus: FOCUS.into(),
            group: V12.into(),
            direct: DIRECT.into(),
            member: ALICE.into(),
            expires: Timestamp::from_unix_millis(1),
        };
        let admitted = perform(&adapter, ask).await.unwrap().outcome;
        assert!(matches!(admitted, RequestOutcome::Admission(admission) if admission.joined));
    }
    let asked = homeserver.paths().into_iter().filter(|path| *path == state("m.room.create", "")).count();
    assert_eq!(asked, 1);

    let (inbox, mut mailbox) = Inbox::new(1);
    let transactions = adapter.transactions(inbox);
    let levels = json!({ "events": [{ "type": "m.room.power_levels", "sender": ALICE, "room_id": V12,
        "state_key": "", "content": { "users": { ALICE: 100 } } }] });
    let handled =
        tokio::spawn(
            async move { transactions.handle_transaction("t1", levels.to_string().as_bytes()).await },
        );
    let delivery = mailbox.next().await.unwrap();
    let members = [ALICE, "@founder:x", "@other:x"].map(|member| (member.into(), Role::Moderator));
    assert_eq!(
        delivery.batch.inputs,
        [Input::RolesChanged { room: V12.into(), everyone: Role::Member, members: members.into() }]
    );
    delivery.reply.send(Accepted::New).unwrap();
    assert_eq!(handled.await.unwrap().unwrap().inputs, 1);
}
