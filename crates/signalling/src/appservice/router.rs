//! The paths that the homeserver calls, as an axum router: `PUT /_matrix/app/v1/transactions/{txnId}`,
//! `GET /_matrix/app/v1/users/{userId}`, `GET /_matrix/app/v1/rooms/{roomAlias}`, `POST /_matrix/app/v1/ping`.
//!
//! <https://spec.matrix.org/v1.15/application-service-api/>. Also without the prefix, as homeservers called them before it
//! (section "Legacy routes"). There are no third-party networks here, so `thirdparty` is no path of ours.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use confocal::ports::Inbox;
use ruma_common::api::auth_scheme::{AppserviceToken, AuthScheme};
use serde_json::{Value, json};

use super::transaction::{TransactionError, Transactions};
use crate::adapter::Adapter;
use crate::homeserver::{Fault, Homeserver};

/// The largest body that is read, in bytes. A homeserver sends at most 100 events of 64 KiB each, and as it repeats what does
/// not fit for ever, the limit leaves room for its escapes and additions.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

pub(crate) fn router<H: Homeserver>(adapter: Adapter<H>, inbox: Inbox) -> Router {
    let transactions = Transactions::new(adapter.clone(), inbox);
    let mut router = Router::new();
    for prefix in ["/_matrix/app/v1", ""] {
        router = router
            .route(&format!("{prefix}/transactions/{{txn_id}}"), put(transaction))
            // Names are what is left of the path: homeservers don't escape the `/` that base64 and aliases may hold.
            .route(&format!("{prefix}/rooms/{{*alias}}"), get(room))
            .merge(
                Router::new()
                    .route(&format!("{prefix}/users/{{*user}}"), get(user))
                    .with_state(adapter.clone()),
            );
    }
    router
        .route("/_matrix/app/v1/ping", post(ping))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route_layer(middleware::from_fn_with_state(adapter, authorize))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unrecognized)
        .with_state(transactions)
}

/// Lets only the homeserver in.
async fn authorize<H: Homeserver>(
    State(adapter): State<Adapter<H>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let head = Request::from_parts(parts.clone(), [0_u8; 0]);
    let token = AppserviceToken::extract_authentication(&head);
    if token.is_ok_and(|token| adapter.hs_token().matches(&token)) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    adapter.counters().refused_tokens.add(1);
    tracing::warn!("a request without the homeserver's token was refused");
    error(StatusCode::FORBIDDEN, "M_FORBIDDEN", "wrong or missing hs_token")
}

async fn transaction<H: Homeserver>(
    State(transactions): State<Transactions<H>>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (id, body) = match (id, body) {
        (Ok(Path(id)), Ok(body)) => (id, body),
        (_, Err(rejection)) => return unread(&rejection),
        (Err(_), Ok(_)) => {
            return error(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", "the transaction's id is no text");
        }
    };
    // Spawned, so that a homeserver that hangs up does not leave a transaction half handled.
    let handling = tokio::spawn(async move { transactions.handle_transaction(&id, &body).await });
    match handling.await {
        Ok(Ok(_)) => ok(),
        Ok(Err(TransactionError::BadJson(_))) => {
            error(StatusCode::BAD_REQUEST, "M_BAD_JSON", "the transaction can't be read")
        }
        Ok(Err(TransactionError::NotAccepted(_))) => {
            error(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", "the transaction could not be stored")
        }
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "internal error"),
    }
}

/// What can't be read of a body. A homeserver sends it again and again, so the operator is told.
fn unread(rejection: &BytesRejection) -> Response {
    let status = rejection.status();
    if status != StatusCode::PAYLOAD_TOO_LARGE {
        return error(status, "M_UNKNOWN", "the body could not be read");
    }
    tracing::error!(limit = MAX_BODY_BYTES, "a transaction was refused for its size");
    error(status, "M_TOO_LARGE", "the transaction is larger than the 64 MiB that are read")
}

async fn user<H: Homeserver>(
    State(adapter): State<Adapter<H>>,
    user: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(user)) = user else {
        return error(StatusCode::NOT_FOUND, "M_NOT_FOUND", "no such user");
    };
    match adapter.ensure_focus(&user).await {
        Some(Ok(_)) => ok(),
        Some(Err(error)) if matches!(error.fault(), Fault::Passing { .. }) => {
            self::error(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", "the user could not be registered now")
        }
        Some(Err(_)) | None => error(StatusCode::NOT_FOUND, "M_NOT_FOUND", "no such user"),
    }
}

async fn room() -> Response {
    error(StatusCode::NOT_FOUND, "M_NOT_FOUND", "no such room")
}

async fn ping() -> Response {
    ok()
}

async fn unrecognized() -> Response {
    error(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "no such endpoint")
}

async fn wrong_method() -> Response {
    error(StatusCode::METHOD_NOT_ALLOWED, "M_UNRECOGNIZED", "no such method here")
}

fn ok() -> Response {
    Json(Value::Object(serde_json::Map::new())).into_response()
}

fn error(status: StatusCode, errcode: &str, words: &str) -> Response {
    (status, Json(json!({ "errcode": errcode, "error": words }))).into_response()
}
