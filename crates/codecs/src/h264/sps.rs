//! Sequence parameter sets (ITU-T H.264 section 7.3.2.1.1), as far as they tell how large pictures become. What openh264 would make of
//! the rest is its matter.

use crate::CodecError;

/// The longest one that is read, bytes; those of conversations have about 15.
const LONGEST: usize = 256;

/// Reads the size of coded pictures, in whole macroblocks, from a NAL unit.
pub(super) fn coded_size(unit: &[u8]) -> Result<(u32, u32), CodecError> {
    if unit.len() > LONGEST {
        return Err(CodecError::Malformed("a sequence parameter set that is too long"));
    }
    let mut raw = [0; LONGEST];
    let raw = unescape(unit, &mut raw);
    size(&mut Bits { bytes: raw, at: 8 })
        .ok_or(CodecError::Malformed("a sequence parameter set that can't be read"))?
}

/// Reads the size; `None` where it ends too soon.
fn size(bits: &mut Bits<'_>) -> Option<Result<(u32, u32), CodecError>> {
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.exp_golomb()?;
    match profile {
        66 | 77 => {}
        100 => {
            let chroma = bits.exp_golomb()?;
            let depths = (bits.exp_golomb()?, bits.exp_golomb()?);
            let (transparent, matrices) = (bits.take(1)?, bits.take(1)?);
            if (chroma, depths, transparent, matrices) != (1, (0, 0), 0, 0) {
                return Some(Err(CodecError::Malformed("H.264 of another kind than 8 bits, 4:2:0")));
            }
        }
        _ => return Some(Err(CodecError::Malformed("H.264 of an unknown profile"))),
    }
    bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?;
        }
        1 => {
            bits.take(1)?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            let cycle = bits.exp_golomb()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                bits.exp_golomb()?;
            }
        }
        2 => {}
        _ => return None,
    }
    if bits.exp_golomb()? > 16 {
        return None;
    }
    bits.take(1)?;
    let (across, down) = (bits.exp_golomb()?, bits.exp_golomb()?);
    let fields = 2 - bits.take(1)?;
    let pixels = |macroblocks: u32| macroblocks.checked_add(1)?.checked_mul(16);
    Some(Ok((pixels(across)?, pixels(down)?.checked_mul(fields)?)))
}

/// Takes out the bytes that keep start codes from appearing (section 7.4.1).
fn unescape<'a>(unit: &[u8], into: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let (mut length, mut zeros) = (0, 0);
    for byte in unit {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        into[length] = *byte;
        length += 1;
    }
    &into[..length]
}

/// Bits of a NAL unit, from the left.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// An unsigned Exp-Golomb code (section 9.1); a signed one is as long.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits as text, behind a NAL unit's header.
    fn unit(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        let bytes = bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| bit << (7 - at)).sum());
        std::iter::once(0x67).chain(bytes).collect()
    }

    /// Profile 66, level 31, then: id 0, frame numbers 0, order 2, one reference, no gaps.
    const BASE: &str = "01000010 11000000 00011111 1 1 011 010 0";

    #[test]
    fn a_baseline_set_tells_its_size() {
        // 80 macroblocks across (code 79), 45 down (code 44), frames only.
        let bits = format!("{BASE} 0000001010000 00000101101 1 1");
        assert_eq!(coded_size(&unit(&bits)), Ok((1280, 720)));
    }

    #[test]
    fn fields_count_twice() {
        let bits = format!("{BASE} 0000001010000 00000101101 0 1");
        assert_eq!(coded_size(&unit(&bits)), Ok((1280, 1440)));
    }

    #[test]
    fn whatever_ends_early_is_refused_by_name() {
        let bits = format!("{BASE} 0000001010000 00000101101 1");
        let whole = unit(&bits);
        for length in 0..whole.len() - 1 {
            assert!(matches!(coded_size(&whole[..length]), Err(CodecError::Malformed(_))), "{length}");
        }
        assert!(matches!(coded_size(&[0x67; 257]), Err(CodecError::Malformed(_))));
        assert!(matches!(coded_size(&[0; 256]), Err(CodecError::Malformed(_))));
    }

    #[test]
    fn no_bytes_overflow_a_size() {
        // The longest code there is, for both sides.
        let long = format!("{}1{}", "0".repeat(31), "1".repeat(31));
        let bits = format!("{BASE} {long} {long} 0 1");
        assert!(matches!(coded_size(&unit(&bits)), Err(CodecError::Malformed(_))));
    }
}
