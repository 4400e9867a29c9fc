//! Whoever leaves a room, however, leaves the conference: rules R4 and R5.

use std::time::{Duration, Instant};

use confocal_testing::parts::{AiortcCaller, CallerEvent, Levels, Meanwhile, Rule, User};
use http::{Method, StatusCode};

use crate::world::{SOON, World, direct_room_of, eventually};

const STAYS: f64 = 437.0;
const GOES: f64 = 631.0;

/// The bound that the rules are held to.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Two people in a conference that hear each other.
struct Two {
    world: World,
    room: String,
    owner: User,
    leaver: User,
    stays: AiortcCaller,
    goes: AiortcCaller,
}

impl Two {
    async fn in_conference(name: &str) -> Self {
        Self::in_conference_with(name, "").await
    }

    async fn in_conference_with(name: &str, settings: &str) -> Self {
        let world = World::start(name, settings).await;
        let (owner, leaver) = (world.user("owner").await, world.user("leaver").await);
        let room = world.group_room(&[&owner, &leaver]).await;
        let mut two = Self {
            stays: world.caller(&owner, &room, STAYS, &[GOES]).await,
            goes: world.caller(&leaver, &room, GOES, &[STAYS]).await,
            world,
            room,
            owner,
            leaver,
        };
        two.hear_each_other().await;
        two
    }

    async fn hear_each_other(&mut self) {
        self.stays.hears("the leaver", SOON, |levels| levels.tone(GOES) > -45.0).await.unwrap();
        self.goes.hears("who stays", SOON, |levels| levels.tone(STAYS) > -45.0).await.unwrap();
    }

    /// The leaver comes back by a new call, in a new 1:1 room.
    async fn come_back(&mut self) {
        eventually("the focus knows that one is gone", SOON, async || {
            self.world.participants(&self.room).await == Some(1)
        })
        .await;
        self.goes = self.world.caller(&self.leaver, &self.room, GOES, &[STAYS]).await;
        self.hear_each_other().await;
    }

    /// Within two seconds the leaver's client is told, and who stays hears it no longer.
    async fn is_ejected(&mut self, told: bool) {
        let gone = |levels: &Levels| levels.tone(GOES) < -70.0;
        if told {
            let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
            let (hung_up, heard) = tokio::join!(
                self.goes.until("the hangup", AT_ONCE, hangup),
                self.stays.hears("no leaver any more", AT_ONCE, gone),
            );
            hung_up.unwrap();
            heard.unwrap();
        } else {
            self.stays.hears("no leaver any more", AT_ONCE, gone).await.unwrap();
        }
    }
}

#[tokio::test]
async fn r4_leaving_the_group_room_kick_and_ban_end_the_call_within_two_seconds() {
    let mut two = Two::in_conference("ejection-group").await;

    two.leaver.leave(&two.room).await.unwrap();
    two.is_ejected(true).await;
    two.owner.invite(&two.room, &two.leaver.user_id).await.unwrap();
    two.leaver.join(&two.room).await.unwrap();
    two.come_back().await;

    two.owner.kick(&two.room, &two.leaver.user_id).await.unwrap();
    two.is_ejected(true).await;
    two.owner.invite(&two.room, &two.leaver.user_id).await.unwrap();
    two.leaver.join(&two.room).await.unwrap();
    two.come_back().await;

    two.owner.ban(&two.room, &two.leaver.user_id).await.unwrap();
    two.is_ejected(true).await;
}

#[tokio::test]
async fn r5_leaving_the_direct_room_ends_the_call_within_two_seconds() {
    let mut two = Two::in_conference("ejection-direct").await;
    let direct = direct_room_of(&two.leaver, &two.room).await;
    two.leaver.leave(&direct).await.unwrap();
    // Nobody can be told in a room that they have left; the media ends.
    two.is_ejected(false).await;
    eventually("the focus counts one", SOON, async || two.world.participants(&two.room).await == Some(1))
        .await;
}

#[tokio::test]
async fn r4_leaving_and_rejoining_in_one_transaction_ends_the_call_and_a_new_name_does_not() {
    let mut two = Two::in_conference("ejection-rejoin").await;
    two.owner
        .request(Method::PUT, &join_rules(&two.room), Some(&serde_json::json!({ "join_rule": "public" })))
        .await
        .unwrap();

    two.world.transactions.watch_for("Someone else");
    two.leaver.set_display_name("Someone else").await.unwrap();
    eventually("the new name is pushed", SOON, async || !two.world.transactions.seen().is_empty()).await;
    two.hear_each_other().await;
    assert_eq!(two.world.participants(&two.room).await, Some(2), "a new name ends no call");

    // A transaction is held up; both events wait behind it, and go out together in the next.
    let hold = Duration::from_secs(3);
    let rule = Rule { times: Some(1), ..Rule::delay(Method::PUT, "/transactions/", hold) };
    two.world.transactions.add(rule);
    two.owner.say(&two.room, "a message that holds the transactions up").await.unwrap();
    eventually("a transaction is held up", SOON, async || !two.world.transactions.applied().is_empty()).await;
    let held = Instant::now();
    two.leaver.leave(&two.room).await.unwrap();
    two.leaver.join(&two.room).await.unwrap();
    assert!(
        held.elapsed() < hold - Duration::from_millis(500),
        "the transaction was not held up for long enough"
    );
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    two.goes.until("the hangup", SOON, hangup).await.unwrap();
    two.is_ejected(false).await;
}

#[tokio::test]
async fn r4_who_leaves_and_of_whom_nothing_is_told_is_found_out_by_comparing() {
    let mut two = Two::in_conference_with("ejection-untold", "[conference]\ncompare_seconds = 2\n").await;
    two.world.requests.watch_for("/joined_members");
    eventually("it was compared", SOON, async || !two.world.requests.seen().is_empty()).await;
    two.hear_each_other().await;

    // The homeserver takes its transactions for delivered, and the focus never sees them.
    two.world.transactions.add(Rule {
        method: Some(Method::PUT),
        path_has: vec!["/transactions/".to_owned()],
        meanwhile: Meanwhile::Answer(StatusCode::OK, serde_json::json!({})),
        times: None,
    });
    two.leaver.leave(&two.room).await.unwrap();
    eventually("the leaving was pushed", SOON, async || !two.world.transactions.applied().is_empty()).await;
    let hangup = |event: &CallerEvent| matches!(event, CallerEvent::Hangup { .. }).then_some(());
    two.goes.until("the hangup", SOON, hangup).await.unwrap();
    two.is_ejected(false).await;
    assert_eq!(two.world.participants(&two.room).await, Some(1), "who stays is not ejected");
}

fn join_rules(room: &str) -> String {
    let room = room.replace('!', "%21").replace(':', "%3A");
    format!("v3/rooms/{room}/state/m.room.join_rules/")
}
