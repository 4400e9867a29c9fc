//! What a bridge embeds: the ports, the driver that is the only writer, and the outbox.
//!
//! It knows tokio, but never reqwest, webrtc, opus or SQLite: those live behind the ports, in crates that depend on this one.

mod carrier;
mod clock;
#[cfg(feature = "crash-points")]
pub mod crash;
mod driver;
mod outbox;
pub mod ports;

pub use clock::Clock;
pub use confocal_conference as conference;
pub use driver::{Driver, DriverError, Parts};
