//! A Matrix user as tests need one: a thin client over plain HTTP that says what it was refused. Knows nothing of calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Http, HttpError};

/// A registered user with a device. Clones are the same device.
#[derive(Clone, Debug)]
pub struct User {
    http: Http,
    /// The homeserver's base URL, without a slash at the end.
    pub homeserver: String,
    /// `@name:server`.
    pub user_id: String,
    /// The device's access token.
    pub access_token: String,
    /// The device.
    pub device_id: String,
    transactions: Arc<AtomicU64>,
}

/// What a homeserver did not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatrixError {
    /// There was no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The homeserver answered with an error.
    #[error("{what}: {status} {errcode}: {message}")]
    Refused {
        /// Which request.
        what: String,
        /// The HTTP status.
        status: StatusCode,
        /// The Matrix error code, such as `M_FORBIDDEN`; empty if there was none.
        errcode: String,
        /// The homeserver's words.
        message: String,
    },
    /// The answer lacks what the specification promises.
    #[error("{what}: the answer has no {field}")]
    Incomplete {
        /// Which request.
        what: String,
        /// What is missing.
        field: &'static str,
    },
    /// What was waited for did not come.
    #[error("not seen within {waited:?}: {what}")]
    NotSeen {
        /// What was waited for.
        what: String,
        /// For how long.
        waited: Duration,
    },
}

impl MatrixError {
    pub(super) fn refused(what: &str, status: StatusCode, answer: &Value) -> Self {
        let text = |key| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self::Refused { what: what.to_owned(), status, errcode: text("errcode"), message: text("error") }
    }
}

impl User {
    pub(super) fn new(
        http: Http,
        homeserver: String,
        user_id: String,
        access_token: String,
        device_id: String,
    ) -> Self {
        Self { http, homeserver, user_id, access_token, device_id, transactions: Arc::default() }
    }

