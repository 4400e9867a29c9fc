//! What every test stands on: a homeserver, a focus, proxies between the two, and people.

use std::path::{Path, PathBuf};
use std::time::Duration;

use confocal_testing::parts::{
    AiortcCaller, Browser, CallerOptions, DelayProxy, FocusOptions, FocusProcess, Page, PageServer, Places, Sound,
    Synapse, User, free_port,
};
use serde_json::{Value, json};
use toml::Table;

/// Enough for anything that is going to happen at all, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// An offer as matrix-js-sdk 43 in Chromium made it; nobody is behind it, so it is answered and never connects.
pub(crate) const OFFER: &str =
    include_str!("../../../../crates/transport/tests/fixtures/js-sdk-chromium/voice-0-invite-offer.sdp");

/// A homeserver and a focus, each reaching the other through a proxy.
pub(crate) struct World {
    pub(crate) places: Places,
    pub(crate) directory: PathBuf,
    pub(crate) focus: FocusProcess,
    pub(crate) synapse: Synapse,
    /// From the focus to the homeserver.
    pub(crate) requests: DelayProxy,
    /// From the homeserver to the focus.
    pub(crate) transactions: DelayProxy,
}

impl World {
    /// Starts everything; `settings` are the focus's own, as in its configuration file.
    pub(crate) async fn start(name: &str, settings: &str) -> Self {
        let places = Places::find();
        let directory = places.scratch(name).unwrap();
        let port = free_port().unwrap();
        let requests = DelayProxy::start(&format!("http://127.0.0.1:{port}")).await.unwrap();
        let settings: Table = settings.parse().unwrap();
        let options = FocusOptions { homeserver_url: requests.base_url().to_owned(), settings };
        let binary = Path::new(env!("CARGO_BIN_EXE_focus"));
        let mut focus = FocusProcess::prepare(binary, &directory, &options).await.unwrap();
        let transactions = proxy_before_focus(&focus.registration()).await;
        let synapse = Synapse::start(&places, &directory, port, &[focus.registration()]).await.unwrap();
        focus.start().await.unwrap();
        Self { places, directory, focus, synapse, requests, transactions }
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
        let options = CallerOptions {
            group_room: Some(room.to_owned()),
            sound: Sound::Tone { hertz: tone, dbfs: -20.0 },
            listen_hertz: tones.to_vec(),
            ..CallerOptions::new(&FocusProcess::user_id(room))
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

/// Puts a proxy between the homeserver and the focus, by what the registration says.
async fn proxy_before_focus(registration: &Path) -> DelayProxy {
    let text = std::fs::read_to_string(registration).unwrap();
    let url = text
        .lines()
        .find_map(|line| line.strip_prefix("url:"))
        .map(|url| url.trim().trim_matches(['"', '\'']).to_owned())
        .unwrap();
    let proxy = DelayProxy::start(&url).await.unwrap();
    std::fs::write(registration, text.replace(&url, proxy.base_url())).unwrap();
    proxy
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
    let ours = events.iter().filter(|event| event["content"]["call_id"] == call && event["sender"] != user.user_id);
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

/// Someone with the test page open in a browser.
pub(crate) struct Person {
    pub(crate) page: Page,
}

impl Person {
    /// Opens the page and logs in; the microphone is a sine of `tone` Hz.
    pub(crate) async fn start(pages: &PageServer, browser: &Browser, user: &User, tone: f64) -> Self {
        let page = browser.open(&format!("{}/person.html", pages.base_url())).await.unwrap();
        page.wait_for("window.person !== undefined", SOON).await.unwrap();
        let who = json!({
            "homeserver": user.homeserver,
            "user_id": user.user_id,
            "access_token": user.access_token,
            "device_id": user.device_id,
            "tone": tone,
        });
        page.run("return person.start(args)", &who, SOON).await.unwrap();
        Self { page }
    }

    /// Joins the room's conference, as a click on the page would; ends when the call is connected.
    pub(crate) async fn join(&self, room: &str, more: Value) -> Value {
        let mut how = json!({ "group_room_id": room, "focus_user_id": FocusProcess::user_id(room), "invite": true });
        if let (Some(how), Some(more)) = (how.as_object_mut(), more.as_object()) {
            how.extend(more.clone());
        }
        self.page.run("return person.join(args)", &how, SOON * 2).await.unwrap()
    }

    /// The levels in dBFS of some tones in what it hears, over half a second.
    pub(crate) async fn levels(&self, tones: &[f64]) -> Vec<f64> {
        let levels = self.page.run("return person.levels(args, 500)", &json!(tones), SOON).await.unwrap();
        tones.iter().map(|tone| levels[tone.to_string()].as_f64().unwrap()).collect()
    }

    pub(crate) async fn hang_up(&self) {
        self.page.run("return person.hangup()", &Value::Null, SOON).await.unwrap();
    }

    pub(crate) async fn state(&self) -> Value {
        self.page.run("return person.state()", &Value::Null, SOON).await.unwrap()
    }
}
