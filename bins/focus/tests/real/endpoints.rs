//! The application service's side as Synapse calls it: the ping at the start, and more events than one transaction holds.

use confocal_testing::parts::FocusProcess;
use serde_json::json;

use crate::world::{SOON, World, call_event, eventually, invite};

#[tokio::test]
async fn it_is_ready_when_synapse_has_reached_it_and_not_before() {
    let mut world = World::start("endpoints-ready", "").await;
    eventually("ready", SOON, async || world.focus.is_ready().await).await;
    world.synapse.kill();
    world.focus.start().await.unwrap();
    assert!(!world.focus.is_ready().await, "there is no Synapse that could have reached it");
}

/// Synapse puts at most 100 events into a transaction, and what waited for the focus comes in as many as it takes.
#[tokio::test]
async fn a_call_behind_more_events_than_one_transaction_holds_is_answered() {
    let mut world = World::start("endpoints-backlog", "").await;
    let user = world.user("anna").await;
    let room = world.group_room(&[&user]).await;
    let focus_user = FocusProcess::user_id(&room);
    user.invite(&room, &focus_user).await.unwrap();
    let direct = world.direct_room(&user, &focus_user).await;
    world.focus.kill();
    let long = "x".repeat(20_000);
    for number in 0..130 {
        let content = json!({ "msgtype": "m.text", "body": format!("{number} {long}") });
        user.send_event(&direct, "m.room.message", &content).await.unwrap();
    }
    invite(&user, &direct, "behind", json!({ "lifetime": 120_000 })).await;
    world.focus.start().await.unwrap();
    let answer = call_event(&user, &direct, "m.call.answer", "behind").await;
    assert_eq!(answer["sender"], focus_user.as_str());
    // Nothing of it was sent twice.
    let answers = user.timeline(&direct, 20).await.unwrap();
    assert_eq!(answers.iter().filter(|event| event["type"] == "m.call.answer").count(), 1);
}