    /// Any request to the client-server API, `path` without `/_matrix/client/` (`v3/joined_rooms`); its parts must be encoded.
    ///
    /// # Errors
    ///
    /// [`MatrixError::Refused`] for any status but 2xx.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, MatrixError> {
        let url = format!("{}/_matrix/client/{path}", self.homeserver);
        let what = format!("{method} {path} as {}", self.user_id);
        let (status, answer) = self.http.json(method, &url, Some(&self.access_token), body).await?;
        if status.is_success() { Ok(answer) } else { Err(MatrixError::refused(&what, status, &answer)) }
    }

    /// Creates a room and returns its id; `options` as the specification's `POST /createRoom` has them.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn create_room(&self, options: &Value) -> Result<String, MatrixError> {
        let answer = self.request(Method::POST, "v3/createRoom", Some(options)).await?;
        text(&answer, "room_id", "createRoom")
    }

    /// Invites a user.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn invite(&self, room: &str, user: &str) -> Result<(), MatrixError> {
        self.in_room(room, "invite", &json!({ "user_id": user })).await
    }

    /// Joins a room.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn join(&self, room: &str) -> Result<(), MatrixError> {
        self.in_room(room, "join", &json!({})).await
    }

    /// Leaves a room, or rejects an invitation.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn leave(&self, room: &str) -> Result<(), MatrixError> {
        self.in_room(room, "leave", &json!({})).await
    }

    /// Kicks a user.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn kick(&self, room: &str, user: &str) -> Result<(), MatrixError> {
        self.in_room(room, "kick", &json!({ "user_id": user })).await
    }

    /// Bans a user.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn ban(&self, room: &str, user: &str) -> Result<(), MatrixError> {
        self.in_room(room, "ban", &json!({ "user_id": user })).await
    }

    /// Lifts a ban.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn unban(&self, room: &str, user: &str) -> Result<(), MatrixError> {
        self.in_room(room, "unban", &json!({ "user_id": user })).await
    }

    /// Sets one's own display name.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn set_display_name(&self, name: &str) -> Result<(), MatrixError> {
        let path = format!("v3/profile/{}/displayname", encode(&self.user_id));
        self.request(Method::PUT, &path, Some(&json!({ "displayname": name }))).await.map(drop)
    }

    /// Sends a message-like event and returns its id.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn send_event(
        &self,
        room: &str,
        event_type: &str,
        content: &Value,
    ) -> Result<String, MatrixError> {
        let number = self.transactions.fetch_add(1, Ordering::Relaxed);
        let path = format!("v3/rooms/{}/send/{}/part{number}", encode(room), encode(event_type));
        text(&self.request(Method::PUT, &path, Some(content)).await?, "event_id", "send")
    }

    /// Sends a text message and returns the event's id.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn say(&self, room: &str, body: &str) -> Result<String, MatrixError> {
        self.send_event(room, "m.room.message", &json!({ "msgtype": "m.text", "body": body })).await
    }

    /// Sets a piece of state.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn set_state(
        &self,
        room: &str,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<(), MatrixError> {
        let path = format!("v3/rooms/{}/state/{}/{}", encode(room), encode(event_type), encode(state_key));
        self.request(Method::PUT, &path, Some(content)).await.map(drop)
    }

    /// Reads a piece of state; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn state(
        &self,
        room: &str,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<Value>, MatrixError> {
        let path = format!("v3/rooms/{}/state/{}/{}", encode(room), encode(event_type), encode(state_key));
        match self.request(Method::GET, &path, None).await {
            Ok(content) => Ok(Some(content)),
            Err(MatrixError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All users that the room's state names, with their membership (`join`, `invite`, `leave`, `ban`, `knock`).
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn members(&self, room: &str) -> Result<BTreeMap<String, String>, MatrixError> {
        let answer = self.request(Method::GET, &format!("v3/rooms/{}/members", encode(room)), None).await?;
        let events = answer.get("chunk").and_then(Value::as_array);
        let events = events.ok_or_else(|| incomplete("members", "chunk"))?;
        let member = |event: &Value| {
            let membership = event.pointer("/content/membership")?.as_str()?;
            Some((event.get("state_key")?.as_str()?.to_owned(), membership.to_owned()))
        };
        Ok(events.iter().filter_map(member).collect())
    }

    /// The newest events of a room that this user may see, at most `limit`, oldest first.
    ///
    /// # Errors
    ///
    /// [`MatrixError`].
    pub async fn timeline(&self, room: &str, limit: u32) -> Result<Vec<Value>, MatrixError> {
        let path = format!("v3/rooms/{}/messages?dir=b&limit={limit}", encode(room));
        let mut answer = self.request(Method::GET, &path, None).await?;
        match answer.get_mut("chunk").map(Value::take) {
            Some(Value::Array(mut events)) => {
                events.reverse();
                Ok(events)
            }
            _ => Err(incomplete("messages", "chunk")),
        }
    }

    /// Waits until one of a room's 100 newest events is as `wanted`, and returns the newest such.
    ///
    /// # Errors
    ///
    /// [`MatrixError::NotSeen`] after `deadline`; `what` is for its message.
    pub async fn wait_for_event(
        &self,
        room: &str,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, MatrixError> {
        self.wait(what, deadline, async || {
            Ok(self.timeline(room, 100).await?.into_iter().rev().find(|event| wanted(event)))
        })
        .await
    }

    /// Waits until a user's membership in a room is `membership`; of a user that the room does not know it is `leave`.
    ///
    /// # Errors
    ///
    /// [`MatrixError::NotSeen`] after `deadline`.
    pub async fn wait_for_membership(
        &self,
        room: &str,
        user: &str,
        membership: &str,
        deadline: Duration,
    ) -> Result<(), MatrixError> {
        self.wait(&format!("{user} to be {membership} in {room}"), deadline, async || {
            let members = self.members(room).await?;
            Ok((members.get(user).map_or("leave", String::as_str) == membership).then_some(()))
        })
        .await
    }

    async fn wait<T>(
        &self,
        what: &str,
        deadline: Duration,
        look: impl AsyncFn() -> Result<Option<T>, MatrixError>,
    ) -> Result<T, MatrixError> {
        let from = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if from.elapsed() > deadline {
                return Err(MatrixError::NotSeen { what: what.to_owned(), waited: deadline });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn in_room(&self, room: &str, action: &str, body: &Value) -> Result<(), MatrixError> {
        self.request(Method::POST, &format!("v3/rooms/{}/{action}", encode(room)), Some(body)).await.map(drop)
    }
}

fn encode(part: &str) -> String {
    utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()
}

fn text(answer: &Value, field: &'static str, what: &str) -> Result<String, MatrixError> {
    answer.get(field).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| incomplete(what, field))
}

fn incomplete(what: &str, field: &'static str) -> MatrixError {
    MatrixError::Incomplete { what: what.to_owned(), field }
}
