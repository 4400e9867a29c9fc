//! What people do in the middle of a call, by matrix-js-sdk in Chromium, judged by what the others hear.

use confocal_testing::parts::{FocusProcess, Person};
use serde_json::{Value, json};

use crate::people::{People, TONES};
use crate::world::{SOON, eventually};

#[tokio::test]
async fn on_hold_nobody_is_heard_even_if_their_client_goes_on_sending_and_resumed_they_are() {
    let people = People::in_conference("browsers-hold", 2).await;
    people.ask(0, "person.setHold(true, { talking: true })", Value::Null).await;
    people.hears_nothing_of(1, 0).await;
    eventually("the focus shows it", SOON, async || {
        people.legs(0).await.iter().all(|leg| leg["state"] == "held")
    })
    .await;
    // Nothing is sent to them either: what is on its way arrives, and then no more.
    let stats = async || people.ask(0, "return person.stats()", Value::Null).await;
    let packets = async || stats().await["packetsReceived"].clone();
    let mut last = packets().await;
    eventually("no packet in half a second", SOON, async || {
        people.ask(1, "await person.levels([100], 500)", Value::Null).await;
        let now = packets().await;
        std::mem::replace(&mut last, now.clone()) == now
    })
    .await;
    people.ask(0, "person.setHold(false)", Value::Null).await;
    people.hears(1, 0).await;
    // The one other's tone, as it is decoded: Chromium gives Web Audio nothing of a track that was taken away and came back.
    eventually("the tone is decoded again", SOON, async || {
        stats().await["totalAudioEnergy"].as_f64().is_some_and(|energy| energy > 0.01)
    })
    .await;
    assert_eq!(people.state(0).await["call_state"], "connected");
}

#[tokio::test]
async fn a_client_restarts_ice_and_goes_on_hearing_and_being_heard() {
    let people = People::in_conference("browsers-ice", 2).await;
    let session = async || people.ask(0, "return person.iceSession()", Value::Null).await;
    let before = session().await;
    people.ask(0, "person.restartIce()", Value::Null).await;
    eventually("both ends have begun anew", SOON, async || {
        let now = session().await;
        now["local"] != before["local"] && now["remote"] != before["remote"]
    })
    .await;
    people.hear_each_other().await;
    assert_eq!(people.state(0).await["call_state"], "connected");
}

#[tokio::test]
async fn muted_in_their_client_nobody_is_heard_and_unmuted_they_are() {
    let people = People::in_conference("browsers-mute", 2).await;
    let shows = async |muted: bool| {
        eventually(&format!("the focus shows muted = {muted}"), SOON, async || {
            people.legs(0).await.iter().any(|leg| leg["muted"] == muted)
        })
        .await;
    };
    people.ask(0, "return person.setMuted(true)", Value::Null).await;
    people.hears_nothing_of(1, 0).await;
    people.hears(0, 1).await;
    shows(true).await;
    people.ask(0, "return person.setMuted(false)", Value::Null).await;
    people.hear_each_other().await;
    shows(false).await;
}

#[tokio::test]
async fn a_second_device_takes_over_and_the_first_one_is_told() {
    let people = People::in_conference("browsers-second", 2).await;
    let device = people.world.synapse.log_in("anna").await.unwrap();
    assert_ne!(device.device_id, people.users[0].device_id);
    let second = Person::start(&people.pages, &people.browser, &device, TONES[3]).await.unwrap();
    second.join(&people.room, json!({})).await.unwrap();
    people.hears(1, 3).await;
    people.hears_nothing_of(1, 0).await;
    let first = people.ask(0, "return person.waitFor('ended')", Value::Null).await;
    assert_eq!(first["hangup_party"], "remote", "{first}");
    people.ask(0, "return person.waitForNotice('called again')", Value::Null).await;
    let levels = second.levels(&TONES).await.unwrap();
    assert!(levels[1] > -45.0 && levels[3] < levels[1] - 40.0, "{levels:?}");
    assert_eq!(people.legs(0).await.len(), 1);
    assert_eq!(people.world.participants(&people.room).await, Some(2));
}

#[tokio::test]
async fn a_page_that_is_reloaded_in_a_call_comes_back_with_one_voice() {
    let mut people = People::in_conference("browsers-reload", 2).await;
    let before = people.state(0).await["call_id"].clone();
    people.people[0].reload(&people.users[0], TONES[3]).await.unwrap();
    people.join(0).await;
    assert_ne!(people.state(0).await["call_id"], before);
    people.hears(1, 3).await;
    people.hears_nothing_of(1, 0).await;
    people.hears(0, 1).await;
    let levels = people.levels(0).await;
    assert!(levels[3] < levels[1] - 40.0, "nobody hears themselves by their old call: {levels:?}");
    assert_eq!(people.legs(0).await.len(), 1, "the old call is over");
    assert_eq!(people.world.participants(&people.room).await, Some(2));
}

#[tokio::test]
async fn in_an_encrypted_chat_the_caller_reads_what_to_do_and_it_works() {
    let mut people = People::in_room("browsers-encrypted", 2).await;
    people.join(1).await;
    let focus = FocusProcess::user_id(&people.room);
    let room = people.ask(0, "return person.openEncrypted(args)", json!(focus)).await;
    let read = "while (true) {
        const said = person.saidIn(args).find((text) => text.includes('without encryption'));
        if (said) return said;
        await new Promise((go) => setTimeout(go, 50));
    }";
    people.ask(0, read, room.clone()).await;
    people.join(0).await;
    assert_ne!(json!(people.direct(0).await), room, "the call is in another room");
    people.hear_each_other().await;
}
