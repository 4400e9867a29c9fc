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
//! use confocal_conference::{
//!     Admission, CallInvite, CallKey, CallVersion, Config, Effect, Focus, Input, MediaCommand, Millis, RequestOutcome, Sdp,
//!     SignalRequest, Timestamp,
//! };
//!
//! let mut focus = Focus::new(Config::default(), 42, Timestamp::from_unix_millis(1_700_000_000_000));
//! let invited = |room: &str| Input::FocusInvited {
//!     focus: "@conf_room:example.org".into(),
//!     group: "!room:example.org".into(),
//!     room: room.into(),
//!     by: "@alice:example.org".into(),
//!     via: vec!["example.org".into()],
//! };
//! let call = Input::CallInvited(CallInvite {
//!     key: CallKey { room: "!alice-and-focus".into(), caller: "@alice:example.org".into(), call: "c1".into() },
//!     invitee: None,
//!     version: CallVersion::V1,
//!     party: Some("ALICES_PHONE".into()),
//!     offer: Sdp("v=0 …".into()),
//!     expires_in: Millis::from_secs(60),
//!     metadata: None,
//! });
//!
//! // 1, 2: three things happened, and a moment later this is told.
//! let now = Timestamp::from_unix_millis(1_700_000_000_100);
//! let mut inputs = vec![invited("!room:example.org"), invited("!alice-and-focus"), call];
//! let (mut store, mut opened) = (Vec::new(), 0);
//! while !inputs.is_empty() {
//!     for input in inputs.drain(..) {
//!         focus.handle(input, now);
//!     }
//!     // 3, 4: what changed and what is to be sent go into one transaction of a store, here into a list.
//!     store.extend(std::iter::from_fn(|| focus.poll_change()));
//!     let effects: Vec<_> = std::iter::from_fn(|| focus.poll_effect()).collect();
//!     // 5: only then is anything done, and what came of it is told.
//!     for effect in effects {
//!         match effect {
//!             Effect::Send { id, request } => {
//!                 let outcome = match request {
//!                     // A homeserver would be asked; this one says that Alice is a member.
//!                     SignalRequest::AskAdmission { .. } => {
//!                         RequestOutcome::Admission(Admission { joined: true, direct_members: 2, name: None })
//!                     }
//!                     _ => RequestOutcome::Done,
//!                 };
//!                 inputs.push(Input::RequestDone { id, outcome });
//!             }
//!             Effect::Media(MediaCommand::Open { .. }) => opened += 1,
//!             Effect::Media(_) | Effect::Notify(_) => {}
//!         }
//!     }
//! }
//! assert_eq!(opened, 1, "Alice was let in, and the engine is to make an answer");
//! assert!(store.iter().any(|change| change.key == "conf/!room:example.org"));
//! ```
//!
//! # Lifecycles
//!
//! A focus user's membership of its group room (`Uninvited`: it may not join yet, and an invitation may be on its way):
//!
//! ```text
//!              invited or called      joined             called
//!     Absent ───────────────► Joining ──────► Waiting(R8) ──────► Active
//!       ▲                       │  ▲              │                  │
//!       │          may not join ▼  │ invited      │ nobody called    │ empty (R7), ended, or the room was upgraded
//!       │◄───────────────── Uninvited             ▼                  ▼
//!       └───────────────────────────────────── Leaving ◄─────────────┘
//! ```
//!
//! A call of one device, a leg ([`LegNews`] tells where it is):
//!
//! ```text
//!            admitted          answer ready         transport up
//!  Ringing ───────────► Answering ───────────► Connecting ───────────► Active ⇄ Held
//!     │                     │                      │ sessions lost       │ ▲ │ interrupted
//!     │                     │                      ▼                     ▼ │ ▼
//!     │                     │                 Recovering ◄──────────── Reconnecting
//!     └─────────────────────┴───────────► Left(reason) ◄────────────────────┘
//! ```
//!
//! A user in a conference, a participant: present from the first leg that is let in until the last one has left. Whether they
//! are heard is decided by their [`Role`] and by [`Command`]s:
//!
//! ```text
//!             muted by themselves, or by a moderator             audience begins
//!     Heard ◄──────────────────────────────────────► Muted    Heard ◄───────────► Audience ──► (given the word) Heard
//! ```
//!
//! # What it promises
//!
//! - **The same inputs, times and seed give the same effects, in the same order.** Nothing is visited in hash order.
//! - **Nothing that a peer sends makes it fail.** What can't be answered is refused with a [`Refusal`], or ignored with a
//!   [`Silence`]; what may grow is bounded by [`Limits`].
//! - **Each invite gets one word**: an answer, a reject or a hangup, unless its caller ends it first, it runs out, or there is a
//!   [`Silence`] for it.
//! - **A machine made of its records goes on as if nothing had happened** ([`Focus::restore`]). Levels, the active speaker, and
//!   how well packets get through are not records: the first words and reports after a restart decide anew.
#![no_std]

extern crate alloc;

mod announcement;
mod bots;
mod call;
mod calls;
mod cameras;
mod changes;
mod command;
mod conference;
mod conferences;
mod config;
mod core;
mod departures;
mod direct;
mod door;
mod early;
mod effect;
mod engine;
mod floor;
mod focus;
mod id;
mod input;
mod label;
mod leg;
mod legs;
mod limits;
mod migrate;
mod names;
mod notice;
mod picture;
mod policy;
mod quality;
mod rates;
mod record;
mod routes;
mod second_line;
mod sound;
mod speakers;
mod table;
mod tally;
mod time;
mod timer;

pub use announcement::Announcement;
pub use call::*;
pub use command::*;
pub use config::{Config, Discovery, EncryptedRooms, Pictures, SecondDevice, SpeakerConfig, Tones};
pub use effect::*;
pub use engine::MediaCommand;
pub use focus::Focus;
pub use id::*;
pub use input::*;
pub use limits::Limits;
pub use picture::*;
pub use policy::{Pattern, Policy};
pub use quality::{LegQuality, PerMille, Quality};
pub use record::{Change, RestoreError};
pub use sound::*;
pub use time::*;
pub use timer::{Deadline, TimerKind};
