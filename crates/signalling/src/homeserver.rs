//! What is asked of a homeserver: the port of this crate, fine-grained, so that a bridge can put its own client behind it.
//!
//! What the answers mean to a request of the machine never lives here (`perform`), nor does HTTP (`http`).

mod devices;
mod http;

pub use http::{HttpHomeserver, HttpSetupError};

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use ::http::StatusCode;
use confocal::conference::RequestFailure;
use confocal::ports::SendError;
use ruma_common::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId};
use serde_json::value::RawValue;

/// A homeserver as an application service sees it. All but `register` and `ping` act in the name of `as_user`, a user of the
/// application service's namespace (<https://spec.matrix.org/v1.15/application-service-api/#identity-assertion>).
pub trait Homeserver: Send + Sync + 'static {
    /// Registers a user of the namespace.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; that the user exists already is none.
    fn register(&self, user: &UserId) -> impl Future<Output = Result<Registered, RequestError>> + Send;

    /// Sets the display name of `as_user`.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    fn set_display_name(
        &self,
        as_user: &UserId,
        name: &str,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Joins a room by way of one of the servers `via`. To be joined already is no error.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: forbidden when neither invited nor the room open.
    fn join(
        &self,
        as_user: &UserId,
        room: &RoomId,
        via: &[OwnedServerName],
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Leaves a room or declines the invitation into it.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: forbidden or not found when not in the room.
    fn leave(&self, as_user: &UserId, room: &RoomId)
    -> impl Future<Output = Result<(), RequestError>> + Send;

    /// The content of a state event.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: not found when there is none, forbidden when `as_user` may not see the room.
    fn state(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> impl Future<Output = Result<Box<RawValue>, RequestError>> + Send;

    /// A state event whole, sender and all.
    ///
    /// # Errors
    ///
    /// As for [`state`](Self::state).
    fn state_event(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> impl Future<Output = Result<Box<RawValue>, RequestError>> + Send;

    /// Who is joined to a room.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: forbidden when `as_user` is not.
    fn joined_members(
        &self,
        as_user: &UserId,
        room: &RoomId,
    ) -> impl Future<Output = Result<BTreeSet<OwnedUserId>, RequestError>> + Send;

    /// The rooms that `as_user` is joined to.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    fn joined_rooms(
        &self,
        as_user: &UserId,
    ) -> impl Future<Output = Result<BTreeSet<OwnedRoomId>, RequestError>> + Send;

    /// The last `limit` events of a room, the newest first.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    fn messages_backwards(
        &self,
        as_user: &UserId,
        room: &RoomId,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Box<RawValue>>, RequestError>> + Send;

    /// Whether one of the servers `via` tells a room's summary, as it does to the homeserver of someone who is invited
    /// (<https://spec.matrix.org/v1.15/client-server-api/#get_matrixclientv1room_summaryroomidoralias>).
    ///
    /// # Errors
    ///
    /// [`RequestError`]: not found when none does, or the homeserver does not know the endpoint.
    fn can_preview(
        &self,
        as_user: &UserId,
        room: &RoomId,
        via: &[OwnedServerName],
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Sends a message event. A repetition under the same transaction id is recognised by the homeserver.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    fn send(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        transaction: &str,
        content: Box<RawValue>,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Invites a user into a room.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: forbidden when `as_user` may not, or the user is joined or banned.
    fn invite(
        &self,
        as_user: &UserId,
        room: &RoomId,
        user: &UserId,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Sets a piece of a room's state. The same content once more changes nothing.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: forbidden when `as_user` has not the power.
    fn set_state(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: Box<RawValue>,
    ) -> impl Future<Output = Result<(), RequestError>> + Send;

    /// Asks the homeserver to ping the application service `id`; it then also sends what it had queued. Returns how long the
    /// homeserver's request took.
    ///
    /// # Errors
    ///
    /// [`RequestError`], also when the homeserver could not reach the application service.
    fn ping(&self, id: &str) -> impl Future<Output = Result<Duration, RequestError>> + Send;
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The user is new.
    New,
    /// The user was there before (`M_USER_IN_USE`).
    Before,
}

/// Why a request to the homeserver failed. Its text holds no names and addresses, so that it may be logged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There was no answer: no connection, or none in time.
    #[error("the homeserver did not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer was an error.
    #[error("the homeserver answered {}", Answered(*status, errcode.as_deref()))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The Matrix error code, if the answer came from a Matrix server at all.
        errcode: Option<String>,
        /// When it asks to be left alone for a time.
        retry_after: Option<Duration>,
    },
    /// The answer was no error, but can't be read.
    #[error("the homeserver's answer can't be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request can't be made: an id in it is none, or is too long.
    #[error("the request can't be made")]
    Unsendable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RequestError {
    /// Whether trying again can help, and if not, what the machine is told.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreachable(_) | Self::Unreadable(_) => Fault::Passing { after: None },
            Self::Unsendable(_) => Fault::Lasting(RequestFailure::Rejected),
            Self::Refused { status, retry_after, .. } => match *status {
                // A proxy's own time-out looks like a 4xx and is none.
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                    Fault::Passing { after: *retry_after }
                }
                // It says nothing of what was asked: what is queued waits until the operator has mended the token.
                _ if self.is_unknown_token() => Fault::Passing { after: *retry_after },
                status if status.is_server_error() => Fault::Passing { after: *retry_after },
                StatusCode::FORBIDDEN => Fault::Lasting(RequestFailure::Forbidden),
                StatusCode::NOT_FOUND => Fault::Lasting(RequestFailure::NotFound),
                _ => Fault::Lasting(RequestFailure::Rejected),
            },
        }
    }

    /// The homeserver does not know our token, or saw none. Any other 401 is about what was asked, as one of a remote server
    /// that is passed on.
    pub(crate) fn is_unknown_token(&self) -> bool {
        matches!(
            self,
            Self::Refused { status: StatusCode::UNAUTHORIZED, errcode: Some(code), .. }
                if code == "M_UNKNOWN_TOKEN" || code == "M_MISSING_TOKEN"
        )
    }

    /// The device that we speak with does not exist (any more).
    pub(crate) fn is_unknown_device(&self) -> bool {
        matches!(self, Self::Refused { errcode: Some(code), .. } if code == "M_UNKNOWN_DEVICE")
    }

    /// A Matrix server failed at it; a bare 502 of a proxy says that there is none.
    fn is_mishap(&self) -> bool {
        matches!(self, Self::Refused { status, errcode: Some(_), retry_after: None } if status.is_server_error())
    }

    /// A Matrix server said that it is forbidden.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::FORBIDDEN, errcode: Some(_), .. })
    }

    /// A Matrix server said that it is forbidden or does not exist. A bare 404 of a proxy on the way says nothing.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(
            self,
            Self::Refused { status: StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, errcode: Some(_), .. }
        )
    }
}

/// How an error is to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It may pass: try again, and not before this time if one is given.
    Passing {
        /// How long the homeserver asks to be left alone.
        after: Option<Duration>,
    },
    /// It will not.
    Lasting(RequestFailure),
}

impl From<RequestError> for SendError {
    fn from(error: RequestError) -> Self {
        let why = error.to_string();
        match error.fault() {
            Fault::Passing { after } => Self::Retry { after, reached: error.is_mishap(), why },
            Fault::Lasting(failure) => Self::Final { failure, why },
        }
    }
}

struct Answered<'a>(StatusCode, Option<&'a str>);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.as_u16(), self.1.unwrap_or("without a Matrix error code"))
    }
}
