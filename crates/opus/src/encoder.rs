//! One stream on its way out. Who hears it, and when it is silent, is decided elsewhere.

#![allow(unsafe_code, reason = "calls of libopus")]

use opusic_sys as sys;

use crate::error::{CodecError, check};
use crate::memory::Memory;
use crate::{MAX_PAYLOAD_BYTES, MONO, RATE, STEREO};

/// How sound is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncoderSettings {
    /// Aimed-at bit rate, bit/s; the rate varies with the sound (VBR).
    pub bitrate: i32,
    /// 0 (cheap) to 10 (good).
    pub complexity: i32,
    /// Send a coarse copy of the frame before with each frame. It costs quality on a clean line.
    pub inband_fec: bool,
    /// How many packets in a hundred the receiver is told to lose, 0 to 100; only of effect with `inband_fec`.
    pub expected_loss_percent: i32,
    /// The widest sound that is sent.
    pub bandwidth: Bandwidth,
    /// What the sound is.
    pub signal: Signal,
}

impl Default for EncoderSettings {
    fn default() -> Self {
        Self {
            bitrate: 32_000,
            complexity: 5,
            inband_fec: false,
            expected_loss_percent: 0,
            bandwidth: Bandwidth::Full,
            signal: Signal::Unknown,
        }
    }
}

/// What the sound is, as far as it is known; the encoder chooses its mode by it (`OPUS_SET_SIGNAL` of libopus).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The encoder finds out.
    #[default]
    Unknown,
    /// Voices: they are encoded as such, with the upper half of the spectrum beside them (hybrid mode, RFC 6716 section 2). Above 64 kbit/s
    /// libopus would encode them as any sound if it were let.
    Voice,
}

impl Signal {
    const fn code(self) -> i32 {
        match self {
            Self::Unknown => sys::OPUS_AUTO,
            Self::Voice => sys::OPUS_SIGNAL_VOICE,
        }
    }

    /// The mode that it is encoded in.
    const fn mode(self, bitrate: i32) -> i32 {
        match self {
            Self::Voice if bitrate > CHOOSES_WELL => MODE_HYBRID,
            Self::Voice | Self::Unknown => sys::OPUS_AUTO,
        }
    }
}

/// Up to so many bit/s libopus chooses the mode for voices as we would.
const CHOOSES_WELL: i32 = 64_000;

/// `OPUS_SET_FORCE_MODE` and a mode, of libopus's `opus_private.h`: no document promises them, but the version is pinned, and a test would
/// notice.
const SET_FORCE_MODE_REQUEST: i32 = 11_002;
const MODE_HYBRID: i32 = 1_001;

/// How much of the spectrum is sent (RFC 6716 section 2, table 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 6 kHz.
    Medium,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    SuperWide,
    /// 20 kHz.
    #[default]
    Full,
}

impl Bandwidth {
    /// The widest that is of use to one who plays at a sampling rate, in Hz (RFC 7587 section 6.1).
    #[must_use]
    pub const fn within(sampling_rate: u32) -> Self {
        match sampling_rate {
            0..=8_000 => Self::Narrow,
            8_001..=12_000 => Self::Medium,
            12_001..=16_000 => Self::Wide,
            16_001..=24_000 => Self::SuperWide,
            24_001.. => Self::Full,
        }
    }

    const fn code(self) -> i32 {
        match self {
            Self::Narrow => sys::OPUS_BANDWIDTH_NARROWBAND,
            Self::Medium => sys::OPUS_BANDWIDTH_MEDIUMBAND,
            Self::Wide => sys::OPUS_BANDWIDTH_WIDEBAND,
            Self::SuperWide => sys::OPUS_BANDWIDTH_SUPERWIDEBAND,
            Self::Full => sys::OPUS_BANDWIDTH_FULLBAND,
        }
    }
}

/// An Opus encoder: application VoIP, mono, 48 kHz, variable bit rate.
#[derive(Debug)]
pub struct Encoder(State);

impl Encoder {
    /// An encoder set up by `settings`.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if a setting is out of its range.
    pub fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
        State::new(MONO, settings).map(Self)
    }

    /// Changes the settings from the next frame on; what was encoded before goes on counting.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if a setting is out of its range; those before it, in the order of the fields, are changed.
    pub fn configure(&mut self, settings: &EncoderSettings) -> Result<(), CodecError> {
        self.0.configure(settings)
    }

    /// Goes on from where `other` is, with its settings too: what both encode from now on is the same to the last bit, as
    /// long as they are given the same. It costs a few microseconds, and allocates nothing.
    ///
    /// libopus keeps no pointer into a state in it, which no document of it promises: hence the version is pinned and a test
    /// compares the bits.
    pub fn copy_from(&mut self, other: &Self) {
        self.0.memory.copy_from(&other.0.memory);
    }

    /// Encodes one frame of 2.5, 5, 10, 20, 40 or 60 ms and returns the length of the payload in bytes.
    ///
    /// # Errors
    ///
    /// [`CodecError::Encode`] if the frame has another length.
    pub fn encode(
        &mut self,
        frame: &[i16],
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        self.0.encode(frame, payload)
    }

    /// Forgets what was encoded before; the settings stay.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.0.reset()
    }
}

