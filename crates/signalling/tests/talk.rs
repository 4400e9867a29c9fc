//! What people and clients are told in rooms, and what the application service's own user does, as the homeserver sees it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use confocal::conference::{
    Announcement, CallAddress, CallVersion, FocusName, Input, RequestFailure, RequestId, RequestOutcome,
    SignalRequest, Timestamp,
};
use confocal::ports::{Order, Performed, SendError, Signalling};
use confocal_signalling::{Adapter, Skip};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use support::{ALICE, DIRECT, FOCUS, FakeHomeserver, GROUP, adapter};

const BOT: &str = "@conference:hs.test";
const LIST: &str = "/rooms/!abc:eET/state/io.element.functional_members/";

async fn start() -> (FakeHomeserver, Adapter) {
    let (homeserver, url) = FakeHomeserver::start().await;
    homeserver.on("POST /join/*", 200, json!({ "room_id": GROUP }));
    homeserver.on("PUT /*", 200, json!({ "event_id": "$sent" }));
    homeserver.on("POST /rooms/*", 200, json!({}));
    (homeserver, adapter(&url))
}

async fn perform(adapter: &Adapter, request: SignalRequest) -> Result<Performed, SendError> {
    adapter
        .perform(&Order { id: RequestId(7), transaction: "nonce.7".to_owned(), request, again: false })
        .await
}

async fn outcome(adapter: &Adapter, request: SignalRequest) -> RequestOutcome {
    perform(adapter, request).await.unwrap().outcome
}

/// The bodies of the requests of one kind.
fn bodies(homeserver: &FakeHomeserver, what: &str) -> Vec<Value> {
    homeserver.asked().into_iter().filter(|asked| asked.what == what).map(|asked| asked.body).collect()
}

fn forbid(homeserver: &FakeHomeserver, what: &str) {
    homeserver.on(what, 403, json!({ "errcode": "M_FORBIDDEN", "error": "no" }));
}

// ---- the announcement ----------------------------------------------------------------------------------------------

fn announce(announcement: Option<Announcement>) -> SignalRequest {
    SignalRequest::Announce { focus: FOCUS.into(), room: GROUP.into(), announcement }
}

fn conference() -> Announcement {
    Announcement {
        started: Timestamp::from_unix_millis(5),
        participants: 2,
        pictures: false,
        recorded: false,
        names: vec![],
    }
}

fn announced() -> String {
    format!("/rooms/!abc:eET/state/io.github.confocal.conference/{FOCUS}")
}

#[tokio::test]
async fn a_conference_is_announced_by_its_focus_user_and_cleared_by_an_empty_content() {
    let (homeserver, adapter) = start().await;
    assert_eq!(outcome(&adapter, announce(Some(conference()))).await, RequestOutcome::Done);
    assert_eq!(outcome(&adapter, announce(None)).await, RequestOutcome::Done);
    let ongoing = json!({ "focus": FOCUS, "started_at": 5, "kind": "voice", "participants": 2 });
    assert_eq!(bodies(&homeserver, &format!("PUT {}", announced())), [ongoing, json!({})]);
}

#[tokio::test]
async fn where_it_may_not_be_announced_that_is_an_outcome_and_a_fault_that_passes_is_tried_again() {
    let (homeserver, adapter) = start().await;
    forbid(&homeserver, "PUT /*");
    let denied = outcome(&adapter, announce(Some(conference()))).await;
    assert_eq!(denied, RequestOutcome::Failed(RequestFailure::Forbidden));
    homeserver.on("PUT /*", 502, json!({}));
    let passing = perform(&adapter, announce(Some(conference()))).await;
    assert!(matches!(passing, Err(SendError::Retry { .. })), "{passing:?}");
}

#[tokio::test]
async fn what_is_left_of_an_earlier_conference_is_taken_back_at_the_join() {
    let join = || SignalRequest::JoinGroup { focus: FOCUS.into(), room: GROUP.into(), via: vec![] };
    for (left, taken_back) in [(json!({ "focus": FOCUS }), vec![json!({})]), (json!({}), vec![])] {
        let (homeserver, adapter) = start().await;
        homeserver.on(&format!("GET {}", announced()), 200, left);
        perform(&adapter, join()).await.unwrap();
        assert_eq!(bodies(&homeserver, &format!("PUT {}", announced())), taken_back);
    }
}

// ---- functional members --------------------------------------------------------------------------------------------

fn count_out() -> SignalRequest {
    SignalRequest::CountOut { focus: FOCUS.into(), room: GROUP.into() }
}

