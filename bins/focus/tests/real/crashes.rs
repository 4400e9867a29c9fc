//! The process is killed at every named point in the course of real calls and started again; then the homeserver's timeline is
//! judged. The program under test has the feature `crash-points`.

use std::collections::BTreeSet;
use std::time::Duration;

use confocal_testing::judge::judge;
use confocal_testing::parts::{AiortcCaller, CallerEvent, CallerOptions, FocusProcess, Sound, User};
use serde_json::json;

use crate::world::{SOON, World, call_event, eventually, invite, notice, said_of};

/// What becomes of a call during which the process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nothing of it was said yet: it is answered, and connects.
    Connects,
    /// It was answered, or may have been: it goes on if the client can, or is hung up.
    GoesOnOrEnds,
}

/// The points on the way of a call from its invite to its answer.
const ON_THE_WAY: [(&str, Then); 12] = [
    ("before-commit:invite", Then::Connects),
    // Between the commit and the 200.
    ("after-commit:invite", Then::Connects),
    ("after-reply:invite", Then::Connects),
    // Between the two commits of an answer: before the media is opened, and after.
    ("after-commit:admission", Then::Connects),
    ("after-media:admission", Then::Connects),
    ("before-commit:answer", Then::Connects),
    ("mid-commit:answer", Then::Connects),
    // Between the commit and the send.
    ("after-commit:answer", Then::GoesOnOrEnds),
    ("after-media:answer", Then::GoesOnOrEnds),
    ("before-send:answer", Then::GoesOnOrEnds),
    // The homeserver has it, and its reply was not read; then: read, and not committed.
    ("mid-send:m.call.answer", Then::GoesOnOrEnds),
    ("after-send:answer", Then::GoesOnOrEnds),
];

/// The longest that a focus stays after a restart for people to call again, and some time to leave.
const LINGER: Duration = Duration::from_secs(60);

/// Someone in a group room of their own, with a 1:1 room that the focus has joined.
struct Person {
    user: User,
    group: String,
    focus_user: String,
    direct: String,
}

impl Person {
    async fn new(world: &World, name: &str) -> Self {
        let user = world.user(name).await;
        let group = world.group_room(&[&user]).await;
        let focus_user = FocusProcess::user_id(&group);
        let direct = world.direct_room(&user, &focus_user).await;
        Self { user, group, focus_user, direct }
    }

    /// Calls, with a client that is known not to go on after a restart, or, with stream metadata, one that may.
    fn call(&self, world: &World, metadata: bool) -> AiortcCaller {
        let options = CallerOptions {
            group_room: Some(self.group.clone()),
            room: Some(self.direct.clone()),
            metadata,
            sound: Sound::Tone { hertz: 437.0, dbfs: -20.0 },
            ..CallerOptions::new(&self.focus_user)
        };
        AiortcCaller::start(&world.places, &world.directory, &self.user, &options).unwrap()
    }

    /// By the timeline we have ended the call.
    async fn is_hung_up(&self, call: &str) -> bool {
        let said = said_of(&self.user, &self.direct, call).await;
        said.iter().any(|kind| kind == "m.call.hangup" || kind == "m.call.reject")
    }

    /// By the timeline every call was served once and ended once; the focus user has left the group room.
    async fn is_served_well(&self) {
        self.user.wait_for_membership(&self.group, &self.focus_user, "leave", LINGER).await.unwrap();
        let timeline = self.user.timeline(&self.direct, 100).await.unwrap();
        let faults = judge(&timeline, &[&self.focus_user], &BTreeSet::new());
        assert!(faults.is_empty(), "{}: {faults:?}\n{timeline:#?}", self.user.user_id);
    }
}

async fn call_id(caller: &mut AiortcCaller) -> String {
    let placed = |event: &CallerEvent| match event {
        CallerEvent::Placed { call_id, .. } => Some(call_id.clone()),
        _ => None,
    };
    caller.until("placed", SOON, placed).await.unwrap()
}

