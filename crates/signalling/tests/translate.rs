//! Events in, inputs out, compared whole: made up and arbitrary ones.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeMap;

use confocal::conference::{
    CallInvite, CallKey, CallVersion, Candidate, Command, FocusUser, HangupReason, Input, MemberId, Millis,
    PartyId, Role, RoomKey, Sdp, ServerName, StreamId, StreamInfo, StreamMetadata, StreamPurpose,
};
use confocal_signalling::{FocusIdScheme, Reading, Skip, Translator};
use proptest::prelude::*;
use ruma_common::{owned_server_name, owned_user_id};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The focus user of `!abc:eET`, in the spelling of older clients.
const FOCUS: &str = "@fs_IWFiYzplRVQ:hs.test";
const GROUP: &str = "!abc:eET";
const ROOM: &str = "!direct:hs.test";
const ALICE: &str = "@alice:else.test";

fn translator() -> Translator {
    let scheme = FocusIdScheme::new(["conf_", "fs_"], owned_server_name!("hs.test")).unwrap();
    Translator::new(scheme, owned_user_id!("@conference:hs.test"))
}

fn raw(event: &Value) -> Box<RawValue> {
    RawValue::from_string(event.to_string()).unwrap()
}

fn read(event: &Value) -> Reading {
    translator().read(&raw(event))
}

fn meaning(event: &Value) -> Result<Input, Skip> {
    read(event).meaning
}

/// An event of Alice in the 1:1 room, one second old.
fn event(kind: &str, content: Value) -> Value {
    json!({
        "type": kind, "sender": ALICE, "room_id": ROOM, "event_id": "$e", "origin_server_ts": 1,
        "unsigned": { "age": 1000 }, "content": content,
    })
}

fn member(sender: &str, user: &str, membership: &str) -> Value {
    json!({
        "type": "m.room.member", "sender": sender, "room_id": ROOM, "event_id": "$e", "state_key": user,
        "content": { "membership": membership },
    })
}

fn key() -> CallKey {
    CallKey { room: ROOM.into(), caller: ALICE.into(), call: "c1".into() }
}

fn invite(changes: Value) -> Result<CallInvite, Skip> {
    let mut content = json!({
        "call_id": "c1", "party_id": "P", "version": "1", "lifetime": 60000, "offer": { "type": "offer", "sdp": "v=0" },
    });
    for (field, value) in changes.as_object().unwrap() {
        if value == "(gone)" {
            content.as_object_mut().unwrap().remove(field);
        } else {
            content[field] = value.clone();
        }
    }
    meaning(&event("m.call.invite", content)).map(|input| match input {
        Input::CallInvited(invite) => invite,
        other => panic!("{other:?}"),
    })
}

#[test]
fn an_invited_focus_user_is_told_with_its_group_room() {
    let reading = read(&member(ALICE, FOCUS, "invite"));
    assert_eq!(
        reading,
        Reading {
            meaning: Ok(Input::FocusInvited {
                focus: FocusUser::from(FOCUS),
                group: RoomKey::from(GROUP),
                room: RoomKey::from(ROOM),
                by: MemberId::from(ALICE),
                via: vec![ServerName::from("else.test")],
            }),
            ours: true,
        }
    );
}

#[test]
fn a_focus_user_is_removed_by_leave_and_by_ban() {
    for membership in ["leave", "ban"] {
        assert_eq!(
            meaning(&member(ALICE, FOCUS, membership)),
            Ok(Input::FocusRemoved { focus: FOCUS.into(), room: ROOM.into() })
        );
    }
    assert_eq!(meaning(&member(FOCUS, FOCUS, "join")), Err(Skip::NothingNew));
}

#[test]
fn people_are_removed_by_leave_and_by_ban_and_never_admitted_by_a_join() {
    for membership in ["leave", "ban"] {
        let reading = read(&member("@mod:hs.test", ALICE, membership));
        assert_eq!(reading.meaning, Ok(Input::MemberRemoved { room: ROOM.into(), member: ALICE.into() }));
        assert!(!reading.ours, "a bridge wants to know too");
    }
    for membership in ["join", "invite", "knock", "dance"] {
        assert_eq!(meaning(&member(ALICE, ALICE, membership)), Err(Skip::NothingNew), "{membership}");
    }
}

