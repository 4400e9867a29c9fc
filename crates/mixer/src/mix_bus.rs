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
    /// Who has a voice in this tick, in the order in which they began. They are few, and all others are asked for too.
    speaking: Vec<SpeakerKey>,
    /// The parts of these, in the same order, and memory for more.
    sums: Vec<WideFrame>,
    /// There is something in this tick that all hear.
    for_all: bool,
    voices_max: usize,
}

/// Who may have a part of the sum.
#[derive(Debug)]
struct Share {
    speaker: SpeakerKey,
    legs: usize,
}

impl Default for MixBus {
    fn default() -> Self {
        Self::new()
    }
}

impl MixBus {
    /// A bus without speakers, on which all may have a voice at a time.
    #[must_use]
    pub fn new() -> Self {
        Self::with_voices(usize::MAX)
    }

    /// A bus without speakers, on which so many may have a voice at a time. It takes 4 kB for each of them, as far as there are
    /// speakers, and next to nothing for the others.
    #[must_use]
    pub fn with_voices(voices_max: usize) -> Self {
        Self {
            total: Box::new([0; FRAME_SAMPLES]),
            shares: Vec::new(),
            speaking: Vec::new(),
            sums: Vec::new(),
            for_all: false,
            voices_max,
        }
    }

    /// Makes room for one leg of a speaker. This is where memory is allocated.
    pub fn add(&mut self, speaker: SpeakerKey) {
        match self.find(speaker) {
            Ok(at) => self.shares[at].legs += 1,
            Err(at) => {
                self.shares.insert(at, Share { speaker, legs: 1 });
                self.make_sums();
            }
        }
    }

    /// From now on so many may have a voice at a time. Memory is allocated or given back here; who has a voice in this tick keeps it.
    pub fn set_voices(&mut self, voices_max: usize) {
        if self.voices_max == voices_max && self.sums.len() <= voices_max {
            return;
        }
        self.voices_max = voices_max;
        self.sums.truncate(voices_max.max(self.speaking.len()));
        self.sums.shrink_to_fit();
        self.make_sums();
    }

    fn make_sums(&mut self) {
        let wanted = self.shares.len().min(self.voices_max);
        self.sums.reserve_exact(wanted.saturating_sub(self.sums.len()));
        while self.sums.len() < wanted {
            self.sums.push([0; FRAME_SAMPLES]);
        }
        self.speaking.reserve_exact(self.sums.len() - self.speaking.len());
    }

    /// Takes the room of one leg back. Unknown speakers: nothing happens.
    pub fn remove(&mut self, speaker: SpeakerKey) {
        let Ok(at) = self.find(speaker) else { return };
        self.shares[at].legs -= 1;
        if self.shares[at].legs == 0 {
            self.shares.remove(at);
            if let Some(sum) = self.sum_of(speaker) {
                for (total, own) in self.total.iter_mut().zip(self.sums[sum].iter()) {
                    *total -= own;
                }
                // The last one takes its place.
                self.speaking.swap_remove(sum);
                self.sums.swap(sum, self.speaking.len());
            }
            self.sums.truncate(self.shares.len());
        }
    }

    /// Begins a tick: silence everywhere.
    pub fn clear(&mut self) {
        if self.is_audible() {
            self.total.fill(0);
        }
        self.speaking.clear();
        self.for_all = false;
    }

    /// Adds one leg's sound of this tick to its speaker's part. The sound of an unknown speaker is not heard, nor that of one
    /// more than may have a voice.
    pub fn contribute(&mut self, speaker: SpeakerKey, frame: &Frame) {
        if self.find(speaker).is_err() {
            return;
        }
        let sum = if let Some(sum) = self.sum_of(speaker) {
            &mut self.sums[sum]
        } else {
            let Some(sum) = self.sums.get_mut(self.speaking.len()) else { return };
            sum.fill(0);
            self.speaking.push(speaker);
            sum
        };
        for ((total, own), &sample) in self.total.iter_mut().zip(sum.iter_mut()).zip(frame) {
            *total += i32::from(sample);
            *own += i32::from(sample);
        }
    }

    /// Adds sound of this tick that all hear and that is nobody's voice.
    pub fn contribute_to_all(&mut self, frame: &Frame) {
        self.for_all = true;
        for (total, &sample) in self.total.iter_mut().zip(frame) {
            *total += i32::from(sample);
        }
    }

    const fn is_audible(&self) -> bool {
        !self.speaking.is_empty() || self.for_all
    }

    /// Whether a speaker has a voice in this tick.
    #[must_use]
    pub fn speaks(&self, speaker: SpeakerKey) -> bool {
        self.speaking.contains(&speaker)
    }

    /// Writes what those hear who do not speak: everyone. Returns whether that is anyone; if not, `mix` is all zero.
    pub fn whole(&self, mix: &mut WideFrame) -> bool {
        if self.is_audible() {
            mix.copy_from_slice(&*self.total);
        } else {
            mix.fill(0);
        }
        self.is_audible()
    }

    /// Writes what `listener` hears: everyone but themselves. Returns whether that is anyone; if not, `mix` is all zero.
    pub fn mix_for(&self, listener: SpeakerKey, mix: &mut WideFrame) -> bool {
        let own = self.sum_of(listener).map(|sum| &self.sums[sum]);
        if self.speaking.len() == usize::from(own.is_some()) && !self.for_all {
            mix.fill(0);
            return false;
        }
        match own {
            Some(own) => {
                for ((mix, total), own) in mix.iter_mut().zip(self.total.iter()).zip(own.iter()) {
                    *mix = total - own;
                }
            }
            None => mix.copy_from_slice(&*self.total),
        }
        true
    }

    /// Which of the sums is a speaker's own, if it has a voice in this tick.
    fn sum_of(&self, speaker: SpeakerKey) -> Option<usize> {
        self.speaking.iter().position(|speaking| *speaking == speaker)
    }

    fn find(&self, speaker: SpeakerKey) -> Result<usize, usize> {
        self.shares.binary_search_by_key(&speaker, |share| share.speaker)
    }
}

#[cfg(test)]
mod tests;
