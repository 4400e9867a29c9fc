//! The ids by which a focus user is known: ours and the legacy ones, in rooms of old and new versions.

use confocal_testing::parts::{FocusProcess, Synapse};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use serde_json::json;

use crate::world::{SOON, World, call_event, eventually, invite};

#[tokio::test]
async fn legacy_ids_and_our_own_work_in_rooms_of_version_10_and_12() {
    let world = World::start("identity", "").await;
    let owner = world.user("owner").await;
    for version in ["10", "12"] {
        let room = world.group_room_of_version(version, &[&owner]).await;
        assert_eq!(room.contains(':'), version == "10", "rooms of version 12 have no domain: {room}");
        let spellings = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
        let mut doors: Vec<String> = spellings
            .iter()
            .map(|spelling| format!("@fs_{}:{}", spelling.encode(room.as_bytes()), Synapse::SERVER_NAME))
            .collect();
        doors.push(FocusProcess::user_id(&room));
        doors.sort();
        doors.dedup();
        for (number, door) in doors.iter().enumerate() {
            owner.invite(&room, door).await.unwrap();
            owner.wait_for_membership(&room, door, "join", SOON).await.unwrap();
            let direct = world.direct_room(&owner, door).await;
            let call = format!("call-{version}-{number}");
            invite(&owner, &direct, &call, json!({ "invitee": door })).await;
            let answer = call_event(&owner, &direct, "m.call.answer", &call).await;
            assert_eq!(answer["sender"], door.as_str());
        }
        eventually("a name for people", SOON, async || {
            let member = owner.state(&room, "m.room.member", &doors[0]).await.unwrap().unwrap();
            member["displayname"] == "Conference: Team"
        })
        .await;
    }
}
