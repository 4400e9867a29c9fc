//! A homeserver at its worst, by proxies on both ways between it and the focus; afterwards the homeserver's timeline is judged.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use confocal_testing::judge::judge;
use confocal_testing::parts::{CallerEvent, DelayProxy, FocusProcess, Levels, Meanwhile, Rule, User};
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{SOON, World, call_event, direct_room_of, eventually, invite, notice, said_of};

const OWNER: f64 = 437.0;
const GUEST: f64 = 631.0;

/// How long after the homeserver's return everything that waited must be done.
const BACK: Duration = Duration::from_secs(5);

fn rule(path_has: &str, meanwhile: Meanwhile, times: Option<u32>) -> Rule {
    Rule { method: None, path_has: vec![path_has.to_owned()], meanwhile, times }
}

fn refusal(status: StatusCode, errcode: &str) -> Meanwhile {
    Meanwhile::Answer(status, json!({ "errcode": errcode, "error": "for a test", "retry_after_ms": 300 }))
}

/// By the timeline every call in the room was served once and ended once.
async fn is_served_well(user: &User, direct: &str, focus_user: &str) {
    let timeline = user.timeline(direct, 100).await.unwrap();
    let faults = judge(&timeline, &[focus_user], &BTreeSet::new());
    assert!(faults.is_empty(), "{}: {faults:?}\n{timeline:#?}", user.user_id);
}

