//! The bridge's own handler: a parrot that comes where it is invited and repeats what follows `!parrot`. It stands for whatever a bridge
//! does, and knows nothing of conferences.

use anyhow::{Context, ensure};
use confocal_signalling::Secret;
use reqwest::{Client, Method, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::Settings;

/// The localpart of the parrot, who is the registration's own user.
pub(crate) const LOCALPART: &str = "parrot";

/// What it hears begins with this.
const CALL: &str = "!parrot ";

pub(crate) struct Parrot {
    http: Client,
    homeserver: Url,
    as_token: Secret,
    user: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    sender: String,
    room_id: String,
    event_id: String,
    state_key: Option<String>,
    content: Value,
}

impl Parrot {
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            http: Client::new(),
            homeserver: Url::parse(&settings.homeserver_url).context("the homeserver's URL")?,
            as_token: settings.as_token.clone(),
            user: format!("@{LOCALPART}:{}", settings.server_name),
        })
    }

    /// Hears an event. One that it does not understand is not for it.
    pub(crate) async fn hear(&self, event: &RawValue) {
        let Ok(event) = serde_json::from_str::<Event>(event.get()) else { return };
        let text = |field: &str| event.content.get(field).and_then(Value::as_str).unwrap_or_default();
        let done = match event.kind.as_str() {
            "m.room.member"
                if event.state_key.as_ref() == Some(&self.user) && text("membership") == "invite" =>
            {
                self.ask(Method::POST, &["rooms", &event.room_id, "join"], json!({})).await
            }
            "m.room.message" if event.sender != self.user => match text("body").strip_prefix(CALL) {
                Some(word) => {
                    // Of an event that comes twice the homeserver takes the answer once.
                    let path = ["rooms", &event.room_id, "send", "m.room.message", &event.event_id];
                    self.ask(Method::PUT, &path, json!({ "msgtype": "m.notice", "body": word })).await
                }
                None => Ok(()),
            },
            _ => Ok(()),
        };
        // A bridge would try again; a parrot keeps quiet.
        drop(done);
    }

    async fn ask(&self, method: Method, path: &[&str], body: Value) -> anyhow::Result<()> {
        let mut url = self.homeserver.clone();
        let mut segments = url.path_segments_mut().ok().context("the homeserver's URL has no path")?;
        segments.pop_if_empty().extend(["_matrix", "client", "v3"]).extend(path);
        drop(segments);
        let request = self.http.request(method, url).bearer_auth(self.as_token.expose()).json(&body);
        let status = request.send().await?.status();
        ensure!(status.is_success(), "the homeserver answered {status}");
        Ok(())
    }
}
