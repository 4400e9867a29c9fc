//! The conference as a pure state machine: inputs in, effects out, time passed in, durable records out.
//!
//! It never does I/O, never reads a clock, never draws a random number that its seed does not give, and knows no Matrix
//! type: rooms, people and calls are opaque names. `no_std` keeps it so. The two main types are [`Focus`], the machine, and
//! [`Input`], what it is told; what it wants done is an [`Effect`].
//!
//! The loop of whoever runs it:
//!
//! 1. Wait for inputs, or for the moment that [`Focus::poll_timeout`] names.
//! 2. Tell them: [`Focus::handle`], [`Focus::handle_timeout`].
//! 3. Drain [`Focus::poll_effect`] and [`Focus::poll_change`].
//! 4. Store the changes and the [`Effect::Send`]s, all or nothing. Only then acknowledge the inputs.
//! 5. Do the effects; tell what came of each request by [`Input::RequestDone`].
//!
//! ```
//! use confocal_conference::{Config, Effect, Focus, Input, SignalRequest, Timestamp};
//!
//! let now = Timestamp::from_unix_millis(1_700_000_000_000);
//! let mut focus = Focus::new(Config::default(), 42, now);
//! focus.handle(
//!     Input::FocusInvited {
//!         focus: "@conf_room:example.org".into(),
//!         group: "!room:example.org".into(),
//!         room: "!room:example.org".into(),
//!         by: "@alice:example.org".into(),
//!         via: vec!["example.org".into()],
//!     },
//!     now,
//! );
//! let effect = focus.poll_effect();
//! assert!(matches!(effect, Some(Effect::Send { request: SignalRequest::JoinGroup { .. }, .. })));
//! ```
#![no_std]

extern crate alloc;

mod call;
mod command;
mod conference;
mod config;
mod core;
mod direct;
mod door;
mod early;
mod effect;
mod ended;
mod floor;
mod focus;
mod id;
mod input;
mod leg;
mod limits;
mod migrate;
mod policy;
mod rates;
mod record;
mod routes;
mod speakers;
mod time;
mod timer;

pub use call::*;
pub use command::*;
pub use config::{Config, SecondDevice, SpeakerConfig};
pub use effect::*;
pub use focus::Focus;
pub use id::*;
pub use input::*;
pub use limits::Limits;
pub use policy::{Pattern, Policy};
pub use record::{Change, RestoreError};
pub use time::*;
pub use timer::{Deadline, TimerKind};
