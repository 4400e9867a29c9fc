//! A focus that is killed and started again: calls go on where clients can, and end with a word where they can't.

use std::time::{Duration, SystemTime};

use confocal_testing::parts::{
    AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Http, Sound, User, Version,
};
use http::Method;
use serde_json::Value;

use crate::people::People;
use crate::world::{SOON, World, direct_room_of, eventually, notice};

/// All events of the focus's in a room but the words to one who has come in, by type and kind of description.
async fn said_by_focus(user: &User, direct: &str) -> Vec<String> {
    let events = user.timeline(direct, 100).await.unwrap();
    let calls = events.iter().filter(|event| {
        let words = event["content"]["body"].as_str().unwrap_or_default();
        event["sender"] != user.user_id
            && !words.starts_with("You are in the conference")
            && event["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("m.call.") || kind == "m.room.message")
    });
    let name = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        match event["content"]["description"]["type"].as_str() {
            Some(description) => format!("{kind} {description}"),
            None => kind.to_owned(),
        }
    };
    calls.map(name).collect()
}

/// How many changes of the call a user's client has offered.
async fn offered_by(user: &User, direct: &str) -> usize {
    let is_offer = |event: &&Value| {
        event["sender"] == user.user_id
            && event["type"] == "m.call.negotiate"
            && event["content"]["description"]["type"] == "offer"
    };
    user.timeline(direct, 100).await.unwrap().iter().filter(is_offer).count()
}

impl People {
    /// Kills the focus and waits until nobody hears anything more.
    async fn lose_the_focus(&mut self) {
        self.world.focus.kill();
        for ears in 0..self.people.len() {
            for tone in (0..self.people.len()).filter(|tone| *tone != ears) {
                self.hears_nothing_of(ears, tone).await;
            }
        }
    }

    /// Starts the focus again and returns how long after that moment the last one heard something.
    async fn get_the_focus_back(&mut self) -> Duration {
        let started = SystemTime::now();
        self.world.focus.start().await.unwrap();
        let mut gap = Duration::ZERO;
        for person in &self.people {
            let heard = person.sound_since(started).await.unwrap();
            gap = gap.max(heard.duration_since(started).unwrap());
        }
        gap
    }

    async fn calls(&self) -> Vec<Value> {
        let mut calls = Vec::new();
        for number in 0..self.people.len() {
            let state = self.state(number).await;
            calls.push(serde_json::json!([state["call_id"], state["call_state"]]));
        }
        calls
    }
}

#[tokio::test]
async fn after_a_crash_three_browsers_hear_each_other_again_without_a_click() {
    let mut people = People::in_conference("recovery-three", 3).await;
    let before = people.calls().await;
    people.lose_the_focus().await;
    let gap = people.get_the_focus_back().await;
    eprintln!("three browsers: the last one hears again {gap:?} after the start of the new process");
    people.hear_each_other().await;
    assert_eq!(people.calls().await, before, "the same calls go on");
    for number in 0..3 {
        let direct = people.direct(number).await;
        let said = said_by_focus(&people.users[number], &direct).await;
        // A client that has waited for long offers by itself too, and is answered; of offers in a row only the last one is.
        let by_itself = offered_by(&people.users[number], &direct).await;
        let (ours, answers) = said.split_at(said.len().min(2));
        assert_eq!(ours, ["m.call.answer", "m.call.negotiate offer"], "{:?}", people.directory());
        let answered = answers.iter().all(|said| said == "m.call.negotiate answer");
        assert!(
            answered && answers.len() <= by_itself,
            "{answers:?} to {by_itself}, {:?}",
            people.directory()
        );
    }
    assert_eq!(people.world.participants(&people.room).await, Some(3));

    // And once more, from what the second process has kept.
    people.lose_the_focus().await;
    people.get_the_focus_back().await;
    people.hear_each_other().await;
    assert_eq!(people.calls().await, before);
}

#[tokio::test]
async fn a_client_that_offers_by_itself_while_the_focus_is_away_is_answered_by_a_new_session() {
    let mut people = People::in_conference("recovery-offered", 2).await;
    let before = people.calls().await;
    people.lose_the_focus().await;
    let offered = |user: &User| {
        let own = user.user_id.clone();
        move |event: &Value| {
            event["type"] == "m.call.negotiate"
                && event["sender"] == own
                && event["content"]["description"]["type"] == "offer"
        }
    };
    let mut directs = Vec::new();
    for (number, user) in people.users.iter().enumerate() {
        let direct = people.direct(number).await;
        user.wait_for_event(&direct, "the client's own offer", SOON, offered(user)).await.unwrap();
        directs.push(direct);
    }
    let gap = people.get_the_focus_back().await;
    eprintln!(
        "two browsers that offered: the last one hears again {gap:?} after the start of the new process"
    );
    people.hear_each_other().await;
    let ids = |calls: Vec<Value>| calls.iter().map(|call| call[0].clone()).collect::<Vec<_>>();
    assert_eq!(ids(people.calls().await), ids(before), "the same calls go on");
    for (user, direct) in people.users.iter().zip(&directs) {
        let said = said_by_focus(user, direct).await;
        // Where the homeserver takes its time to pass the client's offer on, ours has gone out already. The client refuses it, since
        // in a collision the one who is called gives way; theirs is answered all the same. Of offers in a row only the last one is.
        let by_itself = offered_by(user, direct).await;
        let answers = said.iter().filter(|said| *said == "m.call.negotiate answer").count();
        let ours = said.iter().filter(|said| *said == "m.call.negotiate offer").count();
        let directory = people.directory();
        assert_eq!(said.first().map(String::as_str), Some("m.call.answer"), "{said:?}, {directory:?}");
        assert_eq!(
            said.last().map(String::as_str),
            Some("m.call.negotiate answer"),
            "{said:?}, {directory:?}"
        );
        assert!(ours <= 1 && (1..=by_itself).contains(&answers), "{said:?} to {by_itself}, {directory:?}");
        assert_eq!(said.len(), 1 + ours + answers, "{said:?}, {directory:?}");
    }
}

