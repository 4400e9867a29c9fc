//! Janus' AudioBridge, by Janus' HTTP interface: <https://janus.conf.meetecho.com/docs/rest.html> and `audiobridge.html` beside it.
//!
//! One session has all callers, each with a handle of its own; one long poll brings the events of all of them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinHandle;

use super::{Call, Web};

/// How long an event may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What rooms are made with; the rest is the plugin's default (a prebuffering of 6 packets among it).
const SAMPLING_RATE: u32 = 48_000;

/// A Janus.
#[derive(Debug)]
pub struct JanusTarget {
    inner: Arc<Inner>,
    polling: JoinHandle<()>,
    rooms: AsyncMutex<HashSet<usize>>,
    /// The number of the first room; by chance, since rooms of an earlier run may still be there.
    first_room: u64,
    /// Packets that a participant's queue holds before it is mixed; `None` is the plugin's default.
    prebuffering: Option<u32>,
}

#[derive(Debug)]
struct Inner {
    web: Web,
    session: u64,
    transactions: AtomicU64,
    waiting: Mutex<HashMap<String, oneshot::Sender<Value>>>,
}

impl JanusTarget {
    /// The one whose HTTP interface is at `url`, such as `http://127.0.0.1:8088/janus`. `prebuffering` as in the plugin's `create`.
    ///
    /// # Errors
    ///
    /// When it can't be reached or makes no session.
    pub async fn new(url: &str, prebuffering: Option<u32>) -> anyhow::Result<Self> {
        let web = Web::new(url);
        let created = post(&web, "", &json!({ "janus": "create", "transaction": "create" })).await?;
        let session = created.pointer("/data/id").and_then(Value::as_u64).context("Janus made no session")?;
        let first_room = u64::from(getrandom::u32().context("the system has no random numbers")?);
        let inner =
            Arc::new(Inner { web, session, transactions: AtomicU64::new(0), waiting: Mutex::default() });
        let polling = tokio::spawn(poll(Arc::clone(&inner)));
        Ok(Self { inner, polling, rooms: AsyncMutex::default(), first_room, prebuffering })
    }

    pub(super) async fn call(&self, conference: usize, offer: &str) -> anyhow::Result<Call> {
        let attach = json!({ "janus": "attach", "plugin": "janus.plugin.audiobridge" });
        let attached = self.inner.ask("", attach).await?;
        let handle = attached.pointer("/data/id").and_then(Value::as_u64).context("Janus made no handle")?;
        let path = format!("/{handle}");
        let room = self.first_room + conference as u64;
        {
            let mut rooms = self.rooms.lock().await;
            if !rooms.contains(&conference) {
                let mut create = json!({
                    "request": "create", "room": room, "sampling_rate": SAMPLING_RATE, "description": "swarm",
                    "is_private": true, "audiolevel_event": true,
                });
                if let (Some(packets), Some(fields)) = (self.prebuffering, create.as_object_mut()) {
                    fields.insert("default_prebuffering".to_owned(), packets.into());
                }
                let made = self.inner.ask(&path, json!({ "janus": "message", "body": create })).await?;
                plugin_data(&made)?;
                rooms.insert(conference);
            }
        }
        let join = json!({ "janus": "message", "body": { "request": "join", "room": room, "muted": false } });
        plugin_data(&self.inner.ask_for_event(&path, join).await?)?;
        let configure = json!({
            "janus": "message", "body": { "request": "configure", "muted": false },
            "jsep": { "type": "offer", "sdp": offer },
        });
        let configured = self.inner.ask_for_event(&path, configure).await?;
        plugin_data(&configured)?;
        let answer =
            configured.pointer("/jsep/sdp").and_then(Value::as_str).context("Janus gave no answer")?;
        Ok(Call { answer: answer.to_owned(), address: path })
    }

    pub(super) async fn hang_up(&self, call: &Call) -> anyhow::Result<()> {
        self.inner.ask(&call.address, json!({ "janus": "detach" })).await.map(drop)
    }
}

impl Drop for JanusTarget {
    fn drop(&mut self) {
        // The session ends by itself when nobody polls.
        self.polling.abort();
    }
}

impl Inner {
    /// A request whose reply has the outcome in it.
    async fn ask(&self, path: &str, mut request: Value) -> anyhow::Result<Value> {
        request["transaction"] = self.transaction().into();
        post(&self.web, &format!("/{}{path}", self.session), &request).await
    }

    /// A request that is only acknowledged; its outcome is an event.
    async fn ask_for_event(&self, path: &str, mut request: Value) -> anyhow::Result<Value> {
        let transaction = self.transaction();
        request["transaction"] = transaction.as_str().into();
        let (sender, event) = oneshot::channel();
        self.lock().insert(transaction.clone(), sender);
        let acknowledged = post(&self.web, &format!("/{}{path}", self.session), &request).await;
        let event = match acknowledged {
            Ok(_) => tokio::time::timeout(PATIENCE, event).await,
            Err(error) => {
                self.lock().remove(&transaction);
                return Err(error);
            }
        };
        self.lock().remove(&transaction);
        event.context("Janus sent no event in time")?.context("Janus' session is over")
    }

    fn transaction(&self) -> String {
        format!("t{}", self.transactions.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Value>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings events to whoever waits for them, for as long as the session lives. It also keeps it alive.
async fn poll(inner: Arc<Inner>) {
    let path = format!("/{}?maxev=50", inner.session);
    loop {
        let Ok(reply) = inner.web.ask(Method::GET, &path, "application/json", String::new()).await else {
            break;
        };
        let Ok(events) = serde_json::from_str::<Value>(&reply.text) else { break };
        let events = if let Value::Array(events) = events { events } else { vec![events] };
        for event in events {
            if event["janus"] == "error" {
                inner.lock().clear();
                return;
            }
            let transaction = event["transaction"].as_str().unwrap_or_default().to_owned();
            if let Some(waiting) = inner.lock().remove(&transaction) {
                let _ = waiting.send(event);
            }
        }
    }
    // Whoever still waits learns that nothing comes.
    inner.lock().clear();
}

async fn post(web: &Web, path: &str, request: &Value) -> anyhow::Result<Value> {
    let reply = web.ask(Method::POST, path, "application/json", request.to_string()).await?;
    let value: Value = serde_json::from_str(&reply.text).context("Janus' reply is no JSON")?;
    if value["janus"] == "error" {
        bail!("Janus: {}", value.pointer("/error/reason").and_then(Value::as_str).unwrap_or("an error"));
    }
    Ok(value)
}

/// What the plugin says, or its error.
fn plugin_data(event: &Value) -> anyhow::Result<&Value> {
    let data =
        event.pointer("/plugindata/data").ok_or_else(|| anyhow!("Janus' event is of no plugin: {event}"))?;
    match data.get("error").and_then(Value::as_str) {
        Some(error) => Err(anyhow!("Janus' AudioBridge: {error}")),
        None => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugins_errors_are_errors() {
        let event = json!({ "plugindata": { "data": { "error_code": 485, "error": "No such room" } } });
        assert_eq!(
            plugin_data(&event).expect_err("an error").to_string(),
            "Janus' AudioBridge: No such room"
        );
        assert!(plugin_data(&json!({ "plugindata": { "data": { "audiobridge": "joined" } } })).is_ok());
    }
}