/// Everything that the focus asks for fails at first, each time otherwise.
fn trouble(requests: &DelayProxy) {
    let paths = ["m.call.answer/", "m.call.hangup/", "m.call.reject/", "m.room.message/", "/leave", "/join/"];
    for path in paths {
        requests.add(rule(path, Meanwhile::LoseAnswer, Some(1)));
        requests.add(rule(path, refusal(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN"), Some(1)));
        requests.add(rule(path, refusal(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED"), Some(1)));
        requests.add(rule(path, Meanwhile::Delay(Duration::from_millis(300)), Some(1)));
    }
    for path in ["/state/m.room.member/", "/joined_members", "/messages", "/register"] {
        requests.add(rule(path, refusal(StatusCode::BAD_GATEWAY, "M_UNKNOWN"), Some(1)));
    }
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_said_twice_whatever_the_homeserver_does() {
    let world = World::start("faults-storm", "[conference]\nlinger_seconds = 1\n").await;
    let (owner, guest, stranger) =
        (world.user("owner").await, world.user("guest").await, world.user("stranger").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let focus_user = FocusProcess::user_id(&room);
    trouble(&world.requests);
    world.transactions.add(rule("/transactions/", Meanwhile::LoseAnswer, Some(2)));
    world.transactions.add(rule("/transactions/", Meanwhile::Twice, None));

    let mut owners = world.caller(&owner, &room, OWNER, &[GUEST]).await;
    let mut guests = world.caller(&guest, &room, GUEST, &[OWNER]).await;
    owners.hears("the guest", SOON, |levels: &Levels| levels.tone(GUEST) > -45.0).await.unwrap();
    let refused = world.direct_room(&stranger, &focus_user).await;
    invite(&stranger, &refused, "c1", json!({})).await;
    call_event(&stranger, &refused, "m.call.reject", "c1").await;
    notice(&stranger, &refused, "not a member").await;

    trouble(&world.requests);
    let guests_room = direct_room_of(&guest, &room).await;
    owner.kick(&room, &guest.user_id).await.unwrap();
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    guests.until("the hangup", SOON, hangup).await.unwrap();
    notice(&guest, &guests_room, "").await;
    owners.hang_up().unwrap();
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();

    let owners_room = direct_room_of(&owner, &room).await;
    for (user, direct) in [(&owner, &owners_room), (&guest, &guests_room), (&stranger, &refused)] {
        is_served_well(user, direct, &focus_user).await;
    }
    a_final_error_is_one_rooms_matter(&world).await;
}

/// An answer that is refused for good holds up neither another room nor what follows in its own.
async fn a_final_error_is_one_rooms_matter(world: &World) {
    world.requests.clear();
    let (one, other) = (world.user("one").await, world.user("other").await);
    let room = world.group_room(&[&one, &other]).await;
    let focus_user = FocusProcess::user_id(&room);
    one.invite(&room, &focus_user).await.unwrap();
    let (ones, others) =
        (world.direct_room(&one, &focus_user).await, world.direct_room(&other, &focus_user).await);
    let forbidden = refusal(StatusCode::FORBIDDEN, "M_FORBIDDEN");
    let encoded = ones.trim_start_matches('!').split(':').next().unwrap().to_owned();
    world.requests.add(Rule {
        method: Some(Method::PUT),
        path_has: vec![encoded, "m.call.answer/".to_owned()],
        meanwhile: forbidden,
        times: Some(1),
    });
    invite(&one, &ones, "refused", json!({})).await;
    invite(&other, &others, "fine", json!({})).await;
    call_event(&other, &others, "m.call.answer", "fine").await;
    // What can't be delivered is not insisted on: the caller reads why, and the client is told.
    call_event(&one, &ones, "m.call.hangup", "refused").await;
    notice(&one, &ones, "could not be delivered").await;
    assert_eq!(said_of(&one, &ones, "refused").await.len(), 1, "the hangup is all");
    invite(&one, &ones, "again", json!({})).await;
    call_event(&one, &ones, "m.call.answer", "again").await;
}

/// `CONFOCAL_OUTAGE_SECONDS` (30): how long the homeserver is away.
fn outage() -> Duration {
    let seconds = std::env::var("CONFOCAL_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

#[tokio::test]
async fn however_long_the_homeserver_was_away_the_focus_is_back_within_five_seconds() {
    let world = World::start("faults-outage", "[conference]\nlinger_seconds = 1\n").await;
    let (owner, guest, late) =
        (world.user("owner").await, world.user("guest").await, world.user("late").await);
    let room = world.group_room(&[&owner, &guest, &late]).await;
    let focus_user = FocusProcess::user_id(&room);
    let mut owners = world.caller(&owner, &room, OWNER, &[GUEST]).await;
    let _guests = world.caller(&guest, &room, GUEST, &[OWNER]).await;
    let (guests_room, lates_room) =
        (direct_room_of(&guest, &room).await, world.direct_room(&late, &focus_user).await);
    owners.hears("the guest", SOON, |levels: &Levels| levels.tone(GUEST) > -45.0).await.unwrap();

    // The focus learns that the guest is out, and can't tell them: what it sends goes nowhere.
    world.requests.add(rule("/_matrix/", Meanwhile::Hang, None));
    owner.kick(&room, &guest.user_id).await.unwrap();
    eventually("a hangup is under way", SOON, async || {
        world.requests.applied().iter().any(|(_, path)| path.contains("m.call.hangup/"))
    })
    .await;
    // And the homeserver can't reach the focus, which makes it try less and less often.
    world.transactions.add(rule("", refusal(StatusCode::BAD_GATEWAY, "M_UNKNOWN"), None));
    owner.say(&room, "is anybody there?").await.unwrap();
    let (away, ring) = (outage(), Duration::from_secs(10));
    tokio::time::sleep(away.saturating_sub(ring)).await;
    invite(&late, &lates_room, "rings", json!({})).await;
    tokio::time::sleep(ring).await;
    // What it hears is heard all along.
    owners.hears("no guest", SOON, |levels: &Levels| levels.tone(GUEST) < -70.0).await.unwrap();

    let back = Instant::now();
    world.requests.clear();
    world.transactions.clear();
    let (hung_up, answered) = tokio::join!(
        async {
            let events = |event: &serde_json::Value| event["type"] == "m.call.hangup";
            guest.wait_for_event(&guests_room, "the hangup", SOON, events).await.unwrap();
            back.elapsed()
        },
        async {
            call_event(&late, &lates_room, "m.call.answer", "rings").await;
            back.elapsed()
        },
    );
    println!(
        "away for {away:?}; after the return the hangup came in {hung_up:?}, the answer in {answered:?}"
    );
    assert!(hung_up < BACK && answered < BACK, "hangup {hung_up:?}, answer {answered:?}");

    let hangup =
        json!({ "call_id": "rings", "party_id": "party-rings", "version": "1", "reason": "user_hangup" });
    late.send_event(&lates_room, "m.call.hangup", &hangup).await.unwrap();
    owners.hang_up().unwrap();
    owner.wait_for_membership(&room, &focus_user, "leave", SOON).await.unwrap();
    let owners_room = direct_room_of(&owner, &room).await;
    for (user, direct) in [(&owner, &owners_room), (&guest, &guests_room), (&late, &lates_room)] {
        is_served_well(user, direct, &focus_user).await;
    }
}
