//! The payload of H.264: single NAL units, STAP-A and FU-A (RFC 6184), which is what `packetization-mode=1` has without interleaving.
//! What is in a slice never lives here but for the bit that says that it is the first one.

mod sps;

pub(crate) use sps::size;

use crate::PayloadError;

/// Kinds of NAL units (ITU-T H.264 table 7-1) and of packets (RFC 6184 table 1).
pub(crate) mod kind {
    pub(crate) const SLICE: u8 = 1;
    pub(crate) const PARTITION_C: u8 = 4;
    pub(crate) const IDR: u8 = 5;
    pub(crate) const SPS: u8 = 7;
    pub(crate) const PPS: u8 = 8;
    pub(crate) const DELIMITER: u8 = 9;
    pub(crate) const FILLER: u8 = 12;
    pub(crate) const LAST_UNIT: u8 = 23;
    pub(crate) const STAP_A: u8 = 24;
    pub(crate) const FU_A: u8 = 28;
}

/// The kind in the first byte of a NAL unit.
pub(crate) const KIND: u8 = 0x1F;
/// Its other bits: forbidden bit and importance.
const IMPORTANCE: u8 = 0xE0;
const FORBIDDEN: u8 = 0x80;
pub(crate) const FIRST: u8 = 0x80;
pub(crate) const LAST: u8 = 0x40;

/// A payload, read and found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    /// One NAL unit.
    Unit(&'a [u8]),
    /// Several, each after its length in two bytes.
    Aggregate(&'a [u8]),
    /// A part of one.
    Fragment(Fragment<'a>),
}

/// A part of a NAL unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    /// The first byte of the unit.
    pub(crate) header: u8,
    pub(crate) first: bool,
    pub(crate) last: bool,
    /// What comes after the first byte; may be nothing (RFC 6184 section 5.8).
    pub(crate) data: &'a [u8],
}

/// What a payload has in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) sps: bool,
    pub(crate) pps: bool,
    /// A slice of an IDR picture, or a part of one.
    pub(crate) idr: bool,
    /// The beginning of the first slice of an IDR picture.
    pub(crate) idr_starts: bool,
    /// A slice of another picture, or a part of one.
    pub(crate) slice: bool,
    /// By the sequence parameter set, if that is here.
    pub(crate) size: Option<(u16, u16)>,
}

impl<'a> Payload<'a> {
    pub(crate) fn read(payload: &'a [u8]) -> Result<(Self, Contents), PayloadError> {
        let (&header, rest) = payload.split_first().ok_or(PayloadError::Empty)?;
        let mut contents = Contents::default();
        let read = match header & KIND {
            kind::STAP_A => {
                contents.note_aggregate(rest)?;
                Self::Aggregate(rest)
            }
            kind::FU_A => {
                let (&head, data) = rest.split_first().ok_or(PayloadError::CutOff)?;
                let fragment = Fragment {
                    header: header & IMPORTANCE | head & KIND,
                    first: head & FIRST != 0,
                    last: head & LAST != 0,
                    data,
                };
                contents.note_fragment(&fragment)?;
                Self::Fragment(fragment)
            }
            _ => {
                contents.note_unit(payload)?;
                Self::Unit(payload)
            }
        };
        if header & FORBIDDEN != 0 {
            return Err(PayloadError::Contradiction);
        }
        Ok((read, contents))
    }
}

impl Contents {
    fn note_aggregate(&mut self, mut rest: &[u8]) -> Result<(), PayloadError> {
        if rest.is_empty() {
            return Err(PayloadError::Empty);
        }
        while !rest.is_empty() {
            let (unit, after) = next_unit(rest).ok_or(PayloadError::CutOff)?;
            self.note_unit(unit)?;
            rest = after;
        }
        Ok(())
    }

