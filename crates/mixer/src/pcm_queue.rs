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

    /// How many samples wait.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Nothing but so many samples of silence wait.
    pub(crate) fn silence(&mut self, samples: usize) {
        self.len = samples.min(CAPACITY);
        self.samples[..self.len].fill(0);
    }

    /// Where what comes next is written: the longest packet fits as long as the queue has no frame. [`keep`](Self::keep) then tells
    /// how much of it counts.
    pub(crate) fn room(&mut self) -> &mut [i16; MAX_PACKET_SAMPLES] {
        // With a frame more there, which does not happen, the latest of it would be written over.
        self.len = self.len.min(FRAME_SAMPLES);
        // FRAME_SAMPLES and the room are the whole.
        self.samples[self.len..].first_chunk_mut().expect("the room behind at most a frame")
    }

    /// Appends the first `samples` of what was written into the room.
    pub(crate) fn keep(&mut self, samples: usize) {
        self.len = (self.len + samples).min(CAPACITY);
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
