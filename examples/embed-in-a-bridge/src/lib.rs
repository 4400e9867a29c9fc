//! A bridge that has a conference focus in it: one registration, one listener, and two who look at what comes in.
//!
//! The homeserver's transactions go to the focus first. What is not about focus users alone it gives back untouched, and that goes
//! to the bridge's own handler, which here is a parrot (`parrot.rs`): what a bridge does elsewhere never matters to the focus.

mod parrot;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use confocal::conference::Config;
use confocal::ports::{Inbox, Mailbox, ReportSink};
use confocal::{Clock, Driver, Parts};
use confocal_media::{Engine, EngineConfig};
use confocal_signalling::{
    Adapter, AdapterConfig, FocusIdScheme, HttpHomeserver, Secret, TransactionError, Transactions,
};
use confocal_store::SqliteStore;
use parrot::Parrot;
use ruma_common::OwnedServerName;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// The largest transaction that is read: a homeserver sends at most 100 events of 64 KiB each, some of it escaped.
const MAX_BODY_BYTES: usize = 64 << 20;

/// What the bridge must know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The homeserver's name.
    pub server_name: OwnedServerName,
    /// Where its client API is.
    pub homeserver_url: String,
    /// Where the homeserver reaches the bridge.
    pub listen: SocketAddr,
    /// By what the homeserver knows the bridge.
    pub as_token: Secret,
    /// By what the bridge knows the homeserver.
    pub hs_token: Secret,
    /// Where conferences survive a restart.
    pub store: PathBuf,
}

impl Settings {
    /// Which users are focus users. A bridge that has names of its own for rooms brings a `Spelling`.
    fn scheme(&self) -> anyhow::Result<FocusIdScheme> {
        Ok(FocusIdScheme::new(["conf_", "fs_"], self.server_name.clone())?)
    }

    /// The registration, for the homeserver: one for both, with the users of both. It is JSON, which YAML contains.
    ///
    /// # Errors
    ///
    /// When the settings make none.
    pub fn registration(&self) -> anyhow::Result<Value> {
        let namespaces = self.scheme()?.namespace_regexes();
        let users: Vec<Value> =
            namespaces.into_iter().map(|regex| json!({ "exclusive": true, "regex": regex })).collect();
        Ok(json!({
            "id": "bridge",
            "url": format!("http://{}", self.listen),
            "as_token": self.as_token.expose(),
            "hs_token": self.hs_token.expose(),
            "sender_localpart": parrot::LOCALPART,
            "rate_limited": false,
            "namespaces": { "users": users, "aliases": [], "rooms": [] },
        }))
    }
}

/// Runs the bridge on its listener, until something fails.
///
/// # Errors
///
/// When a part can't be started, or fails.
pub async fn run(listener: TcpListener, settings: &Settings) -> anyhow::Result<()> {
    let adapter = Adapter::new(AdapterConfig {
        homeserver_url: settings.homeserver_url.clone(),
        as_token: settings.as_token.clone(),
        hs_token: settings.hs_token.clone(),
        appservice_id: "bridge".to_owned(),
        sender_localpart: parrot::LOCALPART.to_owned(),
        scheme: settings.scheme()?,
    })?;
    let (inbox, mailbox) = Inbox::new(16);
    let bridge = Arc::new(Bridge {
        transactions: adapter.transactions(inbox),
        adapter: adapter.clone(),
        // After the adapter, which has installed the cryptography that all HTTPS clients of the process use.
        parrot: Parrot::new(settings)?,
        hs_token: settings.hs_token.clone(),
    });
    let routes = Router::new()
        .route("/_matrix/app/v1/transactions/{id}", put(transaction))
        .route("/_matrix/app/v1/users/{user}", get(user))
        .route("/_matrix/app/v1/ping", post(ping))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(bridge);
    tokio::try_join!(conferences(adapter, mailbox, settings), async {
        axum::serve(listener, routes).await.context("the listener failed")
    })?;
    Ok(())
}

/// The focus: machine, store and media, put together.
async fn conferences(adapter: Adapter, mailbox: Mailbox, settings: &Settings) -> anyhow::Result<()> {
    let (sink, reports) = ReportSink::new();
    let engine = Engine::start(EngineConfig::default(), sink, Handle::current())?;
    // Nobody here watches conferences: the other end is dropped.
    let (news, _) = mpsc::unbounded_channel();
    let driver = Driver::new(Parts {
        signalling: adapter,
        engine,
        reports,
        store: SqliteStore::open(&settings.store)?,
        mailbox,
        news,
        clock: Clock::system(),
        config: Config::default(),
        seed: getrandom::u64()?,
    })?;
    Ok(driver.run(std::future::pending()).await?)
}

struct Bridge {
    transactions: Transactions<HttpHomeserver>,
    adapter: Adapter,
    parrot: Parrot,
    hs_token: Secret,
}

impl Bridge {
    /// Only the homeserver may say what happened.
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| self.hs_token.matches(token))
    }

    /// The focus first: when this returns without an error, what concerns conferences is committed. A transaction that comes again
    /// is recognised by the focus for itself; the bridge must bear to see its events twice.
    async fn handle(&self, id: &str, body: &[u8]) -> Result<(), TransactionError> {
        let handled = self.transactions.handle_transaction(id, body).await?;
        for event in handled.foreign {
            self.parrot.hear(&event).await;
        }
        Ok(())
    }
}

async fn transaction(
    State(bridge): State<Arc<Bridge>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !bridge.lets_in(&headers) {
        return answer(StatusCode::FORBIDDEN, &json!({ "errcode": "M_FORBIDDEN", "error": "who are you?" }));
    }
    // Spawned, so that a homeserver that hangs up does not leave a transaction half handled.
    match tokio::spawn(async move { bridge.handle(&id, &body).await }).await {
        Ok(Ok(())) => answer(StatusCode::OK, &json!({})),
        Ok(Err(TransactionError::BadJson(_))) => {
            answer(StatusCode::BAD_REQUEST, &json!({ "errcode": "M_BAD_JSON", "error": "not a transaction" }))
        }
        // Not acknowledged, it comes again.
        Ok(Err(_)) | Err(_) => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "errcode": "M_UNKNOWN", "error": "not handled" }),
        ),
    }
}

/// Focus users come into being when they are asked for. The parrot is the registration's own user, and always there.
async fn user(State(bridge): State<Arc<Bridge>>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    if bridge.lets_in(&headers) && matches!(bridge.adapter.ensure_focus(&user).await, Some(Ok(_))) {
        return answer(StatusCode::OK, &json!({}));
    }
    answer(StatusCode::NOT_FOUND, &json!({ "errcode": "M_NOT_FOUND", "error": "no such user" }))
}

async fn ping() -> Response {
    answer(StatusCode::OK, &json!({}))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, Json(body)).into_response()
}
