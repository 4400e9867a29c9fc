//! Pictures: senders of a clip, receivers that look at headers, and what their figures mean.
//!
//! - [`Clips`] is what is sent, encoded before the run; [`scene`] draws it.
//! - [`Sender`] and [`Receiver`] are the two halves of a caller's [`PictureLine`], in virtual time.
//! - [`Watch`] tells of packets which whole pictures they make; [`judge`](judge()) tells of those what is missing, late or frozen.
//! - [`look`] decodes, after the run, what a few receivers kept.
//!
//! Sockets, clocks and keys never live here.

mod clip;
mod descriptor;
mod figures;
mod judge;
mod line;
pub mod look;
mod plan;
mod receive;
mod round_trip;
pub mod scene;
mod send;
mod watch;

pub use clip::{Clip, Clips, Shot, mark};
pub use descriptor::{Descriptor, NoDescriptor};
pub use figures::{Pictures, PicturesListener, Spread};
pub use judge::{FREEZE, LATE, Seen, judge, shown_after};
pub use line::PictureLine;
pub use plan::{PicturesPlan, ViewedAs};
pub use receive::{Receiver, ReceiverStats};
pub use send::{Sender, SenderStats};
pub use watch::{Faults, Note, Packet, Watch};
