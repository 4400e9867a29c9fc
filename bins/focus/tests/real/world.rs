//! What every test stands on: a scene of homeserver and focus, people in rooms, raw calls, and waiting.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use confocal_testing::parts::{
    AiortcCaller, CallerOptions, FocusProcess, Places, Scene, Sound, Synapse, Turn, User,
};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use toml::Table;

/// Enough for anything that is going to happen at all, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// An offer as matrix-js-sdk 43 in Chromium made it; nobody is behind it, so it is answered and never connects.
pub(crate) const OFFER: &str =
    include_str!("../../../../crates/transport/tests/fixtures/js-sdk-chromium/voice-0-invite-offer.sdp");

/// Held by each test that keeps both cores of a small machine busy, or looks at how soon a thing happens: one at a time.
static MACHINE: Mutex<()> = Mutex::const_new(());

/// The scene, and what tests do in it.
pub(crate) struct World {
    pub(crate) places: Places,
    scene: Scene,
    /// Given back last, when all that ran here has ended.
    _machine: Option<MutexGuard<'static, ()>>,
}

impl Deref for World {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}

impl World {
    /// Starts everything; `settings` are the focus's own, as in its configuration file.
    pub(crate) async fn start(name: &str, settings: &str) -> Self {
        Self::start_with(name, settings, &Value::Null).await
    }

    /// The same for a test that waits for nearly all of its time: another one may run beside it.
    pub(crate) async fn start_beside(name: &str, settings: &str) -> Self {
        Self::start_on(None, name, settings, &Value::Null).await
    }

    /// The same with settings of the homeserver.
    pub(crate) async fn start_with(name: &str, settings: &str, homeserver: &Value) -> Self {
        Self::start_on(Some(MACHINE.lock().await), name, settings, homeserver).await
    }

    async fn start_on(
        machine: Option<MutexGuard<'static, ()>>,
        name: &str,
        settings: &str,
        homeserver: &Value,
    ) -> Self {
        let (places, settings) = (Places::find(), settings.parse().unwrap());
        let binary = Path::new(env!("CARGO_BIN_EXE_focus"));
        let scene = Scene::start_with(&places, name, binary, settings, homeserver).await.unwrap();
        Self { places, scene, _machine: machine }
    }

    /// The same with a relay (TURN) that the homeserver tells its users of.
    pub(crate) async fn start_with_relay(name: &str, settings: &str) -> (Self, Turn) {
        let turn = Turn::start(&Places::find().scratch(&format!("{name}-turn")).unwrap()).await.unwrap();
        (Self::start_with(name, settings, &turn.homeserver_settings()).await, turn)
    }

    /// The same with a second homeserver, which has no focus; the two are in federation.
    pub(crate) async fn start_in_federation(name: &str, settings: &str) -> (Self, Synapse) {
        let machine = MACHINE.lock().await;
        let (places, settings) = (Places::find(), settings.parse().unwrap());
        let binary = Path::new(env!("CARGO_BIN_EXE_focus"));
        let (scene, other) = Scene::start_in_federation(&places, name, binary, settings).await.unwrap();
        (Self { places, scene, _machine: Some(machine) }, other)
    }

    /// Starts the focus again after `change` of its configuration.
    pub(crate) async fn reconfigure(&mut self, change: impl FnOnce(&mut Table)) {
        self.focus.kill();
        let path = self.directory.join("focus.toml");
        let mut settings: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        change(&mut settings);
        std::fs::write(&path, settings.to_string()).unwrap();
        self.focus.start().await.unwrap();
    }

    /// A group room of `members`, the first of whom made it.
    pub(crate) async fn group_room(&self, members: &[&User]) -> String {
        self.group_room_of_version("11", members).await
    }

    pub(crate) async fn group_room_of_version(&self, version: &str, members: &[&User]) -> String {
        let (owner, others) = members.split_first().unwrap();
        let options = json!({ "preset": "private_chat", "name": "Team", "room_version": version });
        let room = owner.create_room(&options).await.unwrap();
        for other in others {
            owner.invite(&room, &other.user_id).await.unwrap();
            other.join(&room).await.unwrap();
        }
        room
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        self.synapse.register(name).await.unwrap()
    }