#[tokio::test]
async fn a_focus_user_enters_itself_beside_others_and_is_gone_when_it_leaves() {
    let (homeserver, adapter) = start().await;
    homeserver.on(&format!("GET {LIST}"), 200, json!({ "service_members": ["@bridge:x"], "note": 1 }));
    assert_eq!(outcome(&adapter, count_out()).await, RequestOutcome::Done);
    let with = json!({ "service_members": ["@bridge:x", FOCUS], "note": 1 });
    assert_eq!(bodies(&homeserver, &format!("PUT {LIST}")), std::slice::from_ref(&with));

    homeserver.on(&format!("GET {LIST}"), 200, with);
    assert_eq!(outcome(&adapter, count_out()).await, RequestOutcome::Done);
    assert_eq!(bodies(&homeserver, &format!("PUT {LIST}")).len(), 1, "it stands there already");
    let leave = SignalRequest::Leave { focus: FOCUS.into(), room: GROUP.into() };
    assert_eq!(outcome(&adapter, leave).await, RequestOutcome::Done);
    let without = json!({ "service_members": ["@bridge:x"], "note": 1 });
    assert_eq!(bodies(&homeserver, &format!("PUT {LIST}"))[1..], [without]);
    let paths = homeserver.paths();
    let at = |what: &str| paths.iter().rposition(|path| path == what);
    assert!(at(&format!("PUT {LIST}")) < at("POST /rooms/!abc:eET/leave"), "{paths:?}");
}

#[tokio::test]
async fn where_nobody_is_entered_it_is_the_first_and_where_it_may_not_nothing_happens() {
    let (homeserver, adapter) = start().await;
    assert_eq!(outcome(&adapter, count_out()).await, RequestOutcome::Done);
    assert_eq!(bodies(&homeserver, &format!("PUT {LIST}")), [json!({ "service_members": [FOCUS] })]);
    forbid(&homeserver, &format!("PUT {LIST}"));
    let denied = outcome(&adapter, count_out()).await;
    assert_eq!(denied, RequestOutcome::Failed(RequestFailure::Forbidden));
}

#[tokio::test]
async fn a_list_that_can_not_be_read_is_left_as_it_is_and_hinders_no_leaving() {
    let (homeserver, adapter) = start().await;
    homeserver.on(&format!("GET {LIST}"), 200, json!({ "service_members": "everyone" }));
    assert_eq!(outcome(&adapter, count_out()).await, RequestOutcome::Done);
    let leave = SignalRequest::Leave { focus: FOCUS.into(), room: GROUP.into() };
    assert_eq!(outcome(&adapter, leave.clone()).await, RequestOutcome::Done);
    homeserver.on(&format!("GET {LIST}"), 502, json!({}));
    assert_eq!(outcome(&adapter, leave).await, RequestOutcome::Done);
    assert!(bodies(&homeserver, &format!("PUT {LIST}")).is_empty());
}

// ---- who speaks ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn who_speaks_is_told_by_id_and_name() {
    let (homeserver, adapter) = start().await;
    let member = "@anna:hs.test";
    let profile = json!({ "membership": "join", "displayname": "Anna" });
    homeserver.on(&format!("GET /rooms/!abc:eET/state/m.room.member/{member}"), 200, profile);
    let to = CallAddress {
        focus: FOCUS.into(),
        room: DIRECT.into(),
        caller: ALICE.into(),
        call: "c1".into(),
        version: CallVersion::V1,
        party: "OURS".into(),
    };
    let expires = Timestamp::from_unix_millis(u64::MAX);
    let told = SignalRequest::AssertIdentity { to, group: GROUP.into(), member: member.into(), expires };
    assert_eq!(outcome(&adapter, told).await, RequestOutcome::Done);
    let sent = "PUT /rooms/!direct:hs.test/send/org.matrix.call.asserted_identity/nonce.7";
    assert_eq!(
        bodies(&homeserver, sent),
        [json!({
            "call_id": "c1", "party_id": "OURS", "version": "1",
            "asserted_identity": { "id": member, "display_name": "Anna" },
        })]
    );
}

// ---- the bot -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_bot_joins_and_says_whether_it_can_read() {
    let join =
        || SignalRequest::JoinAsBot { bot: BOT.into(), room: GROUP.into(), via: vec!["else.test".into()] };
    let (homeserver, adapter) = start().await;
    assert_eq!(outcome(&adapter, join()).await, RequestOutcome::Joined { encrypted: false });
    let joined = homeserver.asked().into_iter().find(|asked| asked.what.starts_with("POST /join/")).unwrap();
    assert!(
        joined.query.contains("via=else.test") && joined.query.contains("%40conference%3Ahs.test"),
        "{joined:?}"
    );
    homeserver.on("GET /rooms/!abc:eET/state/m.room.encryption/", 200, json!({ "algorithm": "m.megolm.v1" }));
    assert_eq!(outcome(&adapter, join()).await, RequestOutcome::Joined { encrypted: true });
}

