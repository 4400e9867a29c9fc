//! Composed pictures: the pictures of several people decoded, put together and encoded again, on threads of their own.
//!
//! - [`Studio`] is the threads (`worker`); a [`Stage`] is what a conference has of one: what comes goes in there, and what was made comes
//!   out.
//! - [`Scene`] says what is to be made: who is where, and in which sizes and codings ([`Make`]).
//! - `composition` makes it, of one `person`'s pictures each, by `output`s; `pace` decides what becomes of one that is late.
//!
//! Who is to be seen never lives here, nor who is sent what. Nothing here is waited for by the threads that mix: both ways there are
//! bounded queues, and what finds no room is lost, as on a network.

mod composition;
mod output;
mod pace;
mod person;
mod scene;
mod stage;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use output::can_make;
pub(crate) use scene::{Make, Portrait, Scene};
pub(crate) use stage::{Composed, News, Stage};
pub(crate) use worker::Studio;
