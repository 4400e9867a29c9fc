//! How members of a group room learn of its conference: state, words, who is counted; and what moderators make of it.

use std::time::Duration;

use confocal_testing::parts::{
    AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Sound, User, synthesise,
};
use serde_json::{Value, json};

use crate::world::{SOON, World, direct_room_of, eventually, notice};

const CONFERENCE: &str = "io.github.confocal.conference";
const FUNCTIONAL: &str = "io.element.functional_members";

/// An announcement changes every 30 s at the most, and after a crash people are given 30 s to call again.
const WITH_PATIENCE: Duration = Duration::from_secs(75);

/// Waits until a piece of state is as wanted.
async fn state(user: &User, room: &str, kind: &str, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let from = tokio::time::Instant::now();
    loop {
        let content = user.state(room, kind, key).await.unwrap();
        match content {
            Some(content) if wanted(&content) => return content,
            other => assert!(from.elapsed() < WITH_PATIENCE, "{kind} of {key} is {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Gives a user power in a room that its owner made.
async fn empower(owner: &User, room: &str, user: &str) {
    let mut levels = owner.state(room, "m.room.power_levels", "").await.unwrap().unwrap();
    levels["users"][user] = json!(50);
    owner.set_state(room, "m.room.power_levels", "", &levels).await.unwrap();
}

fn others(content: &Value) -> Vec<&str> {
    content["service_members"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn a_conference_is_announced_where_power_allows_it_kept_right_and_cleared_at_the_end() {
    let world = World::start_beside("discovery-state", "[conference]\nlinger_seconds = 1\n").await;
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner
        .set_state(&room, FUNCTIONAL, "", &json!({ "service_members": ["@bridge:confocal.test"] }))
        .await
        .unwrap();
    let mut first = world.caller(&owner, &room, 437.0, &[]).await;
    // Without power nothing is said, neither in the state nor in words; it is tried again when that changes.
    assert_eq!(owner.state(&room, CONFERENCE, &focus_user).await.unwrap(), None);
    empower(&owner, &room, &focus_user).await;
    let announced =
        state(&guest, &room, CONFERENCE, &focus_user, |content| content["participants"] == 1).await;
    assert_eq!((&announced["focus"], &announced["kind"]), (&json!(focus_user), &json!("voice")));
    assert!(announced["started_at"].is_u64() && announced.get("names").is_none(), "{announced}");
    let counted = state(&guest, &room, FUNCTIONAL, "", |content| others(content).len() == 2).await;
    assert_eq!(others(&counted), ["@bridge:confocal.test", &focus_user]);

    let mut second = world.caller(&guest, &room, 631.0, &[]).await;
    let updated = state(&owner, &room, CONFERENCE, &focus_user, |content| content["participants"] == 2).await;
    assert_eq!(updated["started_at"], announced["started_at"]);
    let events = owner.timeline(&room, 100).await.unwrap();
    let times: Vec<u64> = events
        .iter()
        .filter(|event| event["type"] == CONFERENCE)
        .filter_map(|event| event["origin_server_ts"].as_u64())
        .collect();
    // The homeserver's clock is not the focus's: some of the time is spent on the way.
    assert!(times.len() == 2 && times[1] - times[0] > 25_000, "{times:?}");

    first.hang_up().unwrap();
    second.hang_up().unwrap();
    state(&owner, &room, CONFERENCE, &focus_user, |content| *content == json!({})).await;
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
    state(&owner, &room, FUNCTIONAL, "", |content| others(content) == ["@bridge:confocal.test"]).await;
}

#[tokio::test]
async fn what_was_announced_before_a_crash_is_cleared_after_it() {
    let mut world = World::start_beside("discovery-crash", "").await;
    let owner = world.user("owner").await;
    let room = world.group_room(&[&owner]).await;
    let focus_user = FocusProcess::user_id(&room);
    let mut caller = world.caller(&owner, &room, 437.0, &[]).await;
    empower(&owner, &room, &focus_user).await;
    state(&owner, &room, CONFERENCE, &focus_user, |content| content["participants"] == 1).await;
    world.focus.kill();
    world.focus.start().await.unwrap();
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    caller.until("the hangup", SOON, hangup).await.unwrap();
    state(&owner, &room, CONFERENCE, &focus_user, |content| *content == json!({})).await;
}

#[tokio::test]
async fn what_there_is_to_hear_is_said_in_words_and_what_the_operator_wants_said_in_the_room() {
    let settings = "[conference]\nlinger_seconds = 1\n[discovery]\nnames = true\nnotices = true\n";
    let world = World::start_beside("discovery-words", settings).await;
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let focus_user = FocusProcess::user_id(&room);
    let mut first = world.caller(&owner, &room, 437.0, &[]).await;
    let direct = direct_room_of(&owner, &room).await;
    notice(&owner, &direct, "You are in the conference, and nobody else is so far").await;
    notice(&guest, &room, &format!("A conference has begun: {} is in it", owner.user_id)).await;
    empower(&owner, &room, &focus_user).await;
    let announced =
        state(&guest, &room, CONFERENCE, &focus_user, |content| content["participants"] == 1).await;
    assert_eq!(announced["names"], json!([owner.user_id]));

    let mut second = world.caller(&guest, &room, 631.0, &[]).await;
    let guests = direct_room_of(&guest, &room).await;
    notice(&guest, &guests, "You are in the conference, with one other person").await;

    first.hang_up().unwrap();
    second.hang_up().unwrap();
    notice(&guest, &room, "The conference is over").await;
}

/// Who listens is silent: a tone that never pauses would keep the word once it has it.
#[tokio::test]
async fn a_caller_is_told_who_speaks_where_the_operator_wants_it() {
    let world = World::start("discovery-speaker", "[discovery]\nasserted_identity = true\n").await;
    let speech = synthesise(&world.places).await.unwrap();
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let calling = async |user, sound| {
        let options = CallerOptions {
            group_room: Some(room.clone()),
            sound,
            ..CallerOptions::new(&FocusProcess::user_id(&room))
        };
        let mut caller = AiortcCaller::start(&world.places, &world.directory, user, &options).unwrap();
        caller.connected(SOON).await.unwrap();
        caller
    };
    let _speaker = calling(&owner, Sound::File(speech.first)).await;
    let _listener = calling(&guest, Sound::Silence).await;
    let direct = direct_room_of(&guest, &room).await;
    let speaks = |event: &Value| event["type"] == "org.matrix.call.asserted_identity";
    let told = guest.wait_for_event(&direct, "who speaks", WITH_PATIENCE, speaks).await.unwrap();
    assert_eq!(told["content"]["asserted_identity"], json!({ "id": owner.user_id, "display_name": "owner" }));
}

#[tokio::test]
async fn a_moderator_makes_the_focus_stay_and_go_again_and_a_member_can_not() {
    let mut world = World::start("discovery-stay", "[conference]\nidle_seconds = 4\n").await;
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.invite(&room, &focus_user).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    // What is said before it knows of its own join is not for it.
    eventually("it knows that it has joined", SOON, async || world.participants(&room).await.is_some()).await;
    owner.say(&room, "!conference stay on").await.unwrap();
    notice(&owner, &room, "I stay in the room for good").await;
    guest.say(&room, "!conference stay off").await.unwrap();
    notice(&owner, &room, "Only moderators").await;
    world.focus.kill();
    world.focus.start().await.unwrap();
    // Longer than it waits elsewhere, as a room beside it shows.
    let other = world.group_room(&[&owner]).await;
    let others = FocusProcess::user_id(&other);
    owner.invite(&other, &others).await.unwrap();
    owner.wait_for_membership(&other, &others, "join", SOON).await.unwrap();
    owner.wait_for_membership(&other, &others, "leave", SOON).await.unwrap();
    assert_eq!(owner.members(&room).await.unwrap().get(&focus_user).map(String::as_str), Some("join"));
    owner.say(&room, "!conference stay off").await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
}
