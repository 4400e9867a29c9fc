//! The application service's side that the homeserver calls, and its registration.
//!
//! <https://spec.matrix.org/v1.15/application-service-api/>. What an event means never lives here.

mod registration;
mod router;
mod transaction;

pub use registration::{Registration, RegistrationError};
pub(crate) use router::router;
pub use transaction::{Handled, Skipped, TransactionError, Transactions};
