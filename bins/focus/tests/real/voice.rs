//! People in browsers hear each other, mixed, and never themselves.

use std::time::Duration;

use confocal_testing::parts::{Browser, PageServer, Person, Rule};
use http::Method;
use serde_json::json;

use crate::world::{SOON, World, eventually};

/// No harmonics of each other.
const TONES: [f64; 3] = [437.0, 631.0, 1013.0];

/// What counts as heard, and by how much one's own voice must be below the others', in dB.
const HEARD: f64 = -45.0;
const OWN_BELOW: f64 = 40.0;

#[tokio::test]
async fn three_browsers_hear_each_other_and_not_themselves() {
    let world = World::start("voice-three", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let browser = Browser::start(&world.directory).await.unwrap();
    let users = [world.user("anna").await, world.user("bert").await, world.user("cleo").await];
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let mut people = Vec::new();
    for (user, tone) in users.iter().zip(TONES) {
        let person = Person::start(&pages, &browser, user, tone).await.unwrap();
        person.join(&room, json!({})).await.unwrap();
        people.push(person);
    }
    assert_eq!(world.participants(&room).await, Some(3));

    for (own, person) in people.iter().enumerate() {
        eventually(&format!("person {own} hears the other two"), SOON, async || {
            let levels = person.levels(&TONES).await.unwrap();
            let others: Vec<f64> = (0..3).filter(|&tone| tone != own).map(|tone| levels[tone]).collect();
            let quietest = others.iter().copied().fold(f64::INFINITY, f64::min);
            quietest > HEARD && levels[own] < quietest - OWN_BELOW
        })
        .await;
    }

    people[2].hang_up().await.unwrap();
    for (own, person) in people.iter().enumerate().take(2) {
        eventually(
            &format!("person {own} hears the one who is left, and no longer the third"),
            SOON,
            async || {
                let levels = person.levels(&TONES).await.unwrap();
                levels[1 - own] > HEARD && levels[2] < levels[1 - own] - OWN_BELOW
            },
        )
        .await;
    }
    assert_eq!(world.participants(&room).await, Some(2));
}

#[tokio::test]
async fn a_call_50_ms_after_the_invitation_is_answered_though_the_join_takes_3_s() {
    let world = World::start("voice-late-join", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let browser = Browser::start(&world.directory).await.unwrap();
    let user = world.user("anna").await;
    let room = world.group_room(&[&user]).await;
    world.requests.add(Rule::delay(Method::POST, "/join", Duration::from_secs(3)));
    let person = Person::start(&pages, &browser, &user, TONES[0]).await.unwrap();
    let joined = person.join(&room, json!({ "invite_to_call_ms": 50 })).await.unwrap();
    assert!(joined["connectedMs"].as_f64().unwrap() > 3000.0, "the join was held up: {joined}");
    assert!(!world.requests.applied().is_empty());
}