/// The same of two channels: of pairs of left and right. How many channels a packet has is libopus's choice, by the bit rate
/// and by how far the two differ.
#[derive(Debug)]
pub struct StereoEncoder(State);

impl StereoEncoder {
    /// As [`Encoder::new`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if a setting is out of its range.
    pub fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
        State::new(STEREO, settings).map(Self)
    }

    /// As [`Encoder::configure`].
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if a setting is out of its range; those before it, in the order of the fields, are changed.
    pub fn configure(&mut self, settings: &EncoderSettings) -> Result<(), CodecError> {
        self.0.configure(settings)
    }

    /// As [`Encoder::copy_from`].
    pub fn copy_from(&mut self, other: &Self) {
        self.0.memory.copy_from(&other.0.memory);
    }

    /// Encodes pairs for 2.5, 5, 10, 20, 40 or 60 ms and returns the length of the payload in bytes.
    ///
    /// # Errors
    ///
    /// [`CodecError::Encode`] if there are so many pairs as no frame has.
    pub fn encode(
        &mut self,
        pairs: &[[i16; 2]],
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        self.0.encode(pairs.as_flattened(), payload)
    }

    /// Forgets what was encoded before; the settings stay.
    ///
    /// # Errors
    ///
    /// [`CodecError::Reset`] if libopus fails.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        self.0.reset()
    }
}

/// An encoder of libopus.
#[derive(Debug)]
struct State {
    memory: Memory,
    channels: i32,
}

impl State {
    fn new(channels: i32, settings: &EncoderSettings) -> Result<Self, CodecError> {
        // Safety: it only computes.
        let size = unsafe { sys::opus_encoder_get_size(channels) };
        let mut memory = Memory::new(check(size).map_err(CodecError::Setup)? as usize);
        // Safety: the memory is as large as libopus asks for these channels, aligned for any type, and ours alone.
        let made = unsafe {
            sys::opus_encoder_init(memory.as_mut_ptr(), RATE, channels, sys::OPUS_APPLICATION_VOIP)
        };
        check(made).map_err(CodecError::Setup)?;
        let mut state = Self { memory, channels };
        state.set(sys::OPUS_SET_VBR_REQUEST, 1)?;
        // Whoever feeds it knows exactly what is silence; the encoder would have to guess.
        state.set(sys::OPUS_SET_DTX_REQUEST, 0)?;
        state.configure(settings)?;
        Ok(state)
    }

    fn configure(&mut self, settings: &EncoderSettings) -> Result<(), CodecError> {
        self.set(sys::OPUS_SET_BITRATE_REQUEST, settings.bitrate)?;
        self.set(sys::OPUS_SET_COMPLEXITY_REQUEST, settings.complexity)?;
        self.set(sys::OPUS_SET_INBAND_FEC_REQUEST, i32::from(settings.inband_fec))?;
        self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, settings.expected_loss_percent)?;
        self.set(sys::OPUS_SET_MAX_BANDWIDTH_REQUEST, settings.bandwidth.code())?;
        self.set(sys::OPUS_SET_SIGNAL_REQUEST, settings.signal.code())?;
        self.set(SET_FORCE_MODE_REQUEST, settings.signal.mode(settings.bitrate))
    }

    fn encode(
        &mut self,
        samples: &[i16],
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        // No frame that can be encoded is so long.
        let each = i32::try_from(samples.len()).unwrap_or(i32::MAX) / self.channels;
        // Safety: the state was initialised, libopus reads `each` samples of each of its channels, side by side, refuses lengths
        // that Opus does not know before it reads any, and writes at most the given bytes.
        let bytes = unsafe {
            sys::opus_encode(
                self.memory.as_mut_ptr(),
                samples.as_ptr(),
                each,
                payload.as_mut_ptr(),
                MAX_PAYLOAD_BYTES as i32,
            )
        };
        check(bytes).map(|bytes| bytes as usize).map_err(CodecError::Encode)
    }

    fn reset(&mut self) -> Result<(), CodecError> {
        // Safety: the state was initialised, and this request takes no argument.
        let done = unsafe { sys::opus_encoder_ctl(self.memory.as_mut_ptr(), sys::OPUS_RESET_STATE) };
        check(done).map(drop).map_err(CodecError::Reset)
    }

    fn set(&mut self, request: i32, value: i32) -> Result<(), CodecError> {
        // Safety: the state was initialised, and each request that is made here takes one `opus_int32`.
        let done = unsafe { sys::opus_encoder_ctl(self.memory.as_mut_ptr(), request, value) };
        check(done).map(drop).map_err(CodecError::Setup)
    }
}
