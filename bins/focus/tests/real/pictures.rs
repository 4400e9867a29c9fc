//! Who sees whom: pictures forwarded to browsers and to aiortc, of whoever speaks, never one's own.
//!
//! Each person shows a colour of their own, so that a picture says whose it is.

use std::time::Duration;

use confocal_testing::parts::{AiortcCaller, CallerOptions, FocusProcess, Shown, ShownCodec, Sound, User};
use serde_json::{Value, json};

use crate::people::{People, TONES};
use crate::world::{SOON, World, eventually};

pub(crate) const RED: [u8; 3] = [224, 16, 32];
pub(crate) const BLUE: [u8; 3] = [16, 48, 224];
pub(crate) const GREEN: [u8; 3] = [16, 176, 64];

/// How far each part of a colour may be off after coding.
const OFF: u8 = 40;

/// What one's page sees in the middle of the conference's picture; `None` while there is none.
async fn seen(people: &People, eyes: usize, look: &str) -> Option<[u8; 3]> {
    // Beside the bar that goes through all pictures, wherever it is: of three points two are beside it.
    seen_at(people, eyes, look, json!([[0.3, 0.5], [0.5, 0.5], [0.7, 0.5]])).await
}

/// The middle one of the colours at three points.
pub(crate) async fn seen_at(people: &People, eyes: usize, look: &str, points: Value) -> Option<[u8; 3]> {
    let seen = people.ask(eyes, &format!("return person.{look}(args)"), points).await;
    let mut colours: Vec<[u8; 3]> = seen["colours"].as_array()?.iter().filter_map(colour).collect();
    colours.sort_unstable();
    colours.get(1).copied()
}

fn colour(value: &Value) -> Option<[u8; 3]> {
    let part = |at: usize| value.get(at)?.as_u64().and_then(|part| u8::try_from(part).ok());
    Some([part(0)?, part(1)?, part(2)?])
}

pub(crate) fn is_about(seen: Option<[u8; 3]>, wanted: [u8; 3]) -> bool {
    seen.is_some_and(|seen| seen.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) <= OFF))
}

