//! What the voice of a talker of two channels has besides: a decoder of both, and what waits of their difference. What is due when
//! is decided with the voice.

use crate::codec::{CodecError, Concealment, MAX_PACKET_SAMPLES, StereoDecoder};
use crate::frame::Frame;
use crate::pcm_queue::PcmQueue;

/// It takes about 130 kB, so there is one only for a sender who says that it sends two channels.
#[derive(Debug)]
pub(crate) struct Stereo {
    decoder: StereoDecoder,
    /// Left and right of what was decoded last.
    pairs: Box<[[i16; 2]; MAX_PACKET_SAMPLES]>,
    /// Half their difference, in step with the queue of half their sum.
    queue: PcmQueue,
}

impl Stereo {
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: StereoDecoder::new()?,
            pairs: Box::new([[0; 2]; MAX_PACKET_SAMPLES]),
            queue: PcmQueue::new(),
        })
    }

    /// Decodes a packet, half the sum of its channels into `mid`, and returns how many samples that are.
    pub(crate) fn decode(
        &mut self,
        payload: &[u8],
        mid: &mut [i16; MAX_PACKET_SAMPLES],
    ) -> Result<usize, CodecError> {
        let decoded = self.decoder.decode(payload, &mut self.pairs)?;
        self.split(&mut mid[..decoded]);
        Ok(decoded)
    }

    /// Makes up sound, half the sum into `mid`.
    pub(crate) fn conceal(&mut self, mid: &mut [i16], how: Concealment) -> Result<(), CodecError> {
        self.decoder.conceal(&mut self.pairs[..mid.len()], how)?;
        self.split(mid);
        Ok(())
    }

    /// Recovers sound from the copy in the packet after it, half the sum into `mid`.
    pub(crate) fn recover(&mut self, next: &[u8], mid: &mut [i16]) -> Result<(), CodecError> {
        self.decoder.recover(next, &mut self.pairs[..mid.len()])?;
        self.split(mid);
        Ok(())
    }

    fn split(&mut self, mid: &mut [i16]) {
        let side = self.queue.room();
        for ((&[left, right], mid), side) in self.pairs.iter().zip(mid).zip(side) {
            let (left, right) = (i32::from(left), i32::from(right));
            // Half of what two of 16 bits make has 16.
            (*mid, *side) = (((left + right) >> 1) as i16, ((left - right) >> 1) as i16);
        }
    }

    /// Half the difference that was made last, as far as it is not kept yet.
    pub(crate) fn side(&mut self, samples: usize) -> &mut [i16] {
        &mut self.queue.room()[..samples]
    }

    pub(crate) fn keep(&mut self, samples: usize) {
        self.queue.keep(samples);
    }

    /// So many samples of one channel wait.
    pub(crate) fn align(&mut self, waiting: usize) {
        self.queue.silence(waiting);
    }

    /// Moves one tick of the difference out. Returns whether there is any.
    pub(crate) fn take(&mut self, side: &mut Frame) -> bool {
        self.queue.take(side) && side.iter().any(|&sample| sample != 0)
    }

    pub(crate) fn forget(&mut self) {
        // The reset of a decoder that could be made does not fail; if it did, the next sound would begin oddly.
        let _ = self.decoder.reset();
    }
}