    /// A caller that sends a tone and listens for `tones`, connected to the room's conference.
    pub(crate) async fn caller(&self, user: &User, room: &str, tone: f64, tones: &[f64]) -> AiortcCaller {
        let focus_user = FocusProcess::user_id_at(room, self.synapse.server_name());
        let options = CallerOptions {
            group_room: Some(room.to_owned()),
            sound: Sound::Tone { hertz: tone, dbfs: -20.0 },
            listen_hertz: tones.to_vec(),
            ..CallerOptions::new(&focus_user)
        };
        let mut caller = AiortcCaller::start(&self.places, &self.directory, user, &options).unwrap();
        caller.connected(SOON).await.unwrap();
        caller
    }

    /// The 1:1 room of a user with a focus user, which has joined it.
    pub(crate) async fn direct_room(&self, user: &User, focus_user: &str) -> String {
        let options = json!({ "preset": "private_chat", "is_direct": true, "invite": [focus_user] });
        let room = user.create_room(&options).await.unwrap();
        user.wait_for_membership(&room, focus_user, "join", SOON).await.unwrap();
        room
    }

    /// How many participants the focus counts in a room's conference; `None` without a conference.
    pub(crate) async fn participants(&self, room: &str) -> Option<usize> {
        let conferences = self.focus.conferences().await.unwrap();
        let conference = conferences.as_array()?.iter().find(|conference| conference["group"] == room)?;
        conference["participants"].as_array().map(Vec::len)
    }
}

/// `m.call.invite` of version "1" with `call` as call id and party; `changes` go over its content.
pub(crate) async fn invite(user: &User, room: &str, call: &str, changes: Value) {
    let mut content = json!({
        "call_id": call,
        "party_id": format!("party-{call}"),
        "version": "1",
        "lifetime": 60_000,
        "offer": { "type": "offer", "sdp": OFFER },
    });
    if let (Some(content), Some(changes)) = (content.as_object_mut(), changes.as_object()) {
        content.extend(changes.clone());
    }
    user.send_event(room, "m.call.invite", &content).await.unwrap();
}

/// Waits for an event of a call.
pub(crate) async fn call_event(user: &User, room: &str, kind: &str, call: &str) -> Value {
    let wanted = |event: &Value| event["type"] == kind && event["content"]["call_id"] == call;
    user.wait_for_event(room, &format!("{kind} of {call}"), SOON, wanted).await.unwrap()
}

/// What the focus has said of a call so far, by type.
pub(crate) async fn said_of(user: &User, room: &str, call: &str) -> Vec<String> {
    let events = user.timeline(room, 100).await.unwrap();
    let ours =
        events.iter().filter(|event| event["content"]["call_id"] == call && event["sender"] != user.user_id);
    ours.filter_map(|event| event["type"].as_str().map(str::to_owned)).collect()
}

/// Waits for a notice that contains `text`.
pub(crate) async fn notice(user: &User, room: &str, text: &str) {
    let wanted = |event: &Value| {
        event["content"]["msgtype"] == "m.notice"
            && event["content"]["body"].as_str().is_some_and(|body| body.contains(text))
    };
    user.wait_for_event(room, &format!("a notice with {text:?}"), SOON, wanted).await.unwrap();
}

/// Waits until something asked for again and again is so.
pub(crate) async fn eventually(what: &str, deadline: Duration, mut so: impl AsyncFnMut() -> bool) {
    let from = tokio::time::Instant::now();
    while !so().await {
        assert!(from.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The room that a user shares with a group's focus user alone. A group of one person is such a room too, and never the one meant.
pub(crate) async fn direct_room_of(user: &User, group: &str) -> String {
    let focus_user = FocusProcess::user_id(group);
    let joined = user.request(Method::GET, "v3/joined_rooms", None).await.unwrap();
    for room in joined["joined_rooms"].as_array().unwrap() {
        let room = room.as_str().unwrap();
        if room == group {
            continue;
        }
        let members = user.members(room).await.unwrap();
        if members.len() == 2 && members.get(&focus_user).is_some_and(|membership| membership == "join") {
            return room.to_owned();
        }
    }
    panic!("no 1:1 room with {focus_user}");
}
