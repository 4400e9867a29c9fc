//! Bytes for histories, from a seed: the same seed gives the same bytes.
//!
//! What bytes mean never lives here, see `action.rs`.

use crate::action::BYTES;

/// A source of bytes: `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub struct Bytes {
    state: u64,
}

impl Bytes {
    /// Begins at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A history of so many actions. In most of them people come in first, and then things happen.
    pub fn history(&mut self, actions: usize) -> Vec<u8> {
        let mut bytes = self.any(actions);
        let coming = self.number() % 64;
        let coming = if coming < 16 { 0 } else { coming as usize };
        // A first byte of nothing is what should go on.
        bytes.iter_mut().skip(1).step_by(BYTES).take(coming.min(actions / 2)).for_each(|byte| *byte = 0);
        bytes
    }

    /// Any bytes for so many actions.
    pub fn any(&mut self, actions: usize) -> Vec<u8> {
        let length = 1 + actions * BYTES;
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
