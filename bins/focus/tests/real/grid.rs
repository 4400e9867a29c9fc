//! All side by side in one picture, made by the focus: for browsers, for callers of another codec, until someone chooses otherwise.

use confocal_testing::parts::{Shown, ShownCodec};
use serde_json::{Value, json};

use crate::people::People;
use crate::pictures::{COLOURS, GREEN, RED, flow, is_about, join_with, mute, people, seen_at, sees, shows};
use crate::world::{SOON, eventually};

/// The middles of the tiles of three: two above, one below (from the left and from the top, 0 to 1).
const OF_THREE: [(f64, f64); 3] = [(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)];

/// The mean of a picture of which rather more than half is red, on a dark ground.
const MOSTLY_RED: [u8; 3] = [RED[0] / 2, 25, 30];

/// What is seen in a tile, of so many parts of the picture's width.
async fn tile(people: &People, eyes: usize, (x, y): (f64, f64), parts: f64) -> Option<[u8; 3]> {
    // Beside the bar that goes through all pictures, wherever it is.
    let beside = 0.2 / parts;
    seen_at(people, eyes, "look", json!([[x - beside, y], [x, y], [x + beside, y]])).await
}

async fn sees_in_tile(people: &People, eyes: usize, at: (f64, f64), parts: f64, wanted: [u8; 3]) {
    let what = format!("person {eyes} sees {wanted:?} at {at:?}");
    eventually(&what, SOON, async || is_about(tile(people, eyes, at, parts).await, wanted)).await;
}

#[tokio::test]
async fn all_are_seen_by_all_until_the_speaker_is_chosen() {
    let people = people("grid-all", "[video]\nlayout = \"grid\"\n", &COLOURS).await;
    for number in 0..3 {
        join_with(&people, number, json!({ "camera": true })).await;
    }
    let colours = crate::pictures::SEEN;
    for eyes in 0..3 {
        for (at, colour) in OF_THREE.into_iter().zip(colours) {
            sees_in_tile(&people, eyes, at, 2.0, colour).await;
        }
    }
    // Whose camera goes off is still there, but not to be seen.
    people.ask(1, "return person.setCamera(false)", Value::Null).await;
    eventually("an avatar is seen", SOON, async || {
        !is_about(tile(&people, 0, OF_THREE[1], 2.0).await, colours[1])
    })
    .await;
    sees_in_tile(&people, 0, OF_THREE[0], 2.0, colours[0]).await;
    people.ask(1, "return person.setCamera(true)", Value::Null).await;
    sees_in_tile(&people, 0, OF_THREE[1], 2.0, colours[1]).await;

    let before = flow(&people, 0).await;
    eventually("100 more frames", SOON, async || flow(&people, 0).await.frames >= before.frames + 100).await;
    people.hear_each_other().await;

    people.users[0].say(&people.room, "!conference layout speaker").await.unwrap();
    for silent in [0, 1] {
        mute(&people, silent, true).await;
    }
    sees(&people, 0, GREEN).await;
    people.users[0].say(&people.room, "!conference layout grid").await.unwrap();
    sees_in_tile(&people, 0, OF_THREE[0], 2.0, colours[0]).await;
}

#[tokio::test]
async fn those_who_know_other_codecs_see_each_other_in_a_picture_that_is_made() {
    let people = people("grid-codecs", "", &COLOURS[..1]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    let user = people.world.user("dora").await;
    people.users[0].invite(&people.room, &user.user_id).await.unwrap();
    user.join(&people.room).await.unwrap();
    let green = Shown { colour: GREEN, codec: ShownCodec::H264 };
    // The browser speaks, and is large in the picture; beside it is who has no voice.
    let mut dora = shows(&people.world, &user, &people.room, green, None).await;
    dora.sees("red", SOON, |seen| seen.is_about(MOSTLY_RED)).await.unwrap();
    sees_in_tile(&people, 0, (0.875, 0.125), 4.0, GREEN).await;
}
