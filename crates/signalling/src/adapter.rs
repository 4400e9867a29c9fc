//! The adapter as one thing: what a program makes at its start, and hands to the driver and to its listener.
//!
//! How events are read, requests made and tokens checked never lives here.

use std::sync::Arc;
use std::time::Duration;

use confocal::conference::Input;
use confocal::ports::Inbox;
use ruma_common::{OwnedUserId, UserId};

use crate::appservice::{self, Transactions};
use crate::contact::Contact;
use crate::counters::{Counters, Counts};
use crate::focus_id::FocusIdScheme;
use crate::founders::Founders;
use crate::homeserver::{Homeserver, HttpHomeserver, HttpSetupError, RequestError};
use crate::invitations::Invitations;
use crate::registrar::Registrar;
use crate::secret::Secret;
use crate::translate::Translator;

/// What an adapter must know.
#[derive(Clone, Debug)]
pub struct AdapterConfig {
    /// Where the homeserver's client API is: `http` or `https`, host, port, and a path if `/_matrix` is below one. No query.
    pub homeserver_url: String,
    /// The token by which the homeserver knows us.
    pub as_token: Secret,
    /// The token by which we know the homeserver.
    pub hs_token: Secret,
    /// The `id` of the registration, by which the homeserver is asked for a ping.
    pub appservice_id: String,
    /// The localpart of the application service's own user, as in the registration.
    pub sender_localpart: String,
    /// Which users are focus users.
    pub scheme: FocusIdScheme,
}

/// Why an adapter can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A token is empty, which anybody could guess.
    #[error("the {which} is empty")]
    EmptyToken {
        /// `as_token` or `hs_token`.
        which: &'static str,
    },
    /// The sender's localpart makes no user id.
    #[error("the sender_localpart makes no user id")]
    InvalidSender(#[source] ruma_common::IdParseError),
    /// The HTTP client can't be made.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
}

/// The Matrix side of a conference focus. A clone is the same adapter.
#[derive(Debug)]
pub struct Adapter<H = HttpHomeserver> {
    shared: Arc<Shared<H>>,
}

#[derive(Debug)]
struct Shared<H> {
    homeserver: H,
    translator: Translator,
    registrar: Registrar,
    founders: Founders,
    invitations: Invitations,
    contact: Contact,
    counters: Counters,
    appservice_id: String,
    hs_token: Secret,
}

impl Adapter {
    /// An adapter that reaches the homeserver over HTTP.
    ///
    /// # Errors
    ///
    /// [`AdapterError`] if the configuration can't be used.
    pub fn new(config: AdapterConfig) -> Result<Self, AdapterError> {
        if config.as_token.is_empty() {
            return Err(AdapterError::EmptyToken { which: "as_token" });
        }
        let homeserver = HttpHomeserver::new(&config.homeserver_url, config.as_token.clone())?;
        Self::with_homeserver(config, homeserver)
    }
}

impl<H: Homeserver> Adapter<H> {
    /// An adapter that reaches the homeserver its own way: `homeserver_url` and `as_token` are not looked at.
    ///
    /// # Errors
    ///
    /// [`AdapterError`] if the configuration can't be used.
    pub fn with_homeserver(config: AdapterConfig, homeserver: H) -> Result<Self, AdapterError> {
        if config.hs_token.is_empty() {
            return Err(AdapterError::EmptyToken { which: "hs_token" });
        }
        let bot = UserId::parse_with_server_name(config.sender_localpart, config.scheme.server_name())
            .map_err(AdapterError::InvalidSender)?;
        let shared = Shared {
            homeserver,
            translator: Translator::new(config.scheme, bot),
            registrar: Registrar::default(),
            founders: Founders::default(),
            invitations: Invitations::default(),
            contact: Contact::default(),
            counters: Counters::default(),
            appservice_id: config.appservice_id,
            hs_token: config.hs_token,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The application service's HTTP side, which hands what it receives to `inbox`. It has its own fallback (404
    /// `M_UNRECOGNIZED`), so it is the whole listener, or merged into a router that has none, or nested under a path of its own, which is
    /// then part of the registration's `url`.
    pub fn router(&self, inbox: Inbox) -> axum::Router {
        appservice::router(self.clone(), inbox)
    }

    /// The same without a listener, for a bridge that has one: see [`Transactions::handle_transaction`].
    #[must_use]
    pub fn transactions(&self, inbox: Inbox) -> Transactions<H> {
        Transactions::new(self.clone(), inbox)
    }

    /// Asks the homeserver to ping us: it shows that both directions work, and makes the homeserver send at once what it had
    /// queued while we were away. The listener must be up.
    ///
    /// # Errors
    ///
    /// [`RequestError`], also when the homeserver could not reach us.
    pub async fn ping(&self) -> Result<Duration, RequestError> {
        self.shared.homeserver.ping(&self.shared.appservice_id).await
    }

    /// Keeps the way to the homeserver and back open, for ever: pings it whenever it has been silent for 3 s, and sees to it that
    /// after an absence of any length both sides send within 5 s what they had queued. `tell` is called whenever it has answered,
    /// at first or after an absence. The listener must be up.
    pub async fn keep_in_touch(&self, tell: impl Fn()) {
        self.shared.contact.keep(|| self.ping(), tell).await;
    }

    /// How often what happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }

    /// How this adapter reads events.
    #[must_use]
    pub fn translator(&self) -> &Translator {
        &self.shared.translator
    }

    pub(crate) fn homeserver(&self) -> &H {
        &self.shared.homeserver
    }

    pub(crate) fn contact(&self) -> &Contact {
        &self.shared.contact
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    pub(crate) fn founders(&self) -> &Founders {
        &self.shared.founders
    }

    pub(crate) fn invitations(&self) -> &Invitations {
        &self.shared.invitations
    }

    pub(crate) fn note_invitation(&self, input: &Input) {
        self.shared.invitations.note(input, self.translator().scheme().server_name());
    }

    pub(crate) fn hs_token(&self) -> &Secret {
        &self.shared.hs_token
    }

    pub(crate) async fn ensure_registered(&self, user: &UserId) -> Result<(), RequestError> {
        self.shared.registrar.ensure(&self.shared.homeserver, user).await
    }

    /// Registers `user` if it is a focus user of ours, as a homeserver's question about a user wants it
    /// (<https://spec.matrix.org/v1.15/application-service-api/#get_matrixappv1usersuserid>). `None`: it is not, and nothing was done.
    ///
    /// # Errors
    ///
    /// [`RequestError`] inside, if the homeserver does not register it.
    pub async fn ensure_focus(&self, user: &str) -> Option<Result<OwnedUserId, RequestError>> {
        let user = UserId::parse(user).ok().filter(|_| self.translator().scheme().may_be_focus(user))?;
        Some(self.ensure_registered(&user).await.map(|()| user))
    }
}

impl<H> Clone for Adapter<H> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
