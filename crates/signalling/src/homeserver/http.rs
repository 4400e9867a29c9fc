//! [`Homeserver`] over HTTP: ruma's request types sent by reqwest, with the application service's token.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::Url;
use ruma_client_api::account::register;
use ruma_client_api::appservice::request_ping;
use ruma_client_api::device::update_device;
use ruma_client_api::membership::invite_user::v3::{InvitationRecipient, InviteUserId};
use ruma_client_api::membership::{
    invite_user, join_room_by_id_or_alias, joined_members, joined_rooms, leave_room,
};
use ruma_client_api::message::{get_message_events, send_message_event};
use ruma_client_api::profile::set_profile_field;
use ruma_client_api::room::get_summary;
use ruma_client_api::state::{get_state_event_for_key, send_state_event};
use ruma_client_api::uiaa::UiaaResponse;
use ruma_common::api::auth_scheme::{AuthScheme, SendAccessToken};
use ruma_common::api::error::{Error as MatrixError, ErrorKind, FromHttpResponseError, RetryAfter};
use ruma_common::api::path_builder::PathBuilder;
use ruma_common::api::{
    AppserviceUserIdentity, IncomingResponse, MatrixVersion, OutgoingRequest, OutgoingRequestAppserviceExt,
    SupportedVersions,
};
use ruma_common::profile::ProfileFieldValue;
use ruma_common::serde::Raw;
use ruma_common::{DeviceId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, TransactionId, UserId};
use serde_json::value::RawValue;

use super::devices::Devices;
use super::{Homeserver, Registered, RequestError};
use crate::secret::Secret;

/// The name of our devices, which nobody but an administrator sees.
const DEVICE_NAME: &str = "Confocal";
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a join may take: homeservers answer only when a join over federation is done.
const JOIN: Duration = Duration::from_secs(120);

/// A homeserver reached over HTTP.
#[derive(Clone, Debug)]
pub struct HttpHomeserver {
    client: reqwest::Client,
    base: String,
    token: Secret,
    versions: SupportedVersions,
    devices: Arc<Devices>,
}

/// Why no HTTP client could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSetupError {
    /// The homeserver's address is not an `http` or `https` URL.
    #[error("the homeserver's address is not an http or https URL")]
    InvalidUrl,
    /// The HTTP client could not be set up, as when there are no root certificates.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

impl HttpHomeserver {
    /// A client for the homeserver at `url` (scheme, host, port; a path if `/_matrix` is below one), with the application service's `as_token`.
    ///
    /// # Errors
    ///
    /// [`HttpSetupError`] if the URL is none, or TLS can't be set up.
    pub fn new(url: &str, as_token: Secret) -> Result<Self, HttpSetupError> {
        let url = Url::parse(url).map_err(|_| HttpSetupError::InvalidUrl)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
            return Err(HttpSetupError::InvalidUrl);
        }
        install_crypto_provider();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            // A redirected PUT or POST becomes a GET of something else: better an error that is seen.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("confocal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(HttpSetupError::Client)?;
        // Everything used here is as old as these versions, which say only which paths to use: version 1.11 makes ruma send
        // a join's servers under the old name of the parameter too.
        let versions = SupportedVersions {
            versions: [MatrixVersion::V1_1, MatrixVersion::V1_7, MatrixVersion::V1_11].into(),
            features: [].into(),
        };
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base, token: as_token, versions, devices: Arc::default() })
    }

    /// Asks in the name of a user and of its device, where there are devices.
    async fn request_with_device<R>(
        &self,
        request: R,
        as_user: &UserId,
    ) -> Result<R::IncomingResponse, RequestError>
    where
        R: OutgoingRequest + Clone,
        R::EndpointError: IntoRefusal,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        for<'a> R::PathBuilder: PathBuilder<Input<'a> = Cow<'a, SupportedVersions>>,
    {
        let identity = self.identity_with_device(as_user).await?;
        let is_with_device = identity.device_id.is_some();
        match self.request_as(request.clone(), identity, REQUEST).await {
            Err(error) if is_with_device && error.is_unknown_device() => {
                self.devices.forget(as_user);
                let identity = self.identity_with_device(as_user).await?;
                self.request_as(request, identity, REQUEST).await
            }
            answer => answer,
        }
    }

    async fn identity_with_device<'a>(
        &self,
        as_user: &'a UserId,
    ) -> Result<AppserviceUserIdentity<'a>, RequestError> {
        let make = async |device: &DeviceId| {
            let mut request = update_device::v3::Request::new(device.to_owned());
            request.display_name = Some(DEVICE_NAME.to_owned());
            self.request(request, Some(as_user), REQUEST).await.map(drop)
        };
        let mut identity = AppserviceUserIdentity::new(as_user);
        identity.device_id = self.devices.of(as_user, make).await?;
        Ok(identity)
    }

    async fn request<R>(
        &self,
        request: R,
        as_user: Option<&UserId>,
        timeout: Duration,
    ) -> Result<R::IncomingResponse, RequestError>
    where
        R: OutgoingRequest,
        R::EndpointError: IntoRefusal,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        for<'a> R::PathBuilder: PathBuilder<Input<'a> = Cow<'a, SupportedVersions>>,
    {
        let identity = as_user.map_or_else(AppserviceUserIdentity::default, AppserviceUserIdentity::new);
        self.request_as(request, identity, timeout).await
    }

    async fn request_as<R>(
        &self,
        request: R,
        identity: AppserviceUserIdentity<'_>,
        timeout: Duration,
    ) -> Result<R::IncomingResponse, RequestError>
    where
        R: OutgoingRequest,
        R::EndpointError: IntoRefusal,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        for<'a> R::PathBuilder: PathBuilder<Input<'a> = Cow<'a, SupportedVersions>>,
    {
        let request = request
            .try_into_http_request_with_identity::<Vec<u8>>(
                &self.base,
                SendAccessToken::Appservice(self.token.expose()),
                identity,
                Cow::Borrowed(&self.versions),
            )
            .map_err(|error| RequestError::Unsendable(error.into()))?;
        let mut request = reqwest::Request::try_from(request)
            .map_err(|error| RequestError::Unsendable(error.without_url().into()))?;
        *request.timeout_mut() = Some(timeout);
        #[cfg(feature = "crash-points")]
        let path = request.url().path().to_owned();

        let unreachable = |error: reqwest::Error| RequestError::Unreachable(error.without_url().into());
        let mut response = self.client.execute(request).await.map_err(unreachable)?;
        // Carried out, and the answer not read.
        #[cfg(feature = "crash-points")]
        confocal::crash::reached(
            "mid-send",
            path.split("/send/").nth(1).and_then(|send| send.split('/').next()).unwrap_or_default(),
        );
        let mut whole = http::Response::builder().status(response.status());
        if let Some(headers) = whole.headers_mut() {
            headers.extend(std::mem::take(response.headers_mut()));
        }
        let body = response.bytes().await.map_err(unreachable)?;
        let whole = whole.body(body).map_err(|error| RequestError::Unreadable(error.into()))?;
        R::IncomingResponse::try_from_http_response(whole).map_err(|error| {
            let FromHttpResponseError::Server(error) = error else {
                return RequestError::Unreadable(error.to_string().into());
            };
            let refusal = error.into_refusal();
            if refusal.is_unknown_token() {
                tracing::warn!(
                    "the homeserver does not know our as_token: compare it with the registration that the homeserver has \
                     read; until it is mended nothing can be sent"
                );
            }
            refusal
        })
    }
}