#[tokio::test]
async fn after_a_crash_callers_that_cannot_go_on_are_hung_up_once_and_told_and_can_call_again() {
    let mut world = World::start("recovery-hangup", "[conference]\nlinger_seconds = 1\n").await;
    // A client of version 0, one without stream metadata, and one that does not answer our offer.
    let kinds = [
        ("old", CallerOptions { version: Version::V0, ..CallerOptions::new("") }),
        ("terse", CallerOptions { metadata: false, ..CallerOptions::new("") }),
        ("deaf", CallerOptions::new("")),
    ];
    let mut users = Vec::new();
    for (name, _) in &kinds {
        users.push(world.user(name).await);
    }
    let room = world.group_room(&users.iter().collect::<Vec<_>>()).await;
    let mut callers = Vec::new();
    for (user, (_, kind)) in users.iter().zip(kinds) {
        let options = CallerOptions {
            focus_user: FocusProcess::user_id(&room),
            group_room: Some(room.clone()),
            sound: Sound::Tone { hertz: 437.0, dbfs: -20.0 },
            ..kind
        };
        let mut caller = AiortcCaller::start(&world.places, &world.directory, user, &options).unwrap();
        caller.connected(SOON).await.unwrap();
        callers.push(caller);
    }
    world.focus.kill();
    world.focus.start().await.unwrap();
    for (user, caller) in users.iter().zip(&mut callers) {
        let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
        caller.until("the hangup", SOON, hangup).await.unwrap();
        let direct = direct_room_of(user, &room).await;
        notice(user, &direct, "restarted").await;
    }
    eventually("nobody is left", SOON, async || world.participants(&room).await == Some(0)).await;
    for (user, offered) in users.iter().zip([false, false, true]) {
        let direct = direct_room_of(user, &room).await;
        let offer = offered.then_some("m.call.negotiate offer");
        let expected: Vec<&str> =
            ["m.call.answer"].into_iter().chain(offer).chain(["m.call.hangup", "m.room.message"]).collect();
        assert_eq!(said_by_focus(user, &direct).await, expected, "{}", user.user_id);
    }
    // It stays for them to call again, longer than it does where a conference ends as usual: as in a room beside it.
    let beside = world.group_room(&[&users[0]]).await;
    let mut caller = world.caller(&users[0], &beside, 437.0, &[]).await;
    caller.hang_up().unwrap();
    users[0].wait_for_membership(&beside, &FocusProcess::user_id(&beside), "leave", SOON).await.unwrap();
    let focus_user = FocusProcess::user_id(&room);
    assert_eq!(users[0].members(&room).await.unwrap().get(&focus_user).map(String::as_str), Some("join"));
    world.caller(&users[0], &room, 437.0, &[]).await;
    assert_eq!(world.participants(&room).await, Some(1));
}

#[tokio::test]
async fn a_room_that_the_focus_has_no_reason_to_be_in_is_left_at_the_start_and_no_other() {
    let mut world = World::start("recovery-ghost", "").await;
    let owner = world.user("owner").await;
    let room = world.group_room(&[&owner]).await;
    let focus_user = FocusProcess::user_id(&room);
    owner.invite(&room, &focus_user).await.unwrap();
    owner.wait_for_membership(&room, &focus_user, "join", SOON).await.unwrap();
    let direct = world.direct_room(&owner, &focus_user).await;
    let options = serde_json::json!({ "preset": "public_chat", "name": "Elsewhere" });
    let ghost = owner.create_room(&options).await.unwrap();
    world.focus.kill();
    // In a room that its records know nothing of: as after a leave that never came through.
    let registration = std::fs::read_to_string(world.focus.registration()).unwrap();
    let token = registration.lines().find_map(|line| line.strip_prefix("as_token:")).unwrap();
    let path = |text: &str| text.replace('!', "%21").replace(':', "%3A").replace('@', "%40");
    let url = format!(
        "{}/_matrix/client/v3/join/{}?user_id={}",
        world.synapse.base_url(),
        path(&ghost),
        path(&focus_user)
    );
    let token = token.trim().trim_matches(['"', '\'']);
    let (status, answer) =
        Http::new().json(Method::POST, &url, Some(token), Some(&serde_json::json!({}))).await.unwrap();
    assert!(status.is_success(), "{answer}");
    owner.wait_for_membership(&ghost, &focus_user, "join", SOON).await.unwrap();

    world.focus.start().await.unwrap();
    owner.wait_for_membership(&ghost, &focus_user, "leave", SOON).await.unwrap();
    for kept in [&room, &direct] {
        assert_eq!(owner.members(kept).await.unwrap().get(&focus_user).map(String::as_str), Some("join"));
    }
}
