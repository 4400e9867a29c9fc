//! The codecs as the mixer uses them: what `confocal-opus` has. Sums and gains never live here.

pub(crate) use confocal_opus::packet_has_copy;
pub use confocal_opus::{
    Bandwidth, CodecError, Concealment, Decoder, Encoder, EncoderSettings, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Signal, StereoDecoder, StereoEncoder, packet_samples,
};
