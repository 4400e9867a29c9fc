//! matrix-js-sdk in Firefox, among callers of other kinds.

use confocal_testing::parts::{Browser, Levels, PageServer, Person};
use serde_json::{Value, json};

use crate::people::{hears_others, levels};
use crate::world::{SOON, World, eventually, notice};

/// What Firefox, Chromium and aiortc send, in Hz: no harmonics of each other.
const TONES: [f64; 3] = [437.0, 631.0, 1013.0];

/// What counts as not heard, in dBFS.
const SILENT: f64 = -70.0;

#[tokio::test]
async fn firefox_chromium_and_aiortc_hear_each_other_and_firefox_can_mute_and_hold() {
    let world = World::start("firefox", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let firefox = Browser::start_firefox(&world.directory).await.unwrap();
    let chromium = Browser::start(&world.directory).await.unwrap();
    let users = [world.user("anna").await, world.user("bert").await, world.user("cleo").await];
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let mut people = Vec::new();
    for ((browser, user), tone) in [&firefox, &chromium].into_iter().zip(&users).zip(TONES) {
        let person = Person::start(&pages, browser, user, tone).await.unwrap();
        person.join(&room, json!({})).await.unwrap();
        people.push(person);
    }
    let mut caller = world.caller(&users[2], &room, TONES[2], &TONES).await;
    let hear_each_other = async || {
        for (own, person) in people.iter().enumerate() {
            let what = format!("person {own} hears the others, and not themselves");
            eventually(&what, SOON, async || hears_others(&levels(person, &TONES).await, own)).await;
        }
    };
    hear_each_other().await;
    let others_only = |levels: &Levels| hears_others(&TONES.map(|tone| levels.tone(tone)), 2);
    caller.hears("the others and not itself", SOON, others_only).await.unwrap();

    let ask = async |script: &str| people[0].page.run(script, &Value::Null, SOON).await.unwrap();
    let off_and_on = [
        ("return person.setMuted(true)", "return person.setMuted(false)"),
        ("person.setHold(true, { talking: true })", "person.setHold(false)"),
    ];
    for (off, on) in off_and_on {
        ask(off).await;
        eventually(&format!("nobody in Firefox is heard after {off}"), SOON, async || {
            levels(&people[1], &TONES).await[0] < SILENT
        })
        .await;
        ask(on).await;
        hear_each_other().await;
    }
    assert_eq!(ask("return person.state()").await["call_state"], "connected");
}

#[tokio::test]
async fn after_a_crash_firefox_is_hung_up_and_told_since_it_begins_no_new_encryption() {
    let mut world = World::start("firefox-restart", "").await;
    let pages = PageServer::start(&world.places).await.unwrap();
    let browser = Browser::start_firefox(&world.directory).await.unwrap();
    let user = world.user("anna").await;
    let room = world.group_room(&[&user]).await;
    let person = Person::start(&pages, &browser, &user, TONES[0]).await.unwrap();
    let joined = person.join(&room, json!({})).await.unwrap();
    world.focus.kill();
    world.focus.start().await.unwrap();
    let ended = person.page.run("return person.waitFor('ended')", &Value::Null, SOON).await.unwrap();
    assert_eq!(ended["hangup_party"], "remote", "{ended}");
    notice(&user, joined["roomId"].as_str().unwrap(), "restarted").await;

    // And they can simply call again.
    person.join(&room, json!({})).await.unwrap();
    let caller = world.user("bert").await;
    user.invite(&room, &caller.user_id).await.unwrap();
    caller.join(&room).await.unwrap();
    let _caller = world.caller(&caller, &room, TONES[1], &TONES).await;
    eventually("they hear the other one", SOON, async || {
        hears_others(&levels(&person, &TONES[..2]).await, 0)
    })
    .await;
}
