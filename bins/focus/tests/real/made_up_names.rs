//! Rooms whose focus user can't be named after them, since the id would be longer than an id may be: it has a made-up name, which the
//! bot tells.

use confocal_testing::parts::{AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Sound, User};
use serde_json::json;

use crate::world::{SOON, World, eventually};

/// A homeserver of this name has room ids that make too long a user id, and is allowed to be called so.
const HOMESERVER: &str = "chat.institute-for-the-study-of-names.faculty-of-letters-and-numbers.\
                          university-of-the-farthest-corner.confocal.test";
const ANNA: f64 = 437.0;
const BERT: f64 = 631.0;

/// The focus user that the bot names in a room.
async fn told(user: &User, room: &str) -> String {
    let link = |text: &str| {
        let (_, link) = text.split_once("https://matrix.to/#/")?;
        link.split_whitespace().next().map(|user| user.trim_end_matches(['.', ',', ')']).to_owned())
    };
    let from_bot =
        |event: &serde_json::Value| event["sender"].as_str().is_some_and(|it| it.starts_with("@conference:"));
    let event = user
        .wait_for_event(room, "whom to call", SOON, |event| {
            from_bot(event) && event["content"]["body"].as_str().and_then(link).is_some()
        })
        .await
        .unwrap();
    event["content"]["body"].as_str().and_then(link).unwrap()
}

async fn caller(world: &World, user: &User, focus_user: &str, tone: f64, other: f64) -> AiortcCaller {
    let options = CallerOptions {
        sound: Sound::Tone { hertz: tone, dbfs: -20.0 },
        listen_hertz: vec![other],
        ..CallerOptions::new(focus_user)
    };
    let mut caller = AiortcCaller::start(&world.places, &world.directory, user, &options).unwrap();
    caller.connected(SOON).await.unwrap();
    caller
}

#[tokio::test]
async fn who_calls_the_name_that_the_bot_tells_is_in_the_conference_also_after_a_restart() {
    let mut world = World::start_with("made-up-name", "", &json!({ "server_name": HOMESERVER })).await;
    let (anna, bert) = (world.user("anna").await, world.user("bert").await);
    let room = world.group_room(&[&anna, &bert]).await;
    assert!(FocusProcess::user_id_at(&room, HOMESERVER).len() > 255, "{room} is short enough");
    anna.invite(&room, &format!("@conference:{HOMESERVER}")).await.unwrap();
    let focus_user = told(&bert, &room).await;
    assert!(focus_user.starts_with("@conf_x") && focus_user.len() <= 255, "{focus_user}");

    anna.say(&room, "!conference start").await.unwrap();
    anna.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    let mut annas = caller(&world, &anna, &focus_user, ANNA, BERT).await;
    world.focus.kill();
    world.focus.start().await.unwrap();
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    annas.until("the hangup", SOON, hangup).await.unwrap();

    // She calls again, and he for the first time: nobody but the records knows which room the name means.
    let mut annas = caller(&world, &anna, &focus_user, ANNA, BERT).await;
    let mut berts = caller(&world, &bert, &focus_user, BERT, ANNA).await;
    annas.hears("Bert", SOON, |levels| levels.tone(BERT) > -45.0).await.unwrap();
    berts.hears("Anna", SOON, |levels| levels.tone(ANNA) > -45.0).await.unwrap();
    assert_eq!(world.participants(&room).await, Some(2));

    // Who leaves the room is out of its conference.
    bert.leave(&room).await.unwrap();
    berts.until("the hangup", SOON, hangup).await.unwrap();
    eventually("one is left", SOON, async || world.participants(&room).await == Some(1)).await;
}
