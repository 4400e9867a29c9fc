//! The sum of all voices, and each speaker's part in it. Codecs and limits never live here.

use crate::frame::{FRAME_SAMPLES, Frame, WideFrame};
use crate::key::SpeakerKey;

/// Adds up one tick of all voices once and gives every listener the sum less their own: a mix-minus.
///
/// The sum is kept in 32 bits and nothing is clamped before the subtraction, so that it is exact: with 16 bits,
/// 30000 + 30000 − 30000 would be 2767. Up to 65 536 voices can't overflow it.
#[derive(Debug)]
pub struct MixBus {
    total: Box<WideFrame>,
    shares: Vec<Share>,
    /// Speakers with a voice in this tick.
    voices: usize,
}

/// One speaker's part of the sum.
#[derive(Debug)]
struct Share {
    speaker: SpeakerKey,
    legs: usize,
    sum: Box<WideFrame>,
    active: bool,
}

impl Default for MixBus {
    fn default() -> Self {
        Self::new()
    }
}

impl MixBus {
    /// A bus without speakers.
    #[must_use]
    pub fn new() -> Self {
        Self { total: Box::new([0; FRAME_SAMPLES]), shares: Vec::new(), voices: 0 }
    }

    /// Makes room for one leg of a speaker. This is where memory is allocated.
    pub fn add(&mut self, speaker: SpeakerKey) {
        match self.find(speaker) {
            Ok(at) => self.shares[at].legs += 1,
            Err(at) => {
                let sum = Box::new([0; FRAME_SAMPLES]);
                self.shares.insert(at, Share { speaker, legs: 1, sum, active: false });
            }
        }
    }

    /// Takes the room of one leg back. Unknown speakers: nothing happens.
    pub fn remove(&mut self, speaker: SpeakerKey) {
        let Ok(at) = self.find(speaker) else { return };
        self.shares[at].legs -= 1;
        if self.shares[at].legs == 0 {
            let share = self.shares.remove(at);
            if share.active {
                for (total, own) in self.total.iter_mut().zip(share.sum.iter()) {
                    *total -= own;
                }
                self.voices -= 1;
            }
        }
    }

    /// Begins a tick: silence everywhere.
    pub fn clear(&mut self) {
        if self.voices > 0 {
            self.total.fill(0);
        }
        self.voices = 0;
        for share in &mut self.shares {
            share.active = false;
        }
    }

    /// Adds one leg's sound of this tick to its speaker's part. The sound of an unknown speaker is not heard.
    pub fn contribute(&mut self, speaker: SpeakerKey, frame: &Frame) {
        let Ok(at) = self.find(speaker) else { return };
        let share = &mut self.shares[at];
        if !share.active {
            share.active = true;
            share.sum.fill(0);
            self.voices += 1;
        }
        for ((total, own), &sample) in self.total.iter_mut().zip(share.sum.iter_mut()).zip(frame) {
            *total += i32::from(sample);
            *own += i32::from(sample);
        }
    }

    /// Whether a speaker has a voice in this tick.
    #[must_use]
    pub fn speaks(&self, speaker: SpeakerKey) -> bool {
        self.voices > 0 && self.find(speaker).is_ok_and(|at| self.shares[at].active)
    }

    /// Writes what those hear who do not speak: everyone. Returns whether that is anyone; if not, `mix` is all zero.
    pub fn whole(&self, mix: &mut WideFrame) -> bool {
        if self.voices > 0 {
            mix.copy_from_slice(&*self.total);
        } else {
            mix.fill(0);
        }
        self.voices > 0
    }

    /// Writes what `listener` hears: everyone but themselves. Returns whether that is anyone; if not, `mix` is all zero.
    pub fn mix_for(&self, listener: SpeakerKey, mix: &mut WideFrame) -> bool {
        let own = self.find(listener).ok().map(|at| &self.shares[at]).filter(|share| share.active);
        if self.voices == usize::from(own.is_some()) {
            mix.fill(0);
            return false;
        }
        match own {
            Some(share) => {
                for ((mix, total), own) in mix.iter_mut().zip(self.total.iter()).zip(share.sum.iter()) {
                    *mix = total - own;
                }
            }
            None => mix.copy_from_slice(&*self.total),
        }
        true
    }

    fn find(&self, speaker: SpeakerKey) -> Result<usize, usize> {
        self.shares.binary_search_by_key(&speaker, |share| share.speaker)
    }
}

#[cfg(test)]
mod tests;
