//! The conference as a pure state machine: inputs in, effects out, time passed in, durable records out.
//!
//! It never does I/O, never reads a clock, never draws a random number that its seed does not give, and knows no Matrix
//! type: rooms, people and calls are opaque names. `no_std` keeps it so.
#![no_std]

extern crate alloc;

mod call;
mod effect;
mod id;
mod input;
mod time;

pub use call::*;
pub use effect::*;
pub use id::*;
pub use input::*;
pub use time::*;
