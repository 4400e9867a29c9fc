//! The bridge between real parts: people are in conference by the focus in it, and hear its parrot, by one listener.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

use std::time::Duration;

use confocal_signalling::Secret;
use confocal_testing::parts::{
    AiortcCaller, CallerOptions, FocusProcess, Places, Sound, Synapse, User, free_port,
};
use embed_in_a_bridge::{Settings, run};
use serde_json::json;
use tokio::net::TcpListener;

/// Enough for anything that is going to happen at all, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

const ANNA: f64 = 437.0;
const BERT: f64 = 631.0;

#[tokio::test]
async fn a_bridge_has_conferences_and_its_own_handler_on_one_listener() {
    let places = Places::find();
    let directory = places.scratch("bridge").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free_port().unwrap();
    let settings = Settings {
        server_name: Synapse::SERVER_NAME.try_into().unwrap(),
        homeserver_url: format!("http://127.0.0.1:{port}"),
        listen: listener.local_addr().unwrap(),
        as_token: Secret::new("as-token-of-the-bridge"),
        hs_token: Secret::new("hs-token-of-the-bridge"),
        store: directory.join("bridge.db"),
    };
    let registration = directory.join("registration.json");
    std::fs::write(&registration, settings.registration().unwrap().to_string()).unwrap();
    let bridge = tokio::spawn(async move { run(listener, &settings).await });
    let synapse = Synapse::start(&places, &directory, port, &[registration]).await.unwrap();

    let (anna, bert) = (synapse.register("anna").await.unwrap(), synapse.register("bert").await.unwrap());
    let options = json!({ "preset": "private_chat", "invite": [bert.user_id, "@parrot:confocal.test"] });
    let room = anna.create_room(&options).await.unwrap();
    bert.join(&room).await.unwrap();
    let call = |user: &User, tone: f64, other: f64| {
        let options = CallerOptions {
            group_room: Some(room.clone()),
            sound: Sound::Tone { hertz: tone, dbfs: -20.0 },
            listen_hertz: vec![other],
            ..CallerOptions::new(&FocusProcess::user_id(&room))
        };
        AiortcCaller::start(&places, &directory, user, &options).unwrap()
    };
    let (mut annas, mut berts) = (call(&anna, ANNA, BERT), call(&bert, BERT, ANNA));
    annas.hears("Bert", SOON, |levels| levels.tone(BERT) > -45.0).await.unwrap();
    berts.hears("Anna", SOON, |levels| levels.tone(ANNA) > -45.0).await.unwrap();

    anna.wait_for_membership(&room, "@parrot:confocal.test", "join", SOON).await.unwrap();
    anna.say(&room, "!parrot good morning").await.unwrap();
    let repeated = |event: &serde_json::Value| {
        event["sender"] == "@parrot:confocal.test" && event["content"]["body"] == "good morning"
    };
    anna.wait_for_event(&room, "the parrot", SOON, repeated).await.unwrap();
    // What the parrot is for did not end the conference, nor did the bridge.
    annas.hears("Bert still", SOON, |levels| levels.tone(BERT) > -45.0).await.unwrap();
    assert!(!bridge.is_finished());
    bridge.abort();
}
