//! The media engine: runs transport and mixer behind the `MediaEngine` port.
//!
//! [`Engine`] takes commands and reports what comes of them. A task a leg runs its transport session; a thread a shard
//! carries its calls' packets, mixes its conferences on a steady beat of 20 ms and forwards their pictures, and touches nothing asynchronous but queues that never
//! block; composed pictures are made on threads of their own. Matrix never lives here,
//! nor do the rules of a conference: who may be in it is decided before a command is given.

mod beat;
mod config;
mod engine;
mod flow;
mod leg;
mod mixing;
mod music;
mod pictures;
mod priority;
mod quality;
mod recordings;
mod refusal;
mod reports;
mod room;
mod sounds;
mod stats;
mod studio;

pub use config::EngineConfig;
pub use engine::{Engine, StartError};
pub use recordings::RecordingConfig;
pub use sounds::OwnSounds;
pub use stats::{EngineStats, LegStats, SeenStats};
