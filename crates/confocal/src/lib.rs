//! What a bridge embeds: the ports, the driver that is the only writer, and the outbox.
//!
//! It knows tokio, but never reqwest, webrtc, opus or SQLite: those live behind the ports, in crates that depend on this one.

pub mod ports;

pub use confocal_conference as conference;
