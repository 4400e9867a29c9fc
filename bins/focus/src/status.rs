//! The status page's server: who is in which conference, and what is counted of it, read-only, for whoever holds the token.
//!
//! What the news mean lives in [`view`] and [`mod@metrics`]; conferences are never changed from here.

mod connection;
mod metrics;
mod view;

use std::future::Future;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use confocal::conference::ConferenceEvent;
use http::{StatusCode, header};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::config::Secret;
use metrics::Metrics;
use view::StatusView;

/// What is known of the conferences, shared by the one who hears the news and those who ask.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    view: StatusView,
    metrics: Metrics,
}

impl Board {
    /// Notes one piece of news.
    fn note(&self, event: &ConferenceEvent) {
        // A panic while noting leaves one entry stale, no reason to tell nothing more.
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.view.apply(event);
        known.metrics.note(event);
    }

    /// Notes all news until nobody is left who could send some.
    pub(crate) async fn follow(self, mut news: mpsc::UnboundedReceiver<ConferenceEvent>) {
        while let Some(event) = news.recv().await {
            self.note(&event);
        }
    }
}

/// Serves until `shutdown` is over. `ready` tells when the homeserver has been heard of.
///
/// # Errors
///
/// When the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    board: Board,
    token: Secret,
    ready: watch::Receiver<bool>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(board, token, ready)).with_graceful_shutdown(shutdown).await
}

fn router(board: Board, token: Secret, ready: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/_confocal/v1/conferences", get(conferences))
        .route("/metrics", get(metrics_text))
        .with_state(board)
        .route_layer(middleware::from_fn_with_state(Arc::new(token), authorize))
        .route("/health", get(health))
        .merge(Router::new().route("/ready", get(readiness)).with_state(ready))
}

/// `GET /_confocal/v1/conferences`
async fn conferences(State(board): State<Board>) -> Response {
    let known = board.0.read().unwrap_or_else(PoisonError::into_inner);
    Json(known.view.conferences()).into_response()
}

/// `GET /metrics`, for Prometheus
async fn metrics_text(State(board): State<Board>) -> Response {
    let text = {
        let known = board.0.read().unwrap_or_else(PoisonError::into_inner);
        known.metrics.text(&known.view.present())
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// `GET /health`: the process lives and answers.
async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /ready`: calls are taken. 503 until the homeserver has reached us for the first time since the start.
async fn readiness(State(ready): State<watch::Receiver<bool>>) -> Response {
    if *ready.borrow() {
        return Json(json!({ "status": "ready" })).into_response();
    }
    let waiting = json!({ "status": "waiting for the homeserver" });
    (StatusCode::SERVICE_UNAVAILABLE, Json(waiting)).into_response()
}

/// Lets a request pass that shows the token, compared in constant time (RFC 6750 section 2.1).
async fn authorize(State(token): State<Arc<Secret>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, shown) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(shown)
    });
    if shown.is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(token.expose().as_bytes()))) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
    (StatusCode::UNAUTHORIZED, challenge, Json(json!({ "error": "token missing or wrong" }))).into_response()
}

#[cfg(test)]
mod tests;
