//! Who is let in, who is refused and told why, and which invites are not for us to answer.

use std::time::Duration;

use confocal_testing::parts::{AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Rule, Version};
use http::Method;
use serde_json::{Value, json};

use crate::world::{SOON, World, call_event, eventually, invite, notice, said_of};

const NOT_A_MEMBER: &str = "not a member";

#[tokio::test]
async fn a_caller_who_is_not_in_the_group_room_is_refused_and_can_read_why() {
    let world = World::start("admission-stranger", "").await;
    let (owner, stranger) = (world.user("owner").await, world.user("stranger").await);
    let room = world.group_room(&[&owner]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.invite(&room, &focus_user).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();

    for (version, refused) in [(Version::V1, "rejected"), (Version::V0, "hangup")] {
        let options = CallerOptions { version, ..CallerOptions::new(&focus_user) };
        let mut caller = AiortcCaller::start(&world.places, &world.directory, &stranger, &options).unwrap();
        let is_refused = |event: &CallerEvent| match event {
            CallerEvent::Rejected { .. } => Some("rejected"),
            CallerEvent::Hangup { .. } => Some("hangup"),
            _ => None,
        };
        let room_of = |event: &CallerEvent| {
            let CallerEvent::Placed { room_id, .. } = event else { return None };
            Some(room_id.clone())
        };
        let direct = caller.until("the call's room", SOON, room_of).await.unwrap();
        assert_eq!(caller.until("a refusal", SOON, is_refused).await.unwrap(), refused);
        notice(&stranger, &direct, NOT_A_MEMBER).await;
    }
    assert_eq!(world.participants(&room).await, Some(0));
}

#[tokio::test]
async fn a_focus_that_may_not_join_the_group_room_says_so() {
    let world = World::start("admission-uninvited", "").await;
    let owner = world.user("owner").await;
    let room = world.group_room(&[&owner]).await;
    let direct = world.direct_room(&owner, &FocusProcess::user_id(&room)).await;
    invite(&owner, &direct, "c1", json!({})).await;
    call_event(&owner, &direct, "m.call.reject", "c1").await;
    notice(&owner, &direct, "Invite me there").await;
}

#[tokio::test]
async fn in_an_encrypted_room_people_are_told_that_it_cannot_be_read() {
    let world = World::start("admission-encrypted", "").await;
    let owner = world.user("owner").await;
    let focus_user = FocusProcess::user_id(&world.group_room(&[&owner]).await);
    let encryption = json!({
        "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" },
    });
    let options = json!({ "preset": "private_chat", "invite": [focus_user], "initial_state": [encryption] });
    let from_the_start = owner.create_room(&options).await.unwrap();
    notice(&owner, &from_the_start, "encrypted").await;

    let later = world.direct_room(&owner, &focus_user).await;
    owner.set_state(&later, "m.room.encryption", "", &encryption["content"]).await.unwrap();
    notice(&owner, &later, "encrypted").await;
}

#[tokio::test]
async fn invites_that_expired_or_are_for_others_or_were_hung_up_are_not_answered() {
    let world = World::start("admission-silence", "").await;
    let owner = world.user("owner").await;
    let room = world.group_room(&[&owner]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.invite(&room, &focus_user).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    let direct = world.direct_room(&owner, &focus_user).await;

    invite(&owner, &direct, "expired", json!({ "lifetime": 0 })).await;
    invite(&owner, &direct, "for-another", json!({ "invitee": owner.user_id })).await;
    let another_focus = FocusProcess::user_id("!another:confocal.test");
    invite(&owner, &direct, "for-another-focus", json!({ "invitee": another_focus })).await;

    // A transaction is held up, so that the next one carries an invite and its hangup together.
    world
        .transactions
        .add(Rule { times: Some(1), ..Rule::delay(Method::PUT, "/transactions/", Duration::from_secs(2)) });
    owner.say(&room, "a message that holds the transactions up").await.unwrap();
    eventually("a transaction is held up", SOON, async || !world.transactions.applied().is_empty()).await;
    invite(&owner, &direct, "hung-up", json!({})).await;
    let hangup =
        json!({ "call_id": "hung-up", "party_id": "party-hung-up", "version": "1", "reason": "user_hangup" });
    owner.send_event(&direct, "m.call.hangup", &hangup).await.unwrap();

    // What comes last in the same room is answered, so the others before it would have been.
    invite(&owner, &direct, "good", json!({ "invitee": focus_user })).await;
    let answer = call_event(&owner, &direct, "m.call.answer", "good").await;
    assert_answer(&answer, "good");
    for call in ["expired", "for-another", "for-another-focus", "hung-up"] {
        assert_eq!(said_of(&owner, &direct, call).await, Vec::<String>::new(), "{call}");
    }
    assert_eq!(said_of(&owner, &direct, "good").await, ["m.call.answer"]);
}

/// The answer is one that clients take: in the caller's version, under a party of its own, whole.
fn assert_answer(answer: &Value, call: &str) {
    let content = &answer["content"];
    assert_eq!(content["version"], "1");
    assert!(content["party_id"].as_str().is_some_and(|party| party != format!("party-{call}")), "{content}");
    assert!(content.get("sdp_stream_metadata").is_none(), "the caller gave none: {content}");
    let sdp = content["answer"]["sdp"].as_str().unwrap();
    for line in ["a=end-of-candidates", "a=candidate:", "a=msid:", "a=setup:"] {
        assert!(sdp.contains(line), "{line} is missing in {sdp}");
    }
}
