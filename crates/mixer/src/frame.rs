//! The constants of the tick and the shapes of what goes in and out. Nothing is computed here.

use core::time::Duration;

use crate::level::LevelDbov;
use crate::time::Micros;

/// Samples a second of all sound in the mixer, Hz.
pub const SAMPLE_RATE: u32 = 48_000;

/// The time between two ticks, in milliseconds.
pub const TICK_MS: u32 = 20;

/// The time between two ticks.
pub const TICK: Duration = Duration::from_millis(TICK_MS as u64);

/// Samples of one tick: 20 ms of mono at 48 kHz.
pub const FRAME_SAMPLES: usize = (SAMPLE_RATE / 1000 * TICK_MS) as usize;

/// One tick of sound: mono, 48 kHz, 16 bit.
pub type Frame = [i16; FRAME_SAMPLES];

/// One tick of summed sound: mono, 48 kHz, in units of 16-bit samples and wide enough for 65 536 of them.
pub type WideFrame = [i32; FRAME_SAMPLES];

/// How sound is encoded in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Opus (RFC 6716, RFC 7587).
    #[default]
    Opus,
    /// G.711 µ-law at 8 kHz, static payload type 0 (RFC 3551 section 4.5.14).
    Pcmu,
    /// G.711 A-law at 8 kHz, static payload type 8 (RFC 3551 section 4.5.14).
    Pcma,
}

impl Codec {
    /// Ticks of the RTP clock a second, Hz: 48 000 for Opus whatever it does inside (RFC 7587 section 4.1), 8 000 for G.711.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }
}

/// What a packet holds, which its payload type tells by the session's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// Sound.
    Sound(Codec),
    /// The loudness of the noise at a sender that falls silent (RFC 3389, static payload type 13). It is silence here: the
    /// noises of many in one mix are no comfort.
    ComfortNoise,
    /// A key that is pressed (RFC 4733). It takes a sequence number, and is not heard.
    TelephoneEvent,
}

/// One RTP packet, as far as sound is concerned (RFC 3550 section 5.1, RFC 7587 section 4).
#[derive(Clone, Copy, Debug)]
pub struct RtpAudio<'a> {
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in the clock of the sound ([`Codec::clock_rate`]); that of other packets runs at the same rate.
    pub timestamp: u32,
    /// The marker bit: the first packet after silence. Kept for completeness; timestamps already say it.
    pub marker: bool,
    /// The payload, without RTP header, extensions and padding. One or two bytes of Opus begin discontinuous transmission.
    pub payload: &'a [u8],
    /// What the sender claims as its level (RFC 6464). It is believed only as far as it is found to be true.
    pub level: Option<LevelDbov>,
    /// When it arrived.
    pub arrival: Micros,
}

/// One packet of a leg's mix.
///
/// In lasting silence there is a frame only now and then. The RTP timestamp advances by 20 ms of the codec's clock
/// ([`Codec::clock_rate`]: 960 for Opus, 160 for G.711) with every tick, whether there is a frame or not, and the sequence number
/// only with a frame (RFC 3550 section 5.1, RFC 7587 section 4.1, RFC 3551 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedFrame<'a> {
    /// How it is encoded: as the leg's profile says.
    pub codec: Codec,
    /// The payload, at most [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES) long; of G.711 it is 160 bytes.
    pub payload: &'a [u8],
    /// How many samples it holds at 48 kHz: always 960.
    pub samples: u32,
    /// The number of the stream that it is of: frames of one number in one tick have the same payload.
    pub stream: usize,
    /// It is digital silence: nobody whom this leg hears made a sound.
    pub silence: bool,
}
