//! The service's bot in rooms: it explains, brings the focus user in, says whom to ask where it may not, and goes when it is alone.

use confocal_testing::parts::{FocusProcess, Synapse};
use serde_json::json;

use crate::world::{SOON, World, eventually, notice};

fn bot() -> String {
    format!("@conference:{}", Synapse::SERVER_NAME)
}

#[tokio::test]
async fn invited_it_explains_in_one_message_and_brings_the_focus_user_in_who_can_be_called() {
    let world = World::start("bot-start", "").await;
    let (owner, member) = (world.user("owner").await, world.user("member").await);
    let room = world.group_room(&[&owner, &member]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.invite(&room, &bot()).await.unwrap();
    owner.wait_for_membership(&room, &bot(), "join", SOON).await.unwrap();
    notice(&owner, &room, &format!("https://matrix.to/#/{focus_user}")).await;
    member.say(&room, "!conference who").await.unwrap();
    notice(&owner, &room, "There is no conference here at the moment").await;
    member.say(&room, "!conference start").await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    notice(&owner, &room, "I have invited").await;
    let mut caller = world.caller(&member, &room, 437.0, &[]).await;
    assert_eq!(world.participants(&room).await, Some(1));

    // Where the focus user is, the bot is silent.
    owner.say(&room, "!conference who").await.unwrap();
    notice(&owner, &room, "One person is in the conference").await;
    let events = owner.timeline(&room, 100).await.unwrap();
    let said = |user: &str| {
        let notices = events
            .iter()
            .filter(|event| event["sender"] == user && event["content"]["msgtype"] == "m.notice");
        notices.count()
    };
    assert_eq!((said(&bot()), said(&focus_user)), (3, 1), "welcome and two replies; one reply: {events:#?}");
    caller.hang_up().unwrap();
}

#[tokio::test]
async fn where_it_may_not_invite_it_names_who_may() {
    let world = World::start("bot-power", "").await;
    let (owner, member) = (world.user("owner").await, world.user("member").await);
    let levels = json!({ "invite": 50 });
    let options =
        json!({ "preset": "private_chat", "power_level_content_override": levels, "room_version": "11" });
    let room = owner.create_room(&options).await.unwrap();
    for user in [member.user_id.as_str(), &bot()] {
        owner.invite(&room, user).await.unwrap();
    }
    member.join(&room).await.unwrap();
    owner.wait_for_membership(&room, &bot(), "join", SOON).await.unwrap();
    member.say(&room, "!conference start").await.unwrap();
    notice(&member, &room, &format!("I may not invite anyone into this room. Ask {}", owner.user_id)).await;
}

#[tokio::test]
async fn in_an_encrypted_room_it_says_that_it_can_not_read() {
    let world = World::start("bot-encrypted", "").await;
    let owner = world.user("owner").await;
    let encryption = json!({
        "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" },
    });
    let options = json!({ "preset": "private_chat", "initial_state": [encryption], "invite": [bot()] });
    let room = owner.create_room(&options).await.unwrap();
    notice(&owner, &room, "it is encrypted and I can't read").await;
}

#[tokio::test]
async fn it_leaves_when_everybody_else_has() {
    let world = World::start("bot-alone", "").await;
    let (owner, passer_by) = (world.user("owner").await, world.user("passer-by").await);
    // Who is in the room can be read from outside.
    let readable = json!({
        "type": "m.room.history_visibility", "state_key": "", "content": { "history_visibility": "world_readable" },
    });
    let options = json!({ "preset": "private_chat", "initial_state": [readable], "invite": [bot()] });
    let room = owner.create_room(&options).await.unwrap();
    owner.wait_for_membership(&room, &bot(), "join", SOON).await.unwrap();
    let is_there = async || {
        let member = passer_by.state(&room, "m.room.member", &bot()).await;
        member.is_ok_and(|member| member.is_some_and(|member| member["membership"] == "join"))
    };
    assert!(is_there().await);
    owner.leave(&room).await.unwrap();
    // A room that nobody is in any more can't be read at all.
    eventually("the bot has left", SOON, async || !is_there().await).await;
}
