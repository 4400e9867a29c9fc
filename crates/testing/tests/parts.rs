//! The real parts work at all: what `cargo xtask test` installs can be started and does what the launchers say.

use std::time::{Duration, Instant};

use confocal_testing::parts::{
    AiortcCaller, Browser, CallerEvent, CallerOptions, Levels, PageServer, Places, Sound, Synapse, Version,
    free_port,
};
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn synapse_takes_users_rooms_and_messages_and_keeps_them_over_a_restart() {
    let places = Places::find();
    let directory = places.scratch("synapse").expect("a directory");
    let mut synapse =
        Synapse::start(&places, &directory, free_port().expect("a port"), &[]).await.expect("it starts");
    let alice = synapse.register("alice").await.expect("alice is registered");
    let bob = synapse.register("bob").await.expect("bob is registered");
    assert_eq!(alice.user_id, "@alice:confocal.test");
    synapse.register("alice").await.expect_err("the name is taken");

    let room = alice.create_room(&json!({ "preset": "private_chat", "name": "Room" })).await.expect("a room");
    bob.join(&room).await.expect_err("not invited");
    alice.invite(&room, &bob.user_id).await.expect("invited");
    bob.join(&room).await.expect("joined");
    let said = bob.say(&room, "hello").await.expect("said");

    synapse.kill();
    bob.say(&room, "nobody there").await.expect_err("the server is down");
    synapse.start_again().await.expect("it starts again");

    let heard =
        |event: &serde_json::Value| event["event_id"] == said.as_str() && event["content"]["body"] == "hello";
    alice.wait_for_event(&room, "bob's hello", SOON, heard).await.expect("kept");
    alice.kick(&room, &bob.user_id).await.expect("kicked");
    alice.wait_for_membership(&room, &bob.user_id, "leave", SOON).await.expect("gone");
    alice.ban(&room, &bob.user_id).await.expect("banned");
    assert_eq!(alice.members(&room).await.expect("members")[&bob.user_id], "ban");
}

/// What a page or caller sends, in Hz, and how loud it must at least be heard, and a tone that nobody sends at most, in dBFS.
const PAGE_HERTZ: f64 = 613.0;
const CALLER_HERTZ: f64 = 437.0;
const HEARD: f64 = -35.0;
const NOT_HEARD: f64 = -60.0;

#[tokio::test]
async fn a_caller_and_a_browser_hear_each_other_in_both_versions() {
    let places = Places::find();
    let directory = places.scratch("call").expect("a directory");
    let synapse =
        Synapse::start(&places, &directory, free_port().expect("a port"), &[]).await.expect("it starts");
    let pages = PageServer::start(&places).await.expect("the pages are built");
    let browser = Browser::start(&directory).await.expect("a browser");
    for (version, trickle_only) in [(Version::V1, true), (Version::V0, false)] {
        let answering =
            synapse.register(&format!("answering{version:?}").to_lowercase()).await.expect("registered");
        let page = browser.open(&format!("{}/person.html", pages.base_url())).await.expect("the page opens");
        page.wait_for("window.person !== undefined", SOON).await.expect("the page is ready");
        let who = json!({
            "homeserver": answering.homeserver,
            "user_id": answering.user_id,
            "access_token": answering.access_token,
            "device_id": answering.device_id,
            "tone": PAGE_HERTZ,
        });
        page.run("return person.start(args)", &who, SOON).await.expect("logged in");

        let calling =
            synapse.register(&format!("calling{version:?}").to_lowercase()).await.expect("registered");
        let options = CallerOptions {
            version,
            trickle_only,
            sound: Sound::Tone { hertz: CALLER_HERTZ, dbfs: -20.0 },
            listen_hertz: vec![PAGE_HERTZ, CALLER_HERTZ],
            ..CallerOptions::new(&answering.user_id)
        };
        let mut caller = AiortcCaller::start(&places, &directory, &calling, &options).expect("it starts");
        page.run("return person.answerNext(30000)", &json!(null), SOON * 2)
            .await
            .expect("answered and connected");
        caller.connected(SOON).await.expect("connected");

        let heard =
            |levels: &Levels| levels.tone(PAGE_HERTZ) > HEARD && levels.tone(CALLER_HERTZ) < NOT_HEARD;
        caller.hears("the page's tone and not its own", SOON, heard).await.expect("it hears the page");
        let levels = page
            .run("return person.levels(args, 1000)", &json!([CALLER_HERTZ, PAGE_HERTZ]), SOON)
            .await
            .expect("measured");
        assert!(levels["437"].as_f64() > Some(HEARD) && levels["613"].as_f64() < Some(NOT_HEARD), "{levels}");
        page.screenshot(&directory.join("page.png")).await.expect("a picture");

        page.run("return person.hangup()", &json!(null), SOON).await.expect("hung up");
        caller
            .until("hangup", SOON, |event| matches!(event, CallerEvent::Hangup { .. }).then_some(()))
            .await
            .expect("the caller is told");
        page.close().await.expect("closed");
    }

    let profile = directory.join("profile").display().to_string();
    assert!(processes_with(&profile) > 0, "the browser runs until it is dropped");
    drop(browser);
    let from = Instant::now();
    while processes_with(&profile) > 0 {
        assert!(from.elapsed() < SOON, "the browser outlives its handle");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many processes have `text` in their command line.
fn processes_with(text: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

#[tokio::test]
async fn an_unanswered_caller_says_so_and_dies_with_its_handle() {
    let places = Places::find();
    let directory = places.scratch("unanswered").expect("a directory");
    let synapse =
        Synapse::start(&places, &directory, free_port().expect("a port"), &[]).await.expect("it starts");
    let (alice, bob) =
        (synapse.register("alice").await.expect("alice"), synapse.register("bob").await.expect("bob"));
    let options = CallerOptions { version: Version::V0, ..CallerOptions::new(&bob.user_id) };
    let mut caller = AiortcCaller::start(&places, &directory, &alice, &options).expect("it starts");
    let room = caller
        .until("placed", SOON, |event| {
            let CallerEvent::Placed { room_id, .. } = event else { return None };
            Some(room_id.clone())
        })
        .await
        .expect("placed");
    let is_invite = |event: &serde_json::Value| event["type"] == "m.call.invite";
    let invite = alice.wait_for_event(&room, "the invite", SOON, is_invite).await.expect("sent");
    assert_eq!(invite["content"]["version"], 0);
    assert_eq!(invite["content"]["lifetime"], 60_000);
    assert!(invite["content"].get("party_id").is_none());
    assert!(invite["content"]["offer"]["sdp"].as_str().is_some_and(|sdp| sdp.contains("a=candidate:")));

    caller.hang_up().expect("it listens");
    caller.until("ended", SOON, |event| (*event == CallerEvent::Ended).then_some(())).await.expect("ended");
    let is_hangup = |event: &serde_json::Value| event["type"] == "m.call.hangup";
    alice.wait_for_event(&room, "the hangup", SOON, is_hangup).await.expect("sent");
}
