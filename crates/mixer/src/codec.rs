//! Opus (RFC 6716) as the mixer uses it: mono, 48 kHz, one payload a tick. Sums and gains never live here.

use opus::{Application, Bitrate, Channels};

use crate::frame::{Frame, SAMPLE_RATE};

/// The longest payload that is encoded: the bound of one Opus frame (RFC 6716 section 3.4, requirement R2).
pub const MAX_PAYLOAD_BYTES: usize = 1275;

/// Samples in the longest Opus packet, 120 ms at 48 kHz (RFC 6716 section 3.4, requirement R5).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// libopus refused something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No encoder or decoder could be made or set up: out of memory, or a setting out of its range.
    #[error("the Opus codec could not be set up")]
    Setup(#[source] opus::Error),
    /// A packet could not be decoded: it is corrupt.
    #[error("the Opus packet could not be decoded")]
    Decode(#[source] opus::Error),
    /// A frame could not be encoded.
    #[error("the frame could not be encoded")]
    Encode(#[source] opus::Error),
    /// A reset was refused.
    #[error("the Opus codec could not be reset")]
    Reset(#[source] opus::Error),
}

/// What decides the bytes of an encoded mix: legs that hear the same under the same profile could share one encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncoderProfile {
    /// Aimed-at bit rate, bit/s; the rate varies with the sound (VBR).
    pub bitrate: i32,
    /// 0 (cheap) to 10 (good).
    pub complexity: i32,
    /// Send a coarse copy of the frame before with each frame. It costs quality on a clean line.
    pub inband_fec: bool,
    /// How many packets in a hundred the receiver is told to lose, 0 to 100; only of effect with `inband_fec`.
    pub expected_loss_percent: i32,
}

impl Default for EncoderProfile {
    fn default() -> Self {
        Self { bitrate: 32_000, complexity: 5, inband_fec: false, expected_loss_percent: 0 }
    }
}

/// How many samples at 48 kHz an Opus packet holds by its first bytes (RFC 6716 section 3.1), or `None` if it is not one.
#[must_use]
pub fn packet_samples(payload: &[u8]) -> Option<u32> {
    let samples = opus::packet::get_nb_samples(payload, SAMPLE_RATE).ok()?;
    u32::try_from(samples).ok().filter(|&samples| samples > 0)
}

/// An Opus encoder for one mix: application VoIP, mono, 48 kHz, variable bit rate.
#[derive(Debug)]
pub struct Encoder {
    inner: opus::Encoder,
}

impl Encoder {
    /// An encoder set up by `profile`.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if there is no memory, or a value of the profile is out of its range.
    pub fn new(profile: &EncoderProfile) -> Result<Self, CodecError> {
        let mut inner =
            opus::Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip).map_err(CodecError::Setup)?;
        inner.set_bitrate(Bitrate::Bits(profile.bitrate)).map_err(CodecError::Setup)?;
        inner.set_vbr(true).map_err(CodecError::Setup)?;
        inner.set_complexity(profile.complexity).map_err(CodecError::Setup)?;
        inner.set_inband_fec(profile.inband_fec).map_err(CodecError::Setup)?;
        inner.set_packet_loss_perc(profile.expected_loss_percent).map_err(CodecError::Setup)?;
        // Silence is decided by the mixer, which knows it exactly; the encoder would have to guess.
        inner.set_dtx(false).map_err(CodecError::Setup)?;
        Ok(Self { inner })
    }

    /// Encodes one frame and returns the length of the payload in bytes.
    ///
    /// # Errors
    ///
    /// [`CodecError::Encode`] if libopus fails.
    pub fn encode(
        &mut self,
        frame: &Frame,
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        self.inner.encode(frame, payload).map_err(CodecError::Encode)
    }

    /// Forgets what was encoded before.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.inner.reset_state().map_err(CodecError::Reset)
    }
}

/// An Opus decoder for one sender: to mono at 48 kHz, whatever the sender encodes.
#[derive(Debug)]
pub struct Decoder {
    inner: opus::Decoder,
}

impl Decoder {
    /// A decoder that has heard nothing.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if there is no memory.
    pub fn new() -> Result<Self, CodecError> {
        let inner = opus::Decoder::new(SAMPLE_RATE, Channels::Mono).map_err(CodecError::Setup)?;
        Ok(Self { inner })
    }

    /// Decodes a packet and returns how many samples it held. An empty packet is none: see [`Decoder::conceal`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the packet is corrupt.
    pub fn decode(
        &mut self,
        payload: &[u8],
        samples: &mut [i16; MAX_PACKET_SAMPLES],
    ) -> Result<usize, CodecError> {
        self.inner.decode(payload, samples, false).map_err(CodecError::Decode)
    }

    /// Makes up sound for a missing packet (packet loss concealment); it fades when called again and again.
    ///
    /// The length of `samples` must be a multiple of 120 (2.5 ms).
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the length is not such.
    pub fn conceal(&mut self, samples: &mut [i16]) -> Result<(), CodecError> {
        self.inner.decode(&[], samples, false).map(|_| ()).map_err(CodecError::Decode)
    }

    /// Recovers a missing packet from the coarse copy in the packet after it, if that has one, and else conceals.
    /// The packet after it must then be decoded as ever.
    ///
    /// The length of `samples` must be exactly what is missing, a multiple of 120 (2.5 ms).
    ///
    /// # Errors
    ///
    /// [`CodecError::Decode`] if the length is not such or the next packet is corrupt.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> Result<(), CodecError> {
        self.inner.decode(next, samples, true).map(|_| ()).map_err(CodecError::Decode)
    }

    /// Forgets what was decoded before.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.inner.reset_state().map_err(CodecError::Reset)
    }
}
