//! H.264 (ITU-T H.264, constrained baseline) by openh264: [`H264Encoder`], [`H264Decoder`].

mod decoder;
mod encoder;
mod nal;
mod sps;

pub use decoder::H264Decoder;
pub use encoder::H264Encoder;
