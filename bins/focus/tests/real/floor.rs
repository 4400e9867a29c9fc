//! Moderators keep order by what they write in the group room, and people ask for themselves: rule R10.

use confocal_testing::parts::{AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Levels};

use crate::world::{SOON, World, direct_room_of, eventually, notice};

const OWNER: f64 = 437.0;
const GUEST: f64 = 631.0;

#[tokio::test]
async fn a_moderator_mutes_and_removes_by_a_message_and_a_member_can_not() {
    let world = World::start("floor-moderation", "").await;
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let mut owners = world.caller(&owner, &room, OWNER, &[GUEST]).await;
    let mut guests = world.caller(&guest, &room, GUEST, &[OWNER]).await;
    let audible = |levels: &Levels| levels.tone(GUEST) > -45.0;
    let silent = |levels: &Levels| levels.tone(GUEST) < -70.0;
    owners.hears("the guest", SOON, audible).await.unwrap();
    let direct = direct_room_of(&guest, &room).await;

    guest.say(&room, &format!("!conference mute {}", owner.user_id)).await.unwrap();
    notice(&guest, &room, "Only moderators").await;
    owner.say(&room, &format!("!conference mute {}", guest.user_id)).await.unwrap();
    notice(&owner, &room, "is muted").await;
    owners.hears("the guest no more", SOON, silent).await.unwrap();
    guests.hears("the owner as before", SOON, |levels| levels.tone(OWNER) > -45.0).await.unwrap();
    guest.say(&direct, "!conference unmute").await.unwrap();
    notice(&guest, &direct, "only a moderator can unmute").await;
    owner.say(&room, "!conference who").await.unwrap();
    notice(&owner, &room, "muted by a moderator").await;
    owner.say(&room, &format!("!conference unmute {}", guest.user_id)).await.unwrap();
    owners.hears("the guest again", SOON, audible).await.unwrap();

    owner.say(&room, &format!("!conference kick {}", guest.user_id)).await.unwrap();
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    guests.until("the hangup", SOON, hangup).await.unwrap();
    owners.hears("the guest no more", SOON, silent).await.unwrap();
    eventually("the guest is out", SOON, async || world.participants(&room).await == Some(1)).await;
    let options =
        CallerOptions { room: Some(direct.clone()), ..CallerOptions::new(&FocusProcess::user_id(&room)) };
    let mut again = AiortcCaller::start(&world.places, &world.directory, &guest, &options).unwrap();
    let rejected = |event: &CallerEvent| matches!(event, CallerEvent::Rejected { .. }).then_some(());
    again.until("the refusal", SOON, rejected).await.unwrap();
    notice(&guest, &direct, "You can call again later").await;

    owner.say(&room, "!conference end").await.unwrap();
    notice(&owner, &room, "is ended").await;
    owners.until("the hangup", SOON, hangup).await.unwrap();
    owner.wait_for_membership(&room, &FocusProcess::user_id(&room), "leave", SOON).await.unwrap();
}