#[tokio::test]
async fn the_bot_leaves_when_nobody_but_users_of_ours_is_left() {
    let look = || SignalRequest::LeaveIfAlone { bot: BOT.into(), room: GROUP.into() };
    let left =
        |homeserver: &FakeHomeserver| homeserver.paths().contains(&"POST /rooms/!abc:eET/leave".to_owned());
    let (homeserver, adapter) = start().await;
    let members = "GET /rooms/!abc:eET/joined_members";
    homeserver.on(members, 200, json!({ "joined": { BOT: {}, FOCUS: {}, ALICE: {} } }));
    assert_eq!(outcome(&adapter, look()).await, RequestOutcome::Alone(false));
    assert!(!left(&homeserver));
    homeserver.on(members, 200, json!({ "joined": { BOT: {}, FOCUS: {} } }));
    assert_eq!(outcome(&adapter, look()).await, RequestOutcome::Alone(true));
    assert!(left(&homeserver));
    forbid(&homeserver, members);
    assert_eq!(outcome(&adapter, look()).await, RequestOutcome::Alone(true), "it is out already");
}

#[tokio::test]
async fn the_bot_invites_the_focus_user_or_names_who_may() {
    let invite = || SignalRequest::InviteFocus { bot: BOT.into(), room: GROUP.into(), focus: FOCUS.into() };
    let (homeserver, adapter) = start().await;
    assert_eq!(outcome(&adapter, invite()).await, RequestOutcome::Done);
    let path = "POST /rooms/!abc:eET/invite";
    assert_eq!(bodies(&homeserver, path), [json!({ "user_id": FOCUS })]);

    forbid(&homeserver, path);
    let levels =
        json!({ "invite": 50, "users": { ALICE: 50, BOT: 0, "@admin:x": 100, FOCUS: 60, "@low:x": 49 } });
    homeserver.on("GET /rooms/!abc:eET/state/m.room.power_levels/", 200, levels);
    let ask = vec!["@admin:x".into(), ALICE.into()];
    assert_eq!(outcome(&adapter, invite()).await, RequestOutcome::NotAllowed { ask });

    let member = format!("GET /rooms/!abc:eET/state/m.room.member/{FOCUS}");
    homeserver.on(&member, 200, json!({ "membership": "join" }));
    assert_eq!(outcome(&adapter, invite()).await, RequestOutcome::Done, "it is in the room already");
}

fn member_event(user: &str, sender: &str, membership: &str) -> Box<RawValue> {
    let event = json!({
        "type": "m.room.member", "room_id": GROUP, "sender": sender, "state_key": user, "event_id": "$e",
        "content": { "membership": membership },
    });
    serde_json::value::to_raw_value(&event).unwrap()
}

#[tokio::test]
async fn what_happens_to_the_bot_is_told_to_the_machine() {
    let (_, adapter) = start().await;
    let read = |sender: &str, membership: &str| {
        adapter.translator().read(&member_event(BOT, sender, membership)).meaning
    };
    match read("@anna:else.test", "invite") {
        Ok(Input::BotInvited { bot, focus, room, by, via }) => {
            let FocusName::Id(focus) = focus else { panic!("{focus:?}") };
            assert_eq!((bot.as_str(), room.as_str(), by.as_str()), (BOT, GROUP, "@anna:else.test"));
            assert_eq!(via, ["else.test".into()]);
            let (_, group) = adapter.translator().scheme().focus(focus.as_str()).unwrap();
            assert_eq!((group.as_str(), focus.as_str().starts_with("@conf_")), (GROUP, true));
        }
        other => panic!("{other:?}"),
    }
    let removed = || Ok(Input::FocusRemoved { focus: BOT.into(), room: GROUP.into() });
    assert_eq!(read(ALICE, "leave"), removed());
    assert_eq!(read(ALICE, "ban"), removed());
    assert_eq!(read(BOT, "leave"), Err(Skip::OwnEcho));
    assert_eq!(read(BOT, "join"), Err(Skip::NothingNew));
}

#[tokio::test]
async fn a_user_by_a_made_up_name_is_ours_and_only_the_machine_knows_its_room() {
    let (homeserver, adapter) = start().await;
    homeserver.on("POST /register", 200, json!({ "user_id": "@conf_x:hs.test" }));
    let user = "@conf_xabcdefghij0123456789:hs.test";
    let read =
        |sender: &str, membership: &str| adapter.translator().read(&member_event(user, sender, membership));
    let invited = read(ALICE, "invite");
    let by = ALICE.into();
    let via = vec!["hs.test".into()];
    let expected = Input::NamedFocusInvited { focus: user.into(), room: GROUP.into(), by, via };
    assert_eq!((invited.meaning, invited.ours), (Ok(expected), true));
    assert_eq!(
        read(ALICE, "ban").meaning,
        Ok(Input::FocusRemoved { focus: user.into(), room: GROUP.into() })
    );
    assert_eq!(read(user, "leave").meaning, Err(Skip::OwnEcho));
    assert!(
        matches!(adapter.ensure_focus(user).await, Some(Ok(_))),
        "the homeserver asks whether there is one"
    );
}
