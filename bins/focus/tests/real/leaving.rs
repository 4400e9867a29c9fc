//! When the focus leaves: rules R7 and R8, a kick, and rooms where it stays.

use std::time::Duration;

use confocal_testing::parts::{CallerEvent, FocusProcess};

use crate::world::{SOON, World, eventually};

const QUICK: &str = "[conference]\nlinger_seconds = 1\nidle_seconds = 3\n";

#[tokio::test]
async fn r7_the_last_one_out_and_the_focus_leaves_the_group_room() {
    let world = World::start("leaving-empty", "[conference]\nlinger_seconds = 1\n").await;
    let owner = world.user("owner").await;
    let room = world.group_room(&[&owner]).await;
    let mut caller = world.caller(&owner, &room, 437.0, &[]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    caller.hang_up().unwrap();
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
    eventually("no conference is left", SOON, async || world.participants(&room).await.is_none()).await;
    // And it comes back for the next call.
    world.caller(&owner, &room, 437.0, &[]).await;
}

#[tokio::test]
async fn r8_nobody_calls_and_the_focus_leaves_where_it_was_not_told_to_stay() {
    let mut world = World::start("leaving-idle", QUICK).await;
    let owner = world.user("owner").await;
    let (room, kept) = (world.group_room(&[&owner]).await, world.group_room(&[&owner]).await);
    // The room that it stays in is known only now.
    let stay = toml::Value::Array(vec![toml::Value::String(kept.clone())]);
    world
        .reconfigure(|settings| {
            let conference = settings.get_mut("conference").and_then(toml::Value::as_table_mut).unwrap();
            conference.insert("stay".into(), stay);
        })
        .await;

    let (focus_user, keeper) = (FocusProcess::user_id(&room), FocusProcess::user_id(&kept));
    owner.invite(&kept, &keeper).await.unwrap();
    owner.wait_for_membership(&kept, &keeper, "join", SOON).await.unwrap();
    owner.invite(&room, &focus_user).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
    assert_eq!(owner.members(&kept).await.unwrap().get(&keeper).map(String::as_str), Some("join"));
}

#[tokio::test]
async fn a_kicked_focus_ends_all_calls() {
    let world = World::start("leaving-kicked", "").await;
    let (owner, member) = (world.user("owner").await, world.user("member").await);
    let room = world.group_room(&[&owner, &member]).await;
    let mut callers =
        [world.caller(&owner, &room, 437.0, &[]).await, world.caller(&member, &room, 631.0, &[]).await];
    owner.kick(&room, &FocusProcess::user_id(&room)).await.unwrap();
    for caller in &mut callers {
        let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
        caller.until("the hangup", Duration::from_secs(5), hangup).await.unwrap();
    }
    eventually("no conference is left", SOON, async || world.participants(&room).await.is_none()).await;
}
