//! Ways through a network that lets nobody send UDP straight to the focus: relays (TURN), reached by UDP and TCP, and TCP to the focus
//! itself.

use confocal_testing::parts::{AiortcCaller, Browser, Levels, PageServer, Person};
use serde_json::{Value, json};

use crate::people::{hears_others, levels};
use crate::world::{SOON, World, eventually};

/// What callers send, in Hz: no harmonics of each other.
const TONES: [f64; 3] = [437.0, 631.0, 1013.0];

#[tokio::test]
async fn callers_by_relays_over_udp_and_tcp_hear_and_are_heard() {
    let (world, _turn) = World::start_with_relay("ways-relay", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let browser = Browser::start(&world.directory).await.unwrap();
    let users = [world.user("anna").await, world.user("bert").await, world.user("cleo").await];
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let mut people = Vec::new();
    for ((user, tone), transport) in users.iter().zip(TONES).zip(["udp", "tcp"]) {
        let by = json!({ "relay_by": transport });
        let person = Person::start_with(&pages, &browser, user, tone, &by).await.unwrap();
        person.join(&room, json!({})).await.unwrap();
        let path = path(&person).await;
        assert_eq!(path["local"]["type"], "relay", "{path}");
        assert_eq!(path["local"]["relay_protocol"], transport, "{path}");
        people.push(person);
    }
    let mut caller = world.caller(&users[2], &room, TONES[2], &TONES).await;
    hear_each_other(&people, &mut caller, 3).await;
}

#[tokio::test]
async fn a_caller_without_udp_calls_by_tcp_also_after_an_ice_restart() {
    let world = World::start("ways-tcp", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let browser = Browser::start_without_udp(&world.directory).await.unwrap();
    let users = [world.user("anna").await, world.user("bert").await];
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let people = [Person::start(&pages, &browser, &users[0], TONES[0]).await.unwrap()];
    people[0].join(&room, json!({})).await.unwrap();
    let path_before = path(&people[0]).await;
    assert_eq!(path_before["local"]["protocol"], "tcp", "{path_before}");
    assert_eq!(path_before["remote"]["protocol"], "tcp", "{path_before}");
    let mut caller = world.caller(&users[1], &room, TONES[1], &TONES).await;
    hear_each_other(&people, &mut caller, 2).await;

    let session =
        async || people[0].page.run("return person.iceSession()", &Value::Null, SOON).await.unwrap();
    let before = session().await;
    people[0].page.run("person.restartIce()", &Value::Null, SOON).await.unwrap();
    eventually("both ends have begun anew", SOON, async || {
        let now = session().await;
        now["local"] != before["local"] && now["remote"] != before["remote"]
    })
    .await;
    hear_each_other(&people, &mut caller, 2).await;
}

/// The candidates in use, as soon as there are any.
async fn path(person: &Person) -> Value {
    let mut path = Value::Null;
    eventually("a candidate pair is in use", SOON, async || {
        path = person.path().await.unwrap();
        !path.is_null()
    })
    .await;
    path
}

/// All of the conference, who are `count`, the last one the caller, hear the others and not themselves.
async fn hear_each_other(people: &[Person], caller: &mut AiortcCaller, count: usize) {
    let tones = &TONES[..count];
    for (own, person) in people.iter().enumerate() {
        let what = format!("person {own} hears the others, and not themselves");
        eventually(&what, SOON, async || hears_others(&levels(person, tones).await, own)).await;
    }
    let others_only = |levels: &Levels| {
        let levels: Vec<f64> = tones.iter().map(|&tone| levels.tone(tone)).collect();
        hears_others(&levels, count - 1)
    };
    caller.hears("the others and not itself", SOON, others_only).await.unwrap();
}
