//! NAL units in a byte stream (ITU-T H.264 annex B). What is in them is not read here.

/// A slice of a picture that needs others (table 7-1).
pub(super) const SLICE: u8 = 1;
/// A slice of a picture that a decoder can begin with.
pub(super) const IDR_SLICE: u8 = 5;
/// A sequence parameter set.
pub(super) const SPS: u8 = 7;
/// A picture parameter set.
pub(super) const PPS: u8 = 8;

/// The kind of a NAL unit.
pub(super) fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1f)
}

/// The NAL units of a frame, without their start codes.
pub(super) fn units(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(frame).map_or(&[][..], |(_, behind)| behind);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (unit, behind) = after_start_code(rest).unwrap_or((rest, &[]));
            rest = behind;
            // Zeros before the next start code belong to it, or to nothing; a NAL unit never ends with one.
            let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&unit[..end]);
            }
        }
        None
    })
}

/// What is before the next start code, and what is behind it.
fn after_start_code(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.windows(3).position(|window| window == [0, 0, 1])?;
    Some((&bytes[..at], &bytes[at + 3..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_behind_long_and_short_start_codes() {
        let frame = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 0, 1, 0x65, 4];
        let found: Vec<&[u8]> = units(&frame).collect();
        assert_eq!(found, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 4]]);
        assert_eq!(found.iter().map(|unit| kind(unit)).collect::<Vec<_>>(), [SPS, PPS, IDR_SLICE]);
    }

    #[test]
    fn nothing_is_found_in_what_has_no_start_code() {
        for frame in [&[][..], &[0, 0], &[0x67, 1, 2], &[0, 0, 1], &[0, 0, 1, 0, 0, 1]] {
            assert_eq!(units(frame).count(), 0, "{frame:?}");
        }
    }
}
