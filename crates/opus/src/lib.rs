//! Opus (RFC 6716) by libopus, at 48 kHz, of one channel or two.
//!
//! Two things that the usual wrapper of libopus keeps from its users are the reason for this crate: the state of an
//! [`Encoder`] can be copied into another ([`Encoder::copy_from`]), so that a stream splits in two without a seam, and a
//! [`Decoder`] can conceal losses with libopus's neural network ([`Concealment::Deep`]).
//!
//! This is the one place of the workspace with `unsafe`, all of it calls of libopus. Sums, gains, RTP and time never live here.

mod decoder;
mod encoder;
mod error;
mod memory;
mod packet;

pub use decoder::{Concealment, Decoder, StereoDecoder};
pub use encoder::{Bandwidth, Encoder, EncoderSettings, Signal, StereoEncoder};
pub use error::{CodecError, Fault};
pub use packet::{packet_has_copy, packet_samples};

/// Samples a second of all sound, Hz.
pub const SAMPLE_RATE: u32 = 48_000;

/// The longest payload that is encoded: the bound of one Opus frame (RFC 6716 section 3.4, requirement R2).
pub const MAX_PAYLOAD_BYTES: usize = 1275;

/// Samples in the longest Opus packet, 120 ms at 48 kHz (RFC 6716 section 3.4, requirement R5).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// [`SAMPLE_RATE`] as libopus takes it.
const RATE: i32 = SAMPLE_RATE as i32;

/// One channel.
const MONO: i32 = 1;

/// Two channels.
const STEREO: i32 = 2;
