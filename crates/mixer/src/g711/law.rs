//! The two laws of G.711, by the arithmetic of its tables 1 and 2 (as in ITU-T Rec. G.191, STL, `g711.c`).

/// How 16 bits become 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    /// µ-law: North America, Japan.
    Mu,
    /// A-law: everywhere else.
    A,
}

impl Law {
    /// The sample, of 16 bits, that a byte stands for.
    pub(crate) const fn expand(self, byte: u8) -> i16 {
        match self {
            Self::Mu => {
                // All bits are inverted on the line (table 2b, note).
                let bits = !byte;
                let magnitude = ((((bits & 0x0f) as i16) << 3) + 0x84) << ((bits & 0x70) >> 4);
                if bits & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
            }
            Self::A => {
                // Every other bit is inverted on the line (table 1b, note).
                let bits = byte ^ 0x55;
                let mantissa = ((bits & 0x0f) as i16) << 4;
                let magnitude = match (bits & 0x70) >> 4 {
                    0 => mantissa + 8,
                    segment => (mantissa + 0x108) << (segment - 1),
                };
                if bits & 0x80 == 0 { -magnitude } else { magnitude }
            }
        }
    }

    /// The byte that stands for a sample.
    pub(crate) const fn compress(self, sample: i16) -> u8 {
        // Of −32768 too this is a magnitude of 15 bits; decision values of the two signs differ by one.
        let magnitude = (if sample < 0 { !sample } else { sample }) as u16;
        match self {
            Self::Mu => {
                let biased = (magnitude >> 2) + 33;
                let biased = if biased > 0x1fff { 0x1fff } else { biased };
                // 33 has six bits, so the segment is 0 to 7.
                let segment = (16 - biased.leading_zeros() - 6) as u16;
                let bits = (segment << 4 | (biased >> (segment + 1)) & 0x0f) as u8;
                if sample < 0 { !(bits | 0x80) } else { !bits }
            }
            Self::A => {
                let magnitude = magnitude >> 4;
                let bits = if magnitude < 16 {
                    magnitude as u8
                } else {
                    let segment = (16 - magnitude.leading_zeros() - 4) as u16;
                    (segment << 4 | (magnitude >> (segment - 1)) & 0x0f) as u8
                };
                if sample < 0 { bits ^ 0x55 } else { (bits | 0x80) ^ 0x55 }
            }
        }
    }
}
