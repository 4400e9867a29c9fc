//! The real parts work at all: what `cargo xtask test` installs can be started and does what the launchers say.

use std::time::Duration;

use confocal_testing::parts::{Places, Synapse, free_port};
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