#[test]
fn an_invited_user_of_ours_that_names_no_room_is_told_by_name() {
    let user = "@fs_nonsense:hs.test";
    let invited = Input::NobodyInvited { focus: user.into(), room: ROOM.into() };
    assert_eq!(read(&member(ALICE, user, "invite")), Reading { meaning: Ok(invited), ours: true });
    assert_eq!(meaning(&member(ALICE, "@fs_\0:hs.test", "invite")), Err(Skip::Malformed));
    assert_eq!(meaning(&member(ALICE, user, "leave")), Err(Skip::NothingNew));
}

#[test]
fn the_bot_is_no_person_and_no_focus() {
    let reading = read(&member(ALICE, "@conference:hs.test", "leave"));
    let removed = Input::FocusRemoved { focus: "@conference:hs.test".into(), room: ROOM.into() };
    assert_eq!(reading, Reading { meaning: Ok(removed), ours: true });
}

#[test]
fn an_invite_is_read_whole() {
    let read = invite(json!({
        "invitee": FOCUS,
        "sdp_stream_metadata": {
            "s1": { "purpose": "m.usermedia", "audio_muted": true },
            "s2": { "purpose": "m.screenshare", "video_muted": "odd" },
            "s3": { "purpose": "m.hologram" },
            "s4": { "audio_muted": false },
            "s5": 7,
        },
    }));
    let stream = |purpose, audio_muted| StreamInfo { purpose, audio_muted, video_muted: false };
    let metadata: StreamMetadata = BTreeMap::from([
        (StreamId::from("s1"), stream(StreamPurpose::UserMedia, true)),
        (StreamId::from("s2"), stream(StreamPurpose::ScreenShare, false)),
    ]);
    assert_eq!(
        read,
        Ok(CallInvite {
            key: key(),
            invitee: Some(FocusUser::from(FOCUS)),
            version: CallVersion::V1,
            party: Some(PartyId::from("P")),
            offer: Sdp("v=0".to_owned()),
            expires_in: Millis(59_000),
            metadata: Some(metadata),
        })
    );
}

#[test]
fn metadata_is_read_under_its_proposals_name_and_none_is_none() {
    let metadata = |content| invite(content).unwrap().metadata;
    assert_eq!(metadata(json!({})), None);
    assert_eq!(metadata(json!({ "sdp_stream_metadata": null })), None);
    assert_eq!(metadata(json!({ "sdp_stream_metadata": {} })), Some(StreamMetadata::new()));
    let proposed = json!({ "org.matrix.msc3077.sdp_stream_metadata": { "s": { "purpose": "m.usermedia" } } });
    assert_eq!(metadata(proposed).unwrap().len(), 1);
}

#[test]
fn versions_of_every_spelling() {
    let version = |version: Value| invite(json!({ "version": version })).unwrap().version;
    for zero in [json!(0), json!(0.0), json!("0")] {
        assert_eq!(version(zero.clone()), CallVersion::V0, "{zero}");
    }
    for one in [json!("1"), json!(1), json!("2"), json!(true), json!({}), json!(null), json!("(gone)")] {
        assert_eq!(version(one.clone()), CallVersion::V1, "{one} with a party id");
    }
    let without = |version| invite(json!({ "version": version, "party_id": "(gone)" })).unwrap();
    assert_eq!(without(json!("(gone)")).version, CallVersion::V0);
    assert_eq!(without(json!("(gone)")).party, None);
    assert_eq!(without(json!("1")).version, CallVersion::V1);
}

