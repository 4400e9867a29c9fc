//! Decoded sound that waits for its tick: packets of any length in, frames of one tick out. Codecs never live here.

use crate::codec::MAX_PACKET_SAMPLES;
use crate::frame::{FRAME_SAMPLES, Frame};

/// The queue is filled only while it holds less than a frame, so this is the most it ever holds.
const CAPACITY: usize = FRAME_SAMPLES + MAX_PACKET_SAMPLES;

/// A first-in first-out queue of samples with fixed memory.
#[derive(Debug)]
pub(crate) struct PcmQueue {
    samples: Box<[i16; CAPACITY]>,
    len: usize,
}

impl PcmQueue {
    pub(crate) fn new() -> Self {
        Self { samples: Box::new([0; CAPACITY]), len: 0 }
    }

    /// There is enough for a tick.
    pub(crate) const fn has_frame(&self) -> bool {
        self.len >= FRAME_SAMPLES
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends decoded sound. What doesn't fit is dropped; it can't come to that while the queue has no frame before.
    pub(crate) fn put(&mut self, sound: &[i16]) {
        let taken = sound.len().min(CAPACITY - self.len);
        self.samples[self.len..self.len + taken].copy_from_slice(&sound[..taken]);
        self.len += taken;
    }

    /// Moves one tick of sound out, with silence for what is not there. Returns whether there was any.
    pub(crate) fn take(&mut self, frame: &mut Frame) -> bool {
        let taken = self.len.min(FRAME_SAMPLES);
        frame[..taken].copy_from_slice(&self.samples[..taken]);
        frame[taken..].fill(0);
        self.samples.copy_within(taken..self.len, 0);
        self.len -= taken;
        taken > 0
    }
}