/// One homeserver and one focus for all: what takes long is their start, and the time that the focus stays for people to call again.
#[tokio::test]
async fn killed_at_any_point_the_focus_serves_each_call_once_and_leaves_no_ghost() {
    let mut world = World::start_beside("crashes", "[conference]\nlinger_seconds = 1\n").await;
    let mut people = Vec::new();
    for (number, (point, then)) in ON_THE_WAY.into_iter().enumerate() {
        people.push(killed_on_the_way(&mut world, &format!("caller{number}"), point, then, false).await);
        // Whoever may go on is offered to, and hung up on when nothing comes of it.
        if then == Then::GoesOnOrEnds {
            people.push(killed_on_the_way(&mut world, &format!("able{number}"), point, then, true).await);
        }
    }
    people.push(killed_again_and_again_in_a_running_call(&mut world).await);
    for (name, point) in [("one", "mid-send:m.call.answer"), ("other", "after-send:answer")] {
        people.push(killed_and_the_homeserver_too(&mut world, name, point).await);
    }
    for person in people {
        person.is_served_well().await;
    }
}

async fn killed_on_the_way(world: &mut World, name: &str, point: &str, then: Then, metadata: bool) -> Person {
    let person = Person::new(world, name).await;
    world.focus.start_to_crash_at(point).unwrap();
    world.focus.answers().await.unwrap();
    let mut caller = person.call(world, metadata);
    world.focus.stopped().await.unwrap_or_else(|error| panic!("{point}: {error}"));
    let call = call_id(&mut caller).await;
    world.focus.start().await.unwrap();

    let mut connected = false;
    eventually(&format!("{point}: the call is served"), SOON, async || {
        while let Some(event) = caller.try_next() {
            connected |= event == CallerEvent::Connected;
        }
        connected || person.is_hung_up(&call).await
    })
    .await;
    assert!(connected || then == Then::GoesOnOrEnds, "{point}: a call that rang was ended");
    if connected {
        caller.hang_up().unwrap();
        caller.until("its end", SOON, |event| (*event == CallerEvent::Ended).then_some(())).await.unwrap();
    }
    person
}

/// From an orderly end that is cut short, through one start after the other, until the call is hung up and its caller told.
async fn killed_again_and_again_in_a_running_call(world: &mut World) -> Person {
    let person = Person::new(world, "running").await;
    world.focus.start_to_crash_at("shutdown").unwrap();
    world.focus.answers().await.unwrap();
    let mut caller = person.call(world, false);
    let call = call_id(&mut caller).await;
    caller.connected(SOON).await.unwrap();

    assert!(world.focus.terminate(Duration::ZERO).await.is_none());
    world.focus.stopped().await.unwrap();
    for point in [
        "restored",
        "before-engine-lost",
        "mid-migration",
        "before-commit:hangup",
        // The hangup is written, and not sent.
        "after-engine-lost",
        "before-send:hangup",
        // The homeserver has it, and its reply was not read; then: known by the timeline, and not committed.
        "mid-send:m.call.hangup",
        "after-send:hangup",
        "mid-send:m.room.message",
    ] {
        world.focus.kill();
        if point == "mid-migration" {
            make_older(world);
        }
        world.focus.start_to_crash_at(point).unwrap();
        world.focus.stopped().await.unwrap_or_else(|error| panic!("{point}: {error}"));
    }
    world.focus.start().await.unwrap();
    eventually("the call is hung up", SOON, async || person.is_hung_up(&call).await).await;
    notice(&person.user, &person.direct, "restarted").await;
    person
}

/// Makes the store one of the schema before.
fn make_older(world: &World) {
    let store = rusqlite::Connection::open(world.focus.database()).unwrap();
    store.execute_batch("ALTER TABLE outbox DROP COLUMN at; PRAGMA user_version = 1;").unwrap();
}

/// The focus is killed when the homeserver has carried its PUT out; who remembers that in memory forgets it now.
async fn killed_and_the_homeserver_too(world: &mut World, name: &str, point: &str) -> Person {
    let person = Person::new(world, name).await;
    world.focus.start_to_crash_at(point).unwrap();
    world.focus.answers().await.unwrap();
    person.user.invite(&person.group, &person.focus_user).await.unwrap();
    invite(&person.user, &person.direct, "c1", json!({})).await;
    world.focus.stopped().await.unwrap_or_else(|error| panic!("{point}: {error}"));
    world.focus.kill();
    world.synapse.start_again().await.unwrap();
    world.focus.start().await.unwrap();
    call_event(&person.user, &person.direct, "m.call.hangup", "c1").await;
    let said = said_of(&person.user, &person.direct, "c1").await;
    assert_eq!(said, ["m.call.answer", "m.call.hangup"], "{point}");
    person
}