pub(crate) async fn sees(people: &People, eyes: usize, wanted: [u8; 3]) {
    let from = tokio::time::Instant::now();
    let mut last = None;
    while !is_about(last, wanted) {
        if from.elapsed() > SOON {
            // Enough to tell whose fault it is.
            let received = people.ask(eyes, "return person.pictures()", Value::Null).await;
            let known = people.world.focus.conferences().await.unwrap();
            panic!("person {eyes} sees {last:?}, not {wanted:?}; received: {received}; known: {known}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        last = seen(people, eyes, "look").await;
    }
}

/// People whose cameras show these colours, in their group room.
pub(crate) async fn people(name: &str, settings: &str, colours: &[&str]) -> People {
    let more: Vec<Value> =
        colours.iter().map(|colour| json!({ "colour": colour, "screen_colour": "rgb(16 176 64)" })).collect();
    People::in_room_with(name, settings, &more).await
}

pub(crate) async fn join_with(people: &People, number: usize, how: Value) {
    people.people[number].join(&people.room, how).await.unwrap();
}

pub(crate) async fn mute(people: &People, number: usize, muted: bool) {
    people.ask(number, "return person.setMuted(args)", json!(muted)).await;
}

/// What [`COLOURS`] look like.
pub(crate) const SEEN: [[u8; 3]; 3] = [RED, BLUE, GREEN];

pub(crate) const COLOURS: [&str; 3] = ["rgb(224 16 32)", "rgb(16 48 224)", "rgb(16 176 64)"];

#[tokio::test]
async fn whoever_speaks_is_seen_and_sees_who_spoke_before() {
    let people = people("pictures-speaker", "", &COLOURS).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    join_with(&people, 1, json!({ "camera": true })).await;
    // The third one only looks, and is silent.
    join_with(&people, 2, json!({ "watch": true })).await;
    mute(&people, 2, true).await;
    sees(&people, 0, BLUE).await;
    sees(&people, 1, RED).await;

    for (speaker, silent, shown, other) in [(0, 1, RED, BLUE), (1, 0, BLUE, RED)] {
        mute(&people, silent, true).await;
        mute(&people, speaker, false).await;
        sees(&people, 2, shown).await;
        sees(&people, silent, shown).await;
        sees(&people, speaker, other).await;
    }
}

#[tokio::test]
async fn a_camera_comes_and_goes_in_a_running_call() {
    let people = people("pictures-change", "", &COLOURS[..2]).await;
    join_with(&people, 0, json!({ "watch": true })).await;
    join_with(&people, 1, json!({})).await;
    people.hear_each_other().await;
    assert_eq!(seen(&people, 0, "look").await, None, "nobody shows anything yet");
    assert!(is_dark(&people, 0).await, "its client would show a picture of nothing");
    // From voice to video and back.
    people.ask(1, "return person.setCamera(true)", Value::Null).await;
    sees(&people, 0, BLUE).await;
    eventually("the client is told that there is a picture", SOON, async || !is_dark(&people, 0).await).await;
    assert!(is_dark(&people, 1).await, "there is nobody but themselves");
    people.ask(1, "return person.setCamera(false)", Value::Null).await;
    people.hear_each_other().await;
    eventually("the client is told that there is none", SOON, async || is_dark(&people, 0).await).await;
    people.ask(1, "return person.setCamera(true)", Value::Null).await;
    sees(&people, 0, BLUE).await;
    people.hear_each_other().await;
}

/// Whether the client of one was told that there is nothing to see.
async fn is_dark(people: &People, eyes: usize) -> bool {
    people.state(eyes).await["dark"].as_bool().unwrap()
}

/// A caller of aiortc that shows a colour, and speaks all the time if it has a tone.
pub(crate) async fn shows(
    world: &World,
    user: &User,
    room: &str,
    picture: Shown,
    tone: Option<f64>,
) -> AiortcCaller {
    let options = CallerOptions {
        group_room: Some(room.to_owned()),
        sound: tone.map_or(Sound::Silence, |hertz| Sound::Tone { hertz, dbfs: -20.0 }),
        picture: Some(picture),
        ..CallerOptions::new(&FocusProcess::user_id_at(room, world.synapse.server_name()))
    };
    let mut caller = AiortcCaller::start(&world.places, &world.directory, user, &options).unwrap();
    caller.connected(SOON).await.unwrap();
    caller
}

#[tokio::test]
async fn aiortc_sees_chromium_and_is_seen_by_it() {
    let people = people("pictures-aiortc", "", &COLOURS[..1]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    let user = people.world.user("dora").await;
    people.users[0].invite(&people.room, &user.user_id).await.unwrap();
    user.join(&people.room).await.unwrap();
    let green = Shown { colour: GREEN, codec: ShownCodec::Vp8 };
    let mut dora = shows(&people.world, &user, &people.room, green, Some(TONES[1])).await;
    sees(&people, 0, GREEN).await;
    dora.sees("red", SOON, |seen| seen.is_about(RED)).await.unwrap();
}

#[tokio::test]
async fn two_with_h264_see_each_other() {
    let world = World::start("pictures-h264", "").await;
    let users = [world.user("anna").await, world.user("bert").await];
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let h264 = |colour| Shown { colour, codec: ShownCodec::H264 };
    let mut anna = shows(&world, &users[0], &room, h264(RED), Some(TONES[0])).await;
    let mut bert = shows(&world, &users[1], &room, h264(BLUE), Some(TONES[1])).await;
    anna.sees("blue", SOON, |seen| seen.is_about(BLUE)).await.unwrap();
    bert.sees("red", SOON, |seen| seen.is_about(RED)).await.unwrap();
}

#[tokio::test]
async fn pictures_flow_without_a_freeze_and_the_first_one_comes_soon() {
    let people = people("pictures-flow", "", &COLOURS[..2]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    // Only the picture of the other one counts: nobody else is there.
    join_with(&people, 1, json!({ "camera": true })).await;
    sees(&people, 1, RED).await;
    let first = people.ask(1, "return person.firstPicture()", Value::Null).await.as_f64().unwrap();
    assert!(first <= 2000.0, "the first picture came {first} ms after the connection");
    let before = flow(&people, 1).await;
    eventually("200 more frames", Duration::from_secs(20), async || {
        flow(&people, 1).await.frames >= before.frames + 200
    })
    .await;
    let after = flow(&people, 1).await;
    assert_eq!(after.freezes, before.freezes, "{after:?}");
}

#[derive(Debug)]
pub(crate) struct FlowOfPictures {
    pub(crate) frames: u64,
    freezes: u64,
}

pub(crate) async fn flow(people: &People, eyes: usize) -> FlowOfPictures {
    let counts = people.ask(eyes, "return person.pictures()", Value::Null).await;
    let sum = |key: &str| counts.as_array().into_iter().flatten().filter_map(|one| one[key].as_u64()).sum();
    FlowOfPictures { frames: sum("framesDecoded"), freezes: sum("freezeCount") }
}

#[tokio::test]
async fn a_shared_screen_is_seen_in_a_stream_of_its_own_until_it_ends() {
    let people = people("pictures-screen", "", &COLOURS[..2]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    join_with(&people, 1, json!({ "camera": true })).await;
    sees(&people, 1, RED).await;
    people.ask(0, "return person.setScreen(true)", Value::Null).await;
    eventually("the screen is seen", SOON, async || is_about(seen(&people, 1, "lookAtScreen").await, GREEN))
        .await;
    // The camera goes on beside it, and so does the sound.
    sees(&people, 1, RED).await;
    people.hear_each_other().await;
    assert!(!is_dark(&people, 1).await);
    people.ask(0, "return person.setCamera(false)", Value::Null).await;
    eventually("there is nothing to see beside it", SOON, async || is_dark(&people, 1).await).await;
    assert!(is_about(seen(&people, 1, "lookAtScreen").await, GREEN));
    people.ask(0, "return person.setCamera(true)", Value::Null).await;
    sees(&people, 1, RED).await;
    people.ask(0, "return person.setScreen(false)", Value::Null).await;
    eventually("the screen is gone", SOON, async || seen(&people, 1, "lookAtScreen").await.is_none()).await;
    sees(&people, 1, RED).await;
}
