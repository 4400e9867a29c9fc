//! The conference as a pure state machine: inputs in, effects out, time passed in, durable records out.
//!
//! It never does I/O, never reads a clock, never draws a random number that its seed does not give, and knows no Matrix
//! type: rooms, people and calls are opaque names. `no_std` keeps it so.
#![no_std]

extern crate alloc;

mod call;
mod conference;
mod config;
mod core;
mod door;
mod effect;
mod focus;
mod id;
mod input;
mod leg;
mod record;
mod routes;
mod time;
mod timer;

pub use call::*;
pub use config::{Config, Limits, SecondDevice};
pub use effect::*;
pub use focus::Focus;
pub use id::*;
pub use input::*;
pub use record::{Change, RestoreError};
pub use time::*;
pub use timer::{Deadline, TimerKind};
