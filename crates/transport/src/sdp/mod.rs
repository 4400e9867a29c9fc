//! Session descriptions: what an offer asks, what the WebRTC stack is shown of it, what is answered
//! or offered by us.
//!
//! The stack sees one audio line with Opus and nothing else, always `sendrecv`; everything that callers' descriptions vary in
//! (further lines, those for pictures among them, hold, codecs, extensions) ends here. Sockets and connections never live here.

mod direction;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(feature = "fuzzing"), allow(unreachable_pub, reason = "only the feature makes it public"))]
pub mod fuzz;
mod memo;
mod offer;
mod own;
mod pictures;
mod reduced;
mod shape;
#[cfg(test)]
mod tests;
mod voice;

pub use direction::Direction;
pub use memo::MemoError;
pub(crate) use memo::{Memo, PictureNames};
pub(crate) use offer::{AUDIO_LEVEL_URI, Kept, MAX_LINES};
pub use offer::{MAX_SDP_BYTES, Offer, OfferError};
pub(crate) use own::{LocalTransport, OwnLines, OwnPictures};
pub(crate) use pictures::PICTURE_LINES;
pub(crate) use pictures::PictureShape;
pub use pictures::{PictureLine, PictureTerms};
pub(crate) use reduced::{OPUS_PARAMETERS, STACK_OPUS, reduced, reduced_answer};
pub(crate) use shape::{Directions, Shape};
pub use voice::{AudioCodec, Voice};