impl Homeserver for HttpHomeserver {
    async fn register(&self, user: &UserId) -> Result<Registered, RequestError> {
        let mut request = register::v3::Request::new();
        request.username = Some(user.localpart().to_owned());
        request.login_type = Some(register::LoginType::ApplicationService);
        // With its log-in refused the user would still be made, and the answer be an error.
        request.inhibit_login = true;
        match self.request(request, None, REQUEST).await {
            Ok(_) => Ok(Registered::New),
            Err(RequestError::Refused { errcode: Some(code), .. }) if code == "M_USER_IN_USE" => {
                Ok(Registered::Before)
            }
            Err(error) => Err(error),
        }
    }

    async fn set_display_name(&self, as_user: &UserId, name: &str) -> Result<(), RequestError> {
        let value = ProfileFieldValue::DisplayName(name.to_owned());
        let request = set_profile_field::v3::Request::new(user_in_path(as_user)?, value);
        self.request(request, Some(as_user), REQUEST).await.map(drop)
    }

    async fn join(
        &self,
        as_user: &UserId,
        room: &RoomId,
        via: &[OwnedServerName],
    ) -> Result<(), RequestError> {
        let mut request = join_room_by_id_or_alias::v3::Request::new(room_in_path(room)?.into());
        request.via = via.to_vec();
        self.request(request, Some(as_user), JOIN).await.map(drop)
    }

    async fn leave(&self, as_user: &UserId, room: &RoomId) -> Result<(), RequestError> {
        let request = leave_room::v3::Request::new(room_in_path(room)?);
        self.request(request, Some(as_user), REQUEST).await.map(drop)
    }

