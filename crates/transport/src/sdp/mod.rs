//! Session descriptions: what an offer asks, what the WebRTC stack is shown of it, what is answered.
//!
//! The stack sees one audio line with Opus and nothing else, always `sendrecv`; everything that callers' descriptions vary in
//! (further lines, hold, codecs, extensions) ends here. Sockets and connections never live here.

mod answer;
mod direction;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod offer;
mod reduced;
#[cfg(test)]
mod tests;

pub(crate) use answer::{AnswerLines, LocalTransport};
pub use direction::Direction;
pub(crate) use offer::{AUDIO_LEVEL_URI, Kept};
pub use offer::{MAX_SDP_BYTES, Offer, OfferError};
pub(crate) use reduced::{OPUS_PARAMETERS, reduced};
