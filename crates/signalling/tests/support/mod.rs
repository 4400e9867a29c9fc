//! What the tests of the adapter share: an adapter, and a homeserver that answers as it is told and remembers what it
//! was asked.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use confocal_signalling::{Adapter, AdapterConfig, FocusIdScheme, Secret};
use ruma_common::owned_server_name;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The focus user of `!abc:eET`.
pub(crate) const FOCUS: &str = "@fs_IWFiYzplRVQ:hs.test";
#[allow(dead_code, reason = "each of the test programs uses a part of these")]
pub(crate) const GROUP: &str = "!abc:eET";
#[allow(dead_code, reason = "each of the test programs asks for a part of it")]
pub(crate) const DIRECT: &str = "!direct:hs.test";
#[allow(dead_code, reason = "each of the test programs uses a part of these")]
pub(crate) const ALICE: &str = "@alice:hs.test";
pub(crate) const HS_TOKEN: &str = "hs-s3cret";
pub(crate) const AS_TOKEN: &str = "as-s3cret";

/// An adapter for the homeserver at `url`.
pub(crate) fn adapter(url: &str) -> Adapter {
    Adapter::new(AdapterConfig {
        homeserver_url: url.to_owned(),
        as_token: Secret::new(AS_TOKEN),
        hs_token: Secret::new(HS_TOKEN),
        appservice_id: "confocal".to_owned(),
        sender_localpart: "conference".to_owned(),
        scheme: FocusIdScheme::new(["conf_", "fs_"], owned_server_name!("hs.test")).unwrap(),
    })
    .unwrap()
}

/// Serves a router on a loopback port and returns its URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A request as the homeserver saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Method and path, as they came.
    pub(crate) what: String,
    /// The query, as it came.
    pub(crate) query: String,
    /// The bearer token.
    pub(crate) token: String,
    pub(crate) body: Value,
}

/// A homeserver that knows only what it is told.
#[derive(Clone, Default)]
pub(crate) struct FakeHomeserver {
    shared: Arc<Mutex<Shared>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Shared {
    answers: HashMap<String, (u16, Value)>,
    asked: Vec<Asked>,
}

#[allow(dead_code, reason = "each of the test programs asks for a part of it")]
impl FakeHomeserver {
    /// Starts one; also tells its URL.
    pub(crate) async fn start() -> (Self, String) {
        let homeserver = Self::default();
        let url = serve(Router::new().fallback(answer).with_state(homeserver.clone())).await;
        homeserver.on("POST /register", 200, json!({ "user_id": FOCUS }));
        (homeserver, url)
    }

    /// From now on, `what` (method, space, path after `/_matrix/client/v3`) is answered so; `*` ends a pattern.
    pub(crate) fn on(&self, what: &str, status: u16, body: Value) {
        self.shared.lock().unwrap().answers.insert(what.to_owned(), (status, body));
    }

    /// All that it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// The requests so far, without their bodies.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }

    /// Waits for a request.
    pub(crate) async fn wait_for(&self, what: &str) -> Asked {
        loop {
            let changed = self.changed.notified();
            if let Some(asked) = self.asked().into_iter().find(|asked| asked.what == what) {
                return asked;
            }
            let waited = tokio::time::timeout(std::time::Duration::from_secs(20), changed).await;
            assert!(waited.is_ok(), "never asked: {what}; but {:?}", self.paths());
        }
    }
}

async fn answer(
    State(homeserver): State<FakeHomeserver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = decoded(uri.path()).replace("/_matrix/client/v3", "");
    let what = format!("{method} {path}");
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked = Asked {
        what: what.clone(),
        query: uri.query().unwrap_or_default().to_owned(),
        token: token.trim_start_matches("Bearer ").to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let mut shared = homeserver.shared.lock().unwrap();
    shared.asked.push(asked);
    let fits = |pattern: &&String| {
        **pattern == what || pattern.strip_suffix('*').is_some_and(|start| what.starts_with(start))
    };
    // The longest pattern is the most exact.
    let best = shared.answers.keys().filter(fits).max_by_key(|pattern| pattern.len());
    let found = best.and_then(|pattern| shared.answers.get(pattern)).cloned();
    drop(shared);
    // One waiter at a time: a notification kept for it is as good as one that wakes it.
    homeserver.changed.notify_one();
    let (status, body) =
        found.unwrap_or_else(|| (404, json!({ "errcode": "M_NOT_FOUND", "error": "not told about" })));
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// A path with its escapes read, once, as a homeserver does.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}