    async fn state(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Box<RawValue>, RequestError> {
        let request = get_state_event_for_key::v3::Request::new(
            room_in_path(room)?,
            event_type.into(),
            text_in_path(state_key),
        );
        Ok(self.request(request, Some(as_user), REQUEST).await?.event_or_content)
    }

    async fn state_event(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Box<RawValue>, RequestError> {
        let mut request = get_state_event_for_key::v3::Request::new(
            room_in_path(room)?,
            event_type.into(),
            text_in_path(state_key),
        );
        request.format = get_state_event_for_key::v3::StateEventFormat::Event;
        Ok(self.request(request, Some(as_user), REQUEST).await?.event_or_content)
    }

    async fn joined_members(
        &self,
        as_user: &UserId,
        room: &RoomId,
    ) -> Result<BTreeSet<OwnedUserId>, RequestError> {
        let request = joined_members::v3::Request::new(room_in_path(room)?);
        Ok(self.request(request, Some(as_user), REQUEST).await?.joined.into_keys().collect())
    }

    async fn joined_rooms(&self, as_user: &UserId) -> Result<BTreeSet<OwnedRoomId>, RequestError> {
        let request = joined_rooms::v3::Request::new();
        Ok(self.request(request, Some(as_user), REQUEST).await?.joined_rooms.into_iter().collect())
    }

    async fn messages_backwards(
        &self,
        as_user: &UserId,
        room: &RoomId,
        limit: u32,
    ) -> Result<Vec<Box<RawValue>>, RequestError> {
        let mut request = get_message_events::v3::Request::backward(room_in_path(room)?);
        request.limit = limit.into();
        // With the device that it was sent with, the homeserver tells of each event the transaction that it came by.
        let response = self.request_with_device(request, as_user).await?;
        Ok(response.chunk.into_iter().map(Raw::into_json).collect())
    }

    async fn can_preview(
        &self,
        as_user: &UserId,
        room: &RoomId,
        via: &[OwnedServerName],
    ) -> Result<(), RequestError> {
        let request = get_summary::v1::Request::new(room_in_path(room)?.into(), via.to_vec());
        let here = Self { versions: with_summaries(), ..self.clone() };
        match here.request(request, Some(as_user), REQUEST).await {
            // What it says of the room is not read.
            Ok(_) | Err(RequestError::Unreadable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn send(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        transaction: &str,
        content: Box<RawValue>,
    ) -> Result<(), RequestError> {
        let request = send_message_event::v3::Request::new_raw(
            room_in_path(room)?,
            <&TransactionId>::from(text_in_path(transaction).as_str()).to_owned(),
            event_type.into(),
            Raw::from_json(content),
        );
        self.request_with_device(request, as_user).await.map(drop)
    }

    async fn invite(&self, as_user: &UserId, room: &RoomId, user: &UserId) -> Result<(), RequestError> {
        let recipient = InvitationRecipient::UserId(InviteUserId::new(user.to_owned()));
        let request = invite_user::v3::Request::new(room_in_path(room)?, recipient);
        self.request(request, Some(as_user), REQUEST).await.map(drop)
    }

    async fn set_state(
        &self,
        as_user: &UserId,
        room: &RoomId,
        event_type: &str,
        state_key: &str,
        content: Box<RawValue>,
    ) -> Result<(), RequestError> {
        let request = send_state_event::v3::Request::new_raw(
            room_in_path(room)?,
            event_type.into(),
            text_in_path(state_key),
            Raw::from_json(content),
        );
        self.request(request, Some(as_user), REQUEST).await.map(drop)
    }

    async fn ping(&self, id: &str) -> Result<Duration, RequestError> {
        let request = request_ping::v1::Request::new(text_in_path(id));
        Ok(self.request(request, None, REQUEST).await?.duration)
    }
}

/// Of homeservers that tell summaries of rooms: for all else their paths are older.
fn with_summaries() -> SupportedVersions {
    SupportedVersions { versions: [MatrixVersion::V1_15].into(), features: [].into() }
}

/// Escapes the escape character, which ruma leaves alone in paths: else the homeserver would read a name like `@b%6Fb:…` as
/// another's, and what it says of `@bob:…` would be taken for what it says of the caller.
fn text_in_path(text: &str) -> String {
    text.replace('%', "%25")
}

fn room_in_path(room: &RoomId) -> Result<OwnedRoomId, RequestError> {
    RoomId::parse(text_in_path(room.as_str())).map_err(|error| RequestError::Unsendable(error.into()))
}

fn user_in_path(user: &UserId) -> Result<OwnedUserId, RequestError> {
    UserId::parse(text_in_path(user.as_str())).map_err(|error| RequestError::Unsendable(error.into()))
}

/// rustls takes its cryptography from the process; whoever comes first decides.
fn install_crypto_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that there is one already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// The error types of ruma's endpoints as one.
trait IntoRefusal {
    fn into_refusal(self) -> RequestError;
}

impl IntoRefusal for MatrixError {
    fn into_refusal(self) -> RequestError {
        let kind = self.error_kind();
        let retry_after = match kind {
            Some(ErrorKind::LimitExceeded(limit)) => limit.retry_after.and_then(|after| match after {
                RetryAfter::Delay(delay) => Some(delay),
                // A moment on the homeserver's clock: without trust in clocks no better than nothing.
                RetryAfter::DateTime(_) => None,
            }),
            _ => None,
        };
        tracing::trace!(error = %self, "the homeserver refused a request");
        RequestError::Refused {
            status: self.status_code,
            errcode: kind.map(|kind| kind.errcode().to_string()),
            retry_after,
        }
    }
}

impl IntoRefusal for UiaaResponse {
    fn into_refusal(self) -> RequestError {
        match self {
            Self::MatrixError(error) => error.into_refusal(),
            Self::AuthResponse(_) => RequestError::Refused {
                status: http::StatusCode::UNAUTHORIZED,
                errcode: None,
                retry_after: None,
            },
        }
    }
}
