//! G.711 (ITU-T Rec. G.711, 1988): speech at 8 kHz in 8 bits a sample, and what is made up for missing pieces of it.
//!
//! RTP, and when something is missing, never live here.

mod conceal;
mod law;
mod resample;

use conceal::Concealer;
use resample::{Downsampler, Upsampler};

use crate::codec::{MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES};
use crate::frame::{FRAME_SAMPLES, Frame};

pub(crate) use law::Law;

/// Samples at 48 kHz for one at 8 kHz.
const RATIO: usize = 6;

/// Bytes of one tick: 20 ms at 8 kHz.
pub(crate) const FRAME_BYTES: usize = FRAME_SAMPLES / RATIO;

const _: () = assert!(FRAME_BYTES <= MAX_PAYLOAD_BYTES);

/// The decoder of one sender: to 48 kHz, later by the delay of a filter, 2 ms.
#[derive(Clone, Debug)]
pub(crate) struct G711Decoder {
    concealer: Concealer,
    upsampler: Upsampler,
}

impl G711Decoder {
    pub(crate) const fn new() -> Self {
        Self { concealer: Concealer::new(), upsampler: Upsampler::new() }
    }

    /// Decodes a packet and returns how many samples at 48 kHz it held: six a byte. What does not fit is left out.
    pub(crate) fn decode(
        &mut self,
        law: Law,
        payload: &[u8],
        samples: &mut [i16; MAX_PACKET_SAMPLES],
    ) -> usize {
        let (outputs, _) = samples.as_chunks_mut::<RATIO>();
        let decoded = payload.len().min(outputs.len());
        for (&byte, output) in payload.iter().zip(outputs) {
            let sample = self.concealer.take(law.expand(byte));
            self.upsampler.put(sample, output);
        }
        decoded * RATIO
    }

    /// Makes up sound; it fades when it is called again and again. A last piece of less than a sample at 8 kHz is silent.
    pub(crate) fn conceal(&mut self, samples: &mut [i16]) {
        let (outputs, rest) = samples.as_chunks_mut::<RATIO>();
        for output in outputs {
            let sample = self.concealer.make();
            self.upsampler.put(sample, output);
        }
        rest.fill(0);
    }
}

/// The encoder of one stream: from 48 kHz, later by the delay of a filter, 2 ms.
#[derive(Clone, Debug)]
pub(crate) struct G711Encoder {
    downsampler: Downsampler,
}

impl G711Encoder {
    pub(crate) const fn new() -> Self {
        Self { downsampler: Downsampler::new() }
    }

    /// Encodes one tick into [`FRAME_BYTES`] bytes, and returns their number.
    pub(crate) fn encode(&mut self, law: Law, frame: &Frame, payload: &mut [u8; MAX_PAYLOAD_BYTES]) -> usize {
        for (input, byte) in frame.as_chunks::<RATIO>().0.iter().zip(payload) {
            *byte = law.compress(self.downsampler.put(input));
        }
        FRAME_BYTES
    }
}

#[cfg(test)]
mod tests;
