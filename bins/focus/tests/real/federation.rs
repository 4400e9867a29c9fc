//! Members and rooms of another homeserver: the focus and its homeserver on one side, people on both, two Synapses in federation.

use confocal_testing::parts::{AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Sound, Synapse, User};
use serde_json::json;

use crate::world::{SOON, World, eventually};

const ANNA: f64 = 437.0;
const BERT: f64 = 631.0;

/// A room that both are joined to, made by the first.
async fn room_of(owner: &User, member: &User, version: &str) -> String {
    let options = json!({ "preset": "private_chat", "room_version": version, "invite": [member.user_id] });
    let room = owner.create_room(&options).await.unwrap();
    // The invitation is there once the other homeserver has taken it.
    member.join(&room).await.unwrap();
    eventually("both know each other", SOON, async || {
        let joined = owner.members(&room).await.unwrap();
        joined.get(&member.user_id).is_some_and(|membership| membership == "join")
    })
    .await;
    room
}

/// A caller that trickles, as browsers do. A homeserver does not send an event to one that joins in the same moment; the next event in
/// the room brings it.
async fn caller_from_elsewhere(world: &World, bert: &User, room: &str) -> AiortcCaller {
    calls_from_elsewhere(world, bert, room, true).await
}

async fn calls_from_elsewhere(world: &World, bert: &User, room: &str, invites: bool) -> AiortcCaller {
    let options = CallerOptions {
        group_room: invites.then(|| room.to_owned()),
        sound: Sound::Tone { hertz: BERT, dbfs: -20.0 },
        listen_hertz: vec![ANNA],
        trickle_only: true,
        ..CallerOptions::new(&FocusProcess::user_id_at(room, world.synapse.server_name()))
    };
    let mut caller = AiortcCaller::start(&world.places, &world.directory, bert, &options).unwrap();
    caller.connected(SOON).await.unwrap();
    caller
}

async fn hear_each_other(anna: &mut AiortcCaller, bert: &mut AiortcCaller) {
    anna.hears("Bert", SOON, |levels| levels.tone(BERT) > -45.0).await.unwrap();
    bert.hears("Anna", SOON, |levels| levels.tone(ANNA) > -45.0).await.unwrap();
}

/// The one is hung up on, and the other one hears them no longer.
async fn is_ejected(goes: &mut AiortcCaller, stays: &mut AiortcCaller, tone: f64) {
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    goes.until("the hangup", SOON, hangup).await.unwrap();
    stays.hears("nobody any more", SOON, |levels| levels.tone(tone) < -70.0).await.unwrap();
}

/// Anna is of the homeserver of the focus, Bert of the other one.
async fn people(world: &World, other: &Synapse) -> (User, User) {
    (world.user("anna").await, other.register("bert").await.unwrap())
}

#[tokio::test]
async fn a_member_of_another_homeserver_takes_part_until_they_leave_and_only_if_the_operator_lets_them() {
    let (mut world, other) = World::start_in_federation("federation-member", "").await;
    let (anna, bert) = people(&world, &other).await;
    let room = room_of(&anna, &bert, "11").await;
    let mut annas = world.caller(&anna, &room, ANNA, &[BERT]).await;
    let mut berts = caller_from_elsewhere(&world, &bert, &room).await;
    hear_each_other(&mut annas, &mut berts).await;
    bert.leave(&room).await.unwrap();
    is_ejected(&mut berts, &mut annas, BERT).await;
    assert_eq!(world.participants(&room).await, Some(1));

    let denied = toml::Value::Array(vec![format!("*:{}", other.server_name()).into()]);
    world
        .reconfigure(|settings| {
            settings.insert(
                "policy".into(),
                toml::Value::Table([("deny".to_owned(), denied)].into_iter().collect()),
            );
        })
        .await;
    let focus_user = FocusProcess::user_id_at(&room, world.synapse.server_name());
    let options = json!({ "preset": "private_chat", "is_direct": true, "invite": [focus_user] });
    let direct = bert.create_room(&options).await.unwrap();
    // His homeserver learns that it is declined.
    bert.wait_for_membership(&direct, &focus_user, "leave", SOON).await.unwrap();
}

#[tokio::test]
async fn the_focus_joins_a_room_that_only_another_homeserver_knows() {
    let (world, other) = World::start_in_federation("federation-room", "").await;
    let (anna, bert) = people(&world, &other).await;
    // Of version 12, whose room ids name no server: whom to join by must be known from who invites and calls.
    let room = bert.create_room(&json!({ "preset": "private_chat", "room_version": "12" })).await.unwrap();
    assert!(!room.contains(':'), "{room}");
    let mut berts = caller_from_elsewhere(&world, &bert, &room).await;
    assert_eq!(world.participants(&room).await, Some(1));

    bert.invite(&room, &anna.user_id).await.unwrap();
    anna.join(&room).await.unwrap();
    let mut annas = world.caller(&anna, &room, ANNA, &[BERT]).await;
    hear_each_other(&mut annas, &mut berts).await;
    bert.kick(&room, &anna.user_id).await.unwrap();
    is_ejected(&mut annas, &mut berts, ANNA).await;

    berts.hang_up().unwrap();
    let focus_user = FocusProcess::user_id_at(&room, world.synapse.server_name());
    bert.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
}

#[tokio::test]
async fn a_public_room_of_another_homeserver_is_joined_by_the_server_of_whom_calls() {
    let (world, other) = World::start_in_federation("federation-public", "").await;
    let (_, bert) = people(&world, &other).await;
    // Nobody invites the focus user, and the room's id names no server: only from the caller it can know whom to ask.
    let room = bert.create_room(&json!({ "preset": "public_chat", "room_version": "12" })).await.unwrap();
    let mut berts = calls_from_elsewhere(&world, &bert, &room, false).await;
    assert_eq!(world.participants(&room).await, Some(1));
    berts.hang_up().unwrap();
}