#[test]
fn lifetimes_missing_odd_absurd_and_over() {
    let left = |lifetime: Value| invite(json!({ "lifetime": lifetime })).map(|invite| invite.expires_in);
    assert_eq!(left(json!("(gone)")), Ok(Millis(59_000)));
    assert_eq!(left(json!("soon")), Ok(Millis(59_000)));
    assert_eq!(left(json!(120_000.5)), Ok(Millis(119_000)));
    assert_eq!(left(json!(1e300)), Ok(Millis(299_000)));
    assert_eq!(left(json!(1001)), Ok(Millis(1)));
    for over in [json!(1000), json!(0), json!(-5)] {
        assert_eq!(left(over.clone()), Err(Skip::Expired), "{over}");
    }
}

#[test]
fn age_is_read_where_it_is() {
    let left = |change: &dyn Fn(&mut Value)| {
        let content = json!({ "call_id": "c1", "version": 0, "lifetime": 60000, "offer": { "sdp": "v=0" } });
        let mut event = event("m.call.invite", content);
        change(&mut event);
        match meaning(&event) {
            Ok(Input::CallInvited(invite)) => Some(invite.expires_in.0),
            Err(Skip::Expired) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(left(&|event| event["unsigned"] = json!({ "age": 20_000 })), Some(40_000));
    assert_eq!(left(&|event| event["unsigned"] = json!({ "age": 60_000 })), None);
    assert_eq!(
        left(&|event| event["unsigned"] = json!({ "age": -9 })),
        Some(60_000),
        "clocks of servers differ"
    );
    assert_eq!(left(&|event| event["unsigned"] = json!("odd")), Some(60_000));
    assert_eq!(
        left(&|event| {
            event["unsigned"] = json!({});
            event["age"] = json!(30_000);
        }),
        Some(30_000)
    );
}

#[test]
fn an_invitee_is_nobody_one_of_ours_or_somebody_else() {
    for nobody in [json!(""), json!(null), json!("(gone)")] {
        assert_eq!(invite(json!({ "invitee": nobody })).unwrap().invitee, None);
    }
    for other in ["@bob:hs.test", "@fs_nonsense:hs.test", "@conference:hs.test"] {
        assert_eq!(invite(json!({ "invitee": other })), Err(Skip::NotForUs), "{other}");
    }
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(256);
    assert_eq!(invite(json!({ "call_id": long })), Err(Skip::TooLong));
    assert_eq!(invite(json!({ "party_id": long })), Err(Skip::TooLong));
    assert_eq!(
        invite(json!({ "call_id": "x".repeat(255) })).map(|invite| invite.key.call.as_str().len()),
        Ok(255)
    );
    let offer = |bytes| invite(json!({ "offer": { "sdp": "x".repeat(bytes) } }));
    assert_eq!(offer(256 * 1024).map(|invite| invite.offer.0.len()), Ok(256 * 1024));
    assert_eq!(offer(256 * 1024 + 1), Err(Skip::TooLong));
    for missing in [json!("(gone)"), json!(""), json!(5)] {
        assert_eq!(invite(json!({ "call_id": missing })), Err(Skip::Malformed));
    }
    assert_eq!(invite(json!({ "offer": { "type": "offer" } })), Err(Skip::Malformed));
}

#[test]
fn party_ids_are_any_text() {
    let party = invite(json!({ "party_id": "a+b/c==" })).unwrap().party;
    assert_eq!(party, Some(PartyId::from("a+b/c==")));
    assert_eq!(invite(json!({ "party_id": "" })).unwrap().party, None);
}

#[test]
fn candidates_of_all_shapes() {
    let content = json!({ "call_id": "c1", "party_id": "P", "version": "1", "candidates": [
        { "candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "u" },
        { "candidate": "candidate:2", "sdpMid": null, "sdpMLineIndex": 1.0 },
        { "candidate": "candidate:3", "sdpMid": 4, "sdpMLineIndex": -1 },
        { "candidate": "candidate:4", "sdpMLineIndex": 0.5 },
        { "candidate": "candidate:5", "sdpMLineIndex": 65536 },
        { "sdpMid": "0" }, { "candidate": 7 }, 7, null, { "candidate": "x".repeat(1025) },
        { "candidate": null }, { "candidate": "" },
    ]});
    let candidate = |line: &str, mid: Option<&str>, line_index| Candidate {
        line: line.to_owned(),
        mid: mid.map(str::to_owned),
        line_index,
    };
    assert_eq!(
        meaning(&event("m.call.candidates", content)),
        Ok(Input::CallCandidates {
            key: key(),
            party: Some("P".into()),
            candidates: vec![
                candidate("candidate:1", Some("0"), Some(0)),
                candidate("candidate:2", None, Some(1)),
                candidate("candidate:3", None, None),
                candidate("candidate:4", None, None),
                candidate("candidate:5", None, None),
                candidate("", None, None),
                candidate("", None, None),
            ],
        })
    );
}

#[test]
fn candidates_are_bounded_and_none_are_no_news() {
    let candidates =
        |list: Value| meaning(&event("m.call.candidates", json!({ "call_id": "c1", "candidates": list })));
    let many: Vec<Value> = (0..100).map(|n| json!({ "candidate": format!("candidate:{n}") })).collect();
    match candidates(json!(many)) {
        Ok(Input::CallCandidates { candidates, .. }) => {
            assert_eq!(candidates.len(), 64);
            assert_eq!(candidates[63].line, "candidate:63", "the first ones are kept");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(candidates(json!([])), Err(Skip::NothingNew));
    assert_eq!(candidates(json!("none")), Err(Skip::Malformed));
}

#[test]
fn hangups_and_rejects_with_every_reason() {
    let cases = [
        (json!({}), HangupReason::UserHangup),
        (json!({ "reason": null }), HangupReason::UserHangup),
        (json!({ "reason": 5 }), HangupReason::UserHangup),
        (json!({ "reason": "user_hangup" }), HangupReason::UserHangup),
        (json!({ "reason": "userHangup" }), HangupReason::UserHangup),
        (json!({ "reason": "ice_failed" }), HangupReason::IceFailed),
        (json!({ "reason": "ice_timeout" }), HangupReason::IceTimeout),
        (json!({ "reason": "invite_timeout" }), HangupReason::InviteTimeout),
        (json!({ "reason": "user_media_failed" }), HangupReason::UserMediaFailed),
        (json!({ "reason": "user_busy" }), HangupReason::UserBusy),
        (json!({ "reason": "new_reason" }), HangupReason::UnknownError),
    ];
    for kind in ["m.call.hangup", "m.call.reject"] {
        for (mut content, reason) in cases.clone() {
            content["call_id"] = json!("c1");
            let expected = Input::CallHungUp { key: key(), party: None, reason };
            assert_eq!(meaning(&event(kind, content)), Ok(expected));
        }
    }
}

#[test]
fn negotiate_is_an_offer_or_an_answer() {
    let negotiate = |description: Value| {
        let content =
            json!({ "call_id": "c1", "party_id": "P", "description": description, "lifetime": 10_000 });
        meaning(&event("m.call.negotiate", content))
    };
    let expected = Input::CallNegotiated {
        key: key(),
        party: Some("P".into()),
        offer: Sdp("v=0".to_owned()),
        expires_in: Millis(9000),
        metadata: None,
    };
    assert_eq!(negotiate(json!({ "type": "offer", "sdp": "v=0" })), Ok(expected));
    let answered = Input::CallNegotiateAnswered {
        key: key(),
        party: Some("P".into()),
        answer: Sdp("v=0".to_owned()),
        metadata: None,
    };
    assert_eq!(negotiate(json!({ "type": "answer", "sdp": "v=0" })), Ok(answered));
    assert_eq!(negotiate(json!({ "type": "answer" })), Err(Skip::Malformed));
    assert_eq!(negotiate(json!(null)), Err(Skip::Malformed));
}

#[test]
fn metadata_changes_under_both_names() {
    for kind in ["m.call.sdp_stream_metadata_changed", "org.matrix.call.sdp_stream_metadata_changed"] {
        let content = json!({ "call_id": "c1", "sdp_stream_metadata": { "s": {
            "purpose": "m.usermedia", "audio_muted": true, "video_muted": true } } });
        let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: true, video_muted: true };
        let expected = Input::CallMetadataChanged {
            key: key(),
            party: None,
            metadata: BTreeMap::from([(StreamId::from("s"), info)]),
        };
        assert_eq!(meaning(&event(kind, content)), Ok(expected));
        assert_eq!(meaning(&event(kind, json!({ "call_id": "c1" }))), Err(Skip::Malformed));
    }
}

/// A state event of the room.
fn state(kind: &str, key: &str, content: Value) -> Value {
    let mut event = event(kind, content);
    event["state_key"] = json!(key);
    event
}

#[test]
fn power_levels_are_roles() {
    let content =
        json!({ "users": { "@mod:x": 50, "@speaker:x": "10", "@member:x": 0 }, "events": { "m.x": 3 } });
    let roles = Input::RolesChanged {
        room: ROOM.into(),
        everyone: Role::Member,
        members: BTreeMap::from([("@mod:x".into(), Role::Moderator), ("@speaker:x".into(), Role::Speaker)]),
    };
    let reading = read(&state("m.room.power_levels", "", content.clone()));
    assert_eq!(reading, Reading { meaning: Ok(roles), ours: false });
    assert_eq!(meaning(&state("m.room.power_levels", "x", content.clone())), Err(Skip::NotForUs));
    assert_eq!(meaning(&event("m.room.power_levels", content)), Err(Skip::NotForUs), "no state");
    assert_eq!(meaning(&state("m.room.power_levels", "", json!(7))), Err(Skip::Malformed));
}

#[test]
fn a_command_is_heard_in_any_room_from_people_and_for_a_minute() {
    let said = |sender: &str, age: u64| {
        let mut message = event("m.room.message", json!({ "msgtype": "m.text", "body": "!conference who" }));
        message["sender"] = sender.into();
        message["unsigned"]["age"] = age.into();
        read(&message)
    };
    let command = Command::Who;
    let heard = Input::Commanded { room: ROOM.into(), by: ALICE.into(), command };
    assert_eq!(said(ALICE, 59_999), Reading { meaning: Ok(heard), ours: false });
    assert_eq!(said(ALICE, 60_000).meaning, Err(Skip::Expired));
    assert_eq!(said(FOCUS, 0).meaning, Err(Skip::OwnEcho));
    assert_eq!(said("@conference:hs.test", 0).meaning, Err(Skip::OwnEcho));
    let talk = event("m.room.message", json!({ "msgtype": "m.text", "body": "hello" }));
    assert_eq!(meaning(&talk), Err(Skip::NotForUs));
}

#[test]
fn a_tombstone_names_the_room_that_follows() {
    let replaced = |content: Value| meaning(&state("m.room.tombstone", "", content));
    for by in ["!new:hs.test", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"] {
        assert_eq!(
            replaced(json!({ "body": "moved", "replacement_room": by })),
            Ok(Input::RoomReplaced { room: ROOM.into(), by: by.into() })
        );
    }
    for odd in [json!({}), json!({ "replacement_room": "#alias:hs.test" }), json!({ "replacement_room": 7 })]
    {
        assert_eq!(replaced(odd.clone()), Err(Skip::NothingNew), "{odd}");
    }
}

#[test]
fn our_own_events_are_echoes() {
    for sender in [FOCUS, "@fs_nonsense:hs.test", "@conference:hs.test"] {
        let mut event = event("m.call.hangup", json!({ "call_id": "c1" }));
        event["sender"] = json!(sender);
        assert_eq!(read(&event), Reading { meaning: Err(Skip::OwnEcho), ours: true });
    }
}

#[test]
fn what_is_not_ours_is_left_alone() {
    for (kind, why) in [
        ("m.room.message", Skip::NotForUs),
        ("m.room.encrypted", Skip::Encrypted),
        ("m.call", Skip::NotForUs),
        ("m.call.asserted_identity", Skip::NothingNew),
    ] {
        let reading = read(&event(kind, json!({ "call_id": "c1" })));
        assert_eq!(reading, Reading { meaning: Err(why), ours: false }, "{kind}");
    }
    let broken = [
        json!(7),
        json!({}),
        json!({ "type": "m.call.hangup", "sender": "alice", "room_id": ROOM, "content": { "call_id": "c" } }),
        json!({ "type": "m.call.hangup", "sender": ALICE, "room_id": "direct", "content": { "call_id": "c" } }),
        json!({ "type": "m.call.hangup", "sender": ALICE, "content": { "call_id": "c" } }),
        json!({ "type": "m.call.hangup", "sender": ALICE, "room_id": ROOM, "content": [] }),
    ];
    for event in broken {
        assert_eq!(meaning(&event), Err(Skip::Malformed), "{event}");
    }
}

#[test]
fn depth_and_broken_text_that_nobody_reads_do_not_hide_a_leave() {
    let (open, close) = ("[".repeat(5000), "]".repeat(5000));
    let event = format!(
        r#"{{"type":"m.room.member","sender":"{ALICE}","room_id":"{ROOM}","state_key":"{ALICE}",
            "content":{{"membership":"leave","deep":{open}{close},"broken":"\ud800","huge":1e999}}}}"#
    );
    let event = RawValue::from_string(event).unwrap();
    let expected = Input::MemberRemoved { room: ROOM.into(), member: ALICE.into() };
    assert_eq!(translator().read(&event).meaning, Ok(expected));
}

#[test]
fn reading_back_keeps_the_events_of_calls_that_may_still_be_answered() {
    let offer = json!({ "type": "offer", "sdp": "v=0" });
    let call = |kind: &str, call: &str, age: u64| {
        let content = json!({
            "call_id": call, "party_id": "P", "version": "1", "lifetime": 60000, "offer": offer,
            "candidates": [{ "candidate": "candidate:1" }],
        });
        let mut event = event(kind, content);
        event["unsigned"]["age"] = json!(age);
        event
    };
    let mut own = call("m.call.hangup", "new", 5);
    own["sender"] = json!(FOCUS);
    let events: Vec<Box<RawValue>> = [
        call("m.call.invite", "old", 90_000),
        call("m.call.candidates", "old", 89_000),
        call("m.call.hangup", "old", 80_000),
        member(ALICE, ALICE, "leave"),
        call("m.call.candidates", "new", 10_001),
        call("m.call.invite", "new", 10_000),
        json!({ "type": 7 }),
        own,
        call("m.call.hangup", "new", 4),
    ]
    .iter()
    .map(raw)
    .collect();
    let inputs = translator().read_back(&RoomKey::from(ROOM), events.iter().map(|event| &**event));
    let names: Vec<(&str, &str)> = inputs
        .iter()
        .map(|input| match input {
            Input::CallInvited(invite) => ("invited", invite.key.call.as_str()),
            Input::CallCandidates { key, .. } => ("candidates", key.call.as_str()),
            Input::CallHungUp { key, .. } => ("hung up", key.call.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, [("candidates", "new"), ("invited", "new"), ("hung up", "new")]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!(FOCUS)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,12}",
        prop::sample::select(vec![
            "call_id",
            "party_id",
            "version",
            "offer",
            "sdp",
            "type",
            "lifetime",
            "invitee",
            "candidates",
            "candidate",
            "sdpMid",
            "sdpMLineIndex",
            "description",
            "sdp_stream_metadata",
            "purpose",
            "reason",
            "selected_party_id",
            "users",
            "users_default",
            "kick",
            "replacement_room",
            "membership",
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics(event in any_json()) {
        let _ = read(&event);
    }

    #[test]
    fn arbitrary_contents_never_panic(
        kind in prop::sample::select(vec![
            "m.call.invite", "m.call.candidates", "m.call.select_answer", "m.call.hangup", "m.call.reject",
            "m.call.negotiate", "m.call.sdp_stream_metadata_changed", "m.call.answer", "m.room.member",
            "m.room.power_levels", "m.room.tombstone",
        ]),
        content in any_json(),
        unsigned in any_json(),
    ) {
        let mut event = event(kind, content);
        event["state_key"] = json!(if kind == "m.room.member" { FOCUS } else { "" });
        event["unsigned"] = unsigned;
        let _ = read(&event);
    }
}
