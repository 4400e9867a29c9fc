//! The Matrix side of a conference focus: an application service's events in, requests to its homeserver out.
//!
//! [`Adapter`] is the whole: [`Adapter::router`] listens for the homeserver and turns each transaction into one
//! [`Batch`](confocal::ports::Batch) of inputs, and its [`Signalling`](confocal::ports::Signalling) side carries out what the
//! machine asks for, in the names of the virtual focus users. A bridge that has a listener of its own uses
//! [`Adapter::transactions`]; one that has a client of its own implements [`Homeserver`].
//!
//! Nothing here decides who may be in a conference, and nothing knows of media: an SDP is text that passes through.

mod adapter;
mod appservice;
mod commands;
mod contact;
mod content;
mod counters;
mod event;
pub mod events;
mod focus_id;
mod founders;
mod homeserver;
mod invitations;
mod membership;
mod perform;
mod registrar;
mod roles;
mod said;
mod secret;
mod spelling;
mod translate;
mod words;

pub use adapter::{Adapter, AdapterConfig, AdapterError};
pub use appservice::{Handled, Registration, RegistrationError, Skipped, TransactionError, Transactions};
pub use counters::Counts;
pub use focus_id::{EncodeError, FocusIdScheme, SchemeError, UserKind};
pub use homeserver::{Fault, Homeserver, HttpHomeserver, HttpSetupError, Registered, RequestError};
pub use secret::Secret;
pub use spelling::Spelling;
pub use translate::{Reading, Skip, Translator};
pub use words::notice as words_of;