    fn note_fragment(&mut self, fragment: &Fragment<'_>) -> Result<(), PayloadError> {
        if fragment.first && fragment.last {
            return Err(PayloadError::Contradiction);
        }
        match fragment.header & KIND {
            kind::SLICE..=kind::PARTITION_C => self.slice = true,
            kind::IDR => {
                self.idr = true;
                self.idr_starts = fragment.first && first_in_picture(fragment.data);
            }
            // A parameter set that needs two packets is none of a call: it could be read only when it is whole.
            kind::SPS | kind::PPS => return Err(PayloadError::Kind(kind::FU_A)),
            kind @ (0 | kind::STAP_A..) => return Err(PayloadError::Kind(kind)),
            _ => {}
        }
        Ok(())
    }

    fn note_unit(&mut self, unit: &[u8]) -> Result<(), PayloadError> {
        let (&header, data) = unit.split_first().ok_or(PayloadError::Empty)?;
        if header & FORBIDDEN != 0 {
            return Err(PayloadError::Contradiction);
        }
        match header & KIND {
            kind::SLICE..=kind::PARTITION_C => self.slice = true,
            kind::IDR => {
                self.idr = true;
                self.idr_starts |= first_in_picture(data);
            }
            kind::SPS => {
                self.sps = true;
                self.size = Some(size(data)?);
            }
            kind::PPS => self.pps = true,
            kind @ (0 | kind::STAP_A..) => return Err(PayloadError::Kind(kind)),
            _ => {}
        }
        Ok(())
    }

    /// Whether a key frame begins with it. None has slices of another kind (ITU-T H.264 section 7.4.1.2.4).
    pub(crate) fn key_frame_starts(&self) -> bool {
        !self.slice && (self.sps || self.idr_starts)
    }
}

/// Whether the first macroblock of a slice is the first one of its picture: `first_mb_in_slice` is 0, which is one bit
/// (ITU-T H.264 section 7.3.3).
fn first_in_picture(slice: &[u8]) -> bool {
    slice.first().is_some_and(|byte| byte & 0x80 != 0)
}

