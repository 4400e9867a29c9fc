//! What a homeserver remembers of sends over its own restart: with a device everything, without none; nothing is said twice
//! in either case.

use std::fs;

use confocal::conference::{Notice, RequestId, RoomKey, SignalRequest};
use confocal::ports::{Order, Signalling};
use confocal_signalling::{Adapter, AdapterConfig, FocusIdScheme, Secret};
use confocal_testing::parts::{FocusProcess, Synapse, User};
use ruma_common::ServerName;
use toml::Table;

use crate::world::World;

/// An adapter of our own beside the focus, as a restarted one would be.
fn adapter(world: &World) -> Adapter {
    let text = fs::read_to_string(world.directory.join("focus.toml")).unwrap();
    let settings: Table = text.parse().unwrap();
    let text_of = |section: &str, key: &str| settings[section][key].as_str().unwrap().to_owned();
    Adapter::new(AdapterConfig {
        homeserver_url: text_of("homeserver", "url"),
        as_token: Secret::new(text_of("appservice", "as_token")),
        hs_token: Secret::new(text_of("appservice", "hs_token")),
        appservice_id: text_of("appservice", "id"),
        sender_localpart: text_of("appservice", "sender_localpart"),
        scheme: FocusIdScheme::new(["conf_"], ServerName::parse(Synapse::SERVER_NAME).unwrap()).unwrap(),
    })
    .unwrap()
}

async fn say(world: &World, room: &str, number: u64, again: bool) {
    let request = SignalRequest::Notice {
        focus: FocusProcess::user_id(room).as_str().into(),
        room: room.into(),
        notice: Notice::Encrypted { group: RoomKey::from("!g") },
    };
    let order = Order { id: RequestId(number), transaction: format!("memory.{number}"), request, again };
    adapter(world).perform(&order).await.unwrap();
}

async fn notices(user: &User, room: &str) -> usize {
    let timeline = user.timeline(room, 50).await.unwrap();
    timeline.iter().filter(|event| event["content"]["msgtype"] == "m.notice").count()
}

#[tokio::test]
async fn a_repeated_send_is_known_by_its_device_or_else_by_the_timeline() {
    let mut world = World::start("memory", "").await;
    let user = world.user("owner").await;
    // The room stands for any in which a focus user speaks.
    let room = world.group_room(&[&user]).await;
    let focus_user = FocusProcess::user_id(&room);
    user.invite(&room, &focus_user).await.unwrap();
    user.wait_for_membership(&room, &focus_user, "join", crate::world::SOON).await.unwrap();
    world.focus.kill();

    say(&world, &room, 1, false).await;
    world.synapse.start_again().await.unwrap();
    say(&world, &room, 1, false).await;
    assert_eq!(notices(&user, &room).await, 1, "known by its device, unasked");
    say(&world, &room, 1, true).await;
    assert_eq!(notices(&user, &room).await, 1, "known by the timeline");

    // A registration of older times.
    let registration = world.focus.registration();
    let text = fs::read_to_string(&registration).unwrap();
    let is_device = |line: &&str| line.contains("msc4190") || line.contains("device_management");
    assert_eq!(text.lines().filter(is_device).count(), 2);
    let older: Vec<&str> = text.lines().filter(|line| !is_device(line)).collect();
    fs::write(&registration, older.join("\n")).unwrap();
    world.synapse.start_again().await.unwrap();

    let other = world.group_room(&[&user]).await;
    world.focus.start().await.unwrap();
    let focus_user = FocusProcess::user_id(&other);
    user.invite(&other, &focus_user).await.unwrap();
    user.wait_for_membership(&other, &focus_user, "join", crate::world::SOON).await.unwrap();
    world.focus.kill();
    say(&world, &other, 2, false).await;
    world.synapse.start_again().await.unwrap();
    say(&world, &other, 2, true).await;
    assert_eq!(notices(&user, &other).await, 1, "known by the timeline alone");
    say(&world, &other, 3, true).await;
    assert_eq!(notices(&user, &other).await, 2, "the same words in another send");
}
