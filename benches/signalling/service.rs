//! A focus without media, and the homeserver's side of its listener: transactions in, one at a time.
//!
//! What is measured never lives here.

use std::path::Path;

use confocal::conference::{Config, Limits};
use confocal::ports::{Inbox, ReportSink};
use confocal::{Clock, Driver, Parts};
use confocal_signalling::{Adapter, AdapterConfig, FocusIdScheme, Secret};
use confocal_store::SqliteStore;
use reqwest::Client;
use ruma_common::owned_server_name;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::offer;
use crate::stand_ins::{AnsweringEngine, WillingHomeserver};

const TOKEN: &str = "a-token-for-measuring";

/// Who calls in each room: one stays in the call, the other comes and goes.
pub(crate) mod people {
    pub(crate) const HOST: &str = "host";
    pub(crate) const GUEST: &str = "guest";
}

/// The running focus.
pub(crate) struct Service {
    client: Client,
    url: String,
    transactions: u64,
    /// The call ids of answers that were sent.
    answers: mpsc::UnboundedReceiver<String>,
    stop: oneshot::Sender<()>,
    driver: JoinHandle<()>,
    listener: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start(store: &Path) -> Self {
        // The client wants one, though nothing here is encrypted. An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (homeserver, answers) = WillingHomeserver::new();
        let config = AdapterConfig {
            homeserver_url: String::new(),
            as_token: Secret::new(TOKEN),
            hs_token: Secret::new(TOKEN),
            appservice_id: "bench".to_owned(),
            sender_localpart: "conference".to_owned(),
            scheme: scheme(),
        };
        let adapter = Adapter::with_homeserver(config, homeserver).unwrap();
        let (inbox, mailbox) = Inbox::new(16);
        let (sink, reports) = ReportSink::new();
        // Nobody watches.
        let (news, _) = mpsc::unbounded_channel();
        let driver = Driver::new(Parts {
            signalling: adapter.clone(),
            engine: AnsweringEngine(sink),
            reports,
            store: SqliteStore::open(store).unwrap(),
            mailbox,
            news,
            clock: Clock::system(),
            config: Config { limits: limits(), ..Config::default() },
            seed: 1,
        })
        .unwrap();
        let (stop, stopped) = oneshot::channel();
        let driver = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            driver.run(stopped).await.unwrap();
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = adapter.router(inbox);
        let listener = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        // Transactions are named by time, so that those of the last start are not taken for repeated.
        let transactions = Clock::system().now().as_unix_millis();
        Self { client: Client::new(), url, transactions, answers, stop, driver, listener }
    }

    /// Puts a transaction and waits until it is acknowledged.
    pub(crate) async fn put(&mut self, events: &[Value]) {
        self.transactions += 1;
        let url = format!("{}/_matrix/app/v1/transactions/{}", self.url, self.transactions);
        let body = json!({ "events": events });
        let answer = self.client.put(url).bearer_auth(TOKEN).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Waits until a call is answered.
    pub(crate) async fn answered(&mut self, call: &str) {
        while self.answers.recv().await.unwrap() != call {}
    }

    /// So many rooms: in each the host is in a call, and the guest has a 1:1 room with the focus user.
    pub(crate) async fn open_rooms(&mut self, rooms: usize) {
        for room in 0..rooms {
            self.put(&[invitation(room, people::HOST), invitation(room, people::GUEST)]).await;
            // One after the other: a crowd that comes at once is not what is measured.
            let call = format!("stays-{room}");
            self.put(&[call_event("m.call.invite", room, people::HOST, &call)]).await;
            self.answered(&call).await;
        }
    }

    /// Ends it; afterwards the store is closed.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.driver.await.unwrap();
        self.listener.abort();
    }
}

/// What one user may do is not what is measured.
fn limits() -> Limits {
    Limits {
        invites_at_once: u32::MAX,
        strangers_per_hour: u32::MAX,
        calls_per_server: usize::MAX,
        ..Limits::default()
    }
}

fn scheme() -> FocusIdScheme {
    FocusIdScheme::new(["conf_"], owned_server_name!("bench.test")).unwrap()
}

fn user(room: usize, who: &str) -> String {
    format!("@{who}{room}:bench.test")
}

fn direct(room: usize, who: &str) -> String {
    format!("!direct-{room}-{who}:bench.test")
}

/// The focus user of a room is invited into someone's 1:1 room.
fn invitation(room: usize, who: &str) -> Value {
    let focus = scheme().encode(&format!("!room{room}:bench.test")).unwrap();
    json!({
        "type": "m.room.member", "sender": user(room, who), "room_id": direct(room, who), "event_id": "$invitation",
        "state_key": focus, "content": { "membership": "invite" },
    })
}

/// An event of someone's call to a room's focus user, as matrix-js-sdk writes it.
pub(crate) fn call_event(kind: &str, room: usize, who: &str, call: &str) -> Value {
    let mut content = json!({ "call_id": call, "party_id": "PARTY", "version": "1" });
    let more = match kind {
        "m.call.invite" => json!({ "lifetime": 60_000, "offer": offer() }),
        "m.call.candidates" => json!({ "candidates": [{
            "candidate": "candidate:1 1 udp 2113937151 198.51.100.7 50000 typ host", "sdpMid": "0", "sdpMLineIndex": 0,
        }] }),
        _ => json!({ "reason": "user_hangup" }),
    };
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "type": kind, "sender": user(room, who), "room_id": direct(room, who), "event_id": "$call",
        "unsigned": { "age": 5 }, "content": content,
    })
}
