//! Pictures encoded and decoded: VP8 (RFC 6386) by libvpx, H.264 by openh264 (feature `h264`).
//!
//! - [`PictureEncoder`] and [`PictureDecoder`] are what a conference sees of a codec; a frame is whole, packets are `confocal-video`'s.
//! - [`Vp8Encoder`], [`Vp8Decoder`], `H264Encoder` and `H264Decoder` are the codecs.
//!
//! Every codec works on the thread that calls it and has no others. What came from the network is looked at before a library sees it:
//! frames of more than [`MAX_FRAME_BYTES`], pictures larger than [`confocal_pictures::MAX_PIXELS`] and what is no key frame where one is
//! needed are refused by name. `unsafe` is here for calls of C alone. Sockets, clocks, chance and logging never live here.

mod encoder;
mod error;
mod planes;
mod vp8;

#[cfg(feature = "h264")]
mod h264;

pub use encoder::{Encoded, EncoderConfig, PictureDecoder, PictureEncoder};
pub use error::{CodecError, Fault};
#[cfg(feature = "h264")]
pub use h264::{H264Decoder, H264Encoder};
pub use vp8::{Vp8Decoder, Vp8Encoder};

/// The longest frame that a decoder takes, bytes. A key frame of full HD at the best quality has about 1 MB.
pub const MAX_FRAME_BYTES: usize = 4 << 20;