/// The next NAL unit of an aggregate, and what is after it.
pub(crate) fn next_unit(aggregate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = aggregate.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// The NAL units of an access unit with start codes (ITU-T H.264 annex B), without those and without the zeros between.
pub(crate) fn units(access_unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(access_unit);
    core::iter::from_fn(move || {
        let all = rest?;
        let end = start_code(all).unwrap_or(all.len());
        rest = after_start_code(&all[end..]);
        // A unit never ends with a zero; those that are there belong to what comes next.
        let len = all[..end].iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        Some(&all[..len])
    })
    .filter(|unit| !unit.is_empty())
}

/// Where the next start code is.
fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    start_code(bytes).map(|at| &bytes[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::sps::tests::vga;
    use super::*;

    const PPS: [u8; 4] = [0x68, 0xCE, 0x3C, 0x80];

    fn contents(payload: &[u8]) -> Result<Contents, PayloadError> {
        Payload::read(payload).map(|(_, contents)| contents)
    }

    fn stap(units: &[&[u8]]) -> Vec<u8> {
        let mut out = vec![0x78];
        for unit in units {
            out.extend((unit.len() as u16).to_be_bytes());
            out.extend(*unit);
        }
        out
    }

    #[test]
    fn a_key_frame_begins_with_its_parameter_sets_or_with_its_first_slice() {
        let all = stap(&[&[0x09, 0x10], &vga(), &PPS]);
        let found = contents(&all).unwrap();
        assert!(found.sps && found.pps && !found.idr && found.key_frame_starts());
        assert_eq!(found.size, Some((640, 480)));
        assert!(contents(&[0x65, 0x88]).unwrap().key_frame_starts());
        assert!(contents(&[0x7C, 0x85, 0x88]).unwrap().key_frame_starts());
        // Not the first slice, not its first fragment, another kind of slice.
        for payload in [&[0x65, 0x48][..], &[0x7C, 0x05, 0x88], &[0x7C, 0x85, 0x48], &[0x61, 0x88]] {
            assert!(!contents(payload).unwrap().key_frame_starts(), "{payload:02x?}");
        }
        // A slice that is none of a key frame beside one that is.
        assert!(!contents(&stap(&[&[0x61, 0x88], &vga(), &PPS, &[0x65, 0x88]])).unwrap().key_frame_starts());
    }

    #[test]
    fn slices_are_told_apart_in_every_kind_of_packet() {
        for payload in [&[0x65, 0x88][..], &stap(&[&[0x65, 0x88]]), &[0x7C, 0x45, 1]] {
            let found = contents(payload).unwrap();
            assert!(found.idr && !found.slice, "{payload:02x?}");
        }
        for payload in [&[0x61, 0x88][..], &stap(&[&[0x61, 0x88]]), &[0x7C, 0x41, 1]] {
            let found = contents(payload).unwrap();
            assert!(!found.idr && found.slice, "{payload:02x?}");
        }
    }

    #[test]
    fn kinds_that_were_not_agreed_on_are_refused() {
        // STAP-B, MTAP16, MTAP24, FU-B, and what has no meaning.
        for kind in [0, 25, 26, 27, 29, 30, 31] {
            assert_eq!(contents(&[0x60 | kind, 1, 2, 3, 4]), Err(PayloadError::Kind(kind)));
            if kind != 29 {
                assert_eq!(contents(&[0x7C, 0x80 | kind, 1]), Err(PayloadError::Kind(kind)));
            }
            assert_eq!(contents(&stap(&[&[0x60 | kind, 1]])), Err(PayloadError::Kind(kind)));
        }
        // An aggregate in an aggregate, a fragment in one, a fragment of an aggregate.
        assert_eq!(contents(&stap(&[&stap(&[&PPS])])), Err(PayloadError::Kind(24)));
        assert_eq!(contents(&stap(&[&[0x7C, 0x85, 1]])), Err(PayloadError::Kind(28)));
        assert_eq!(contents(&[0x7C, 0x98, 1]), Err(PayloadError::Kind(24)));
        assert_eq!(contents(&[0x7C, 0x87, 1]), Err(PayloadError::Kind(28)));
    }

    #[test]
    fn what_is_cut_off_or_contradicts_itself_is_refused() {
        assert_eq!(contents(&[]), Err(PayloadError::Empty));
        assert_eq!(contents(&[0x78]), Err(PayloadError::Empty));
        assert_eq!(contents(&[0x78, 0]), Err(PayloadError::CutOff));
        assert_eq!(contents(&[0x78, 0, 3, 0x68, 1]), Err(PayloadError::CutOff));
        assert_eq!(contents(&[0x78, 0, 0]), Err(PayloadError::Empty));
        assert_eq!(contents(&[0x7C]), Err(PayloadError::CutOff));
        assert_eq!(contents(&[0x7C, 0xC5, 1]), Err(PayloadError::Contradiction));
        assert_eq!(contents(&[0xE5, 0x88]), Err(PayloadError::Contradiction));
        assert_eq!(contents(&[0xFC, 0x85, 0x88]), Err(PayloadError::Contradiction));
        assert_eq!(contents(&stap(&[&[0xE8, 1]])), Err(PayloadError::Contradiction));
    }

    #[test]
    fn access_units_are_taken_apart_at_their_start_codes() {
        let au = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 0, 2, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0];
        let found: Vec<&[u8]> = units(&au).collect();
        assert_eq!(found, [&[0x67, 1][..], &[0x68, 0, 2], &[0x65, 0, 0, 3, 1]]);
        assert_eq!(units(&[1, 2, 3]).count(), 0);
        assert_eq!(units(&[0, 0, 1]).count(), 0);
        assert_eq!(units(&[0, 0, 1, 0, 0, 1, 0x09]).collect::<Vec<_>>(), [&[0x09][..]]);
    }
}
