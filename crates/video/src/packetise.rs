//! Frames of an encoder to payloads. RTP headers never live here.

use crate::PictureCodec;
use crate::h264::{self, FIRST, KIND, LAST, kind};
use crate::vp8::{Descriptor, MAX_DESCRIPTOR, PictureId};

/// No limit of a payload is taken for less than that: there would be more descriptor than picture.
const MIN_PAYLOAD: usize = 128;
const FRAGMENT_HEAD: usize = 2;

/// What goes on from one frame of a stream to the next.
#[derive(Clone, Debug, Default)]
pub struct PayloadState {
    /// The picture id of the next frame of VP8, of 15 bits.
    picture_id: u16,
    payload: Vec<u8>,
}

impl PayloadState {
    /// Begins with this picture id, of which 15 bits count; H.264 has none.
    #[must_use]
    pub fn new(picture_id: u16) -> Self {
        Self { picture_id: picture_id & 0x7FFF, payload: Vec::new() }
    }
}

/// Gives `emit` the payloads of one frame in their order, none longer than `max_payload` bytes (128 at least), and with each whether
/// it is the last one, which has the marker. How many they are: none of a frame without a picture.
///
/// A frame is one of VP8 as RFC 6386 has it, or an access unit of H.264 with start codes (Annex B). Of VP8 each payload has a picture id of
/// 15 bits. Of H.264 parameter sets and SEI go together (STAP-A), slices alone or in fragments (FU-A); delimiters and filling are left
/// out, as packets need neither.
pub fn packetise(
    codec: PictureCodec,
    frame: &[u8],
    max_payload: usize,
    state: &mut PayloadState,
    mut emit: impl FnMut(&[u8], bool),
) -> usize {
    let max = max_payload.max(MIN_PAYLOAD);
    let mut count = 0;
    let emit = |payload: &[u8], marker: bool| {
        count += 1;
        emit(payload, marker);
    };
    match codec {
        PictureCodec::Vp8 => packetise_vp8(frame, max, state, emit),
        PictureCodec::H264 => packetise_h264(frame, max, &mut state.payload, emit),
    }
    count
}

fn packetise_vp8(frame: &[u8], max: usize, state: &mut PayloadState, mut emit: impl FnMut(&[u8], bool)) {
    if frame.is_empty() {
        return;
    }
    let mut descriptor = Descriptor {
        non_reference: false,
        start: true,
        partition: 0,
        picture_id: Some(PictureId { value: state.picture_id, bits: 15 }),
        tl0: None,
        layer: None,
        key_index: None,
    };
    state.picture_id = (state.picture_id + 1) & 0x7FFF;
    let mut pieces = pieces(frame, max - MAX_DESCRIPTOR).peekable();
    while let Some(piece) = pieces.next() {
        let mut head = [0; MAX_DESCRIPTOR];
        let len = descriptor.write(&mut head);
        descriptor.start = false;
        state.payload.clear();
        state.payload.extend_from_slice(&head[..len]);
        state.payload.extend_from_slice(piece);
        emit(&state.payload, pieces.peek().is_none());
    }
}

fn packetise_h264(frame: &[u8], max: usize, payload: &mut Vec<u8>, mut emit: impl FnMut(&[u8], bool)) {
    let taken = |unit: &&[u8]| match unit[0] & KIND {
        kind::DELIMITER | kind::FILLER => false,
        kind => (kind::SLICE..=kind::LAST_UNIT).contains(&kind),
    };
    let mut units = h264::units(frame).filter(taken).peekable();
    // What goes together with what comes next, if that is small and no slice either.
    payload.clear();
    let mut together = 0;
    while let Some(unit) = units.next() {
        let header = unit[0];
        let next = units.peek();
        let fits = |len: usize, unit: &[u8]| !is_slice(unit) && len + 2 + unit.len() <= max;
        let joins = !is_slice(unit) && (together > 0 || next.is_some_and(|next| fits(3 + unit.len(), next)));
        if joins {
            if together == 0 {
                payload.push(kind::STAP_A);
            }
            payload[0] = payload[0].max(header & !KIND | kind::STAP_A);
            payload.extend_from_slice(&(unit.len() as u16).to_be_bytes());
            payload.extend_from_slice(unit);
            together += 1;
            if !next.is_some_and(|next| fits(payload.len(), next)) {
                emit(payload, next.is_none());
                payload.clear();
                together = 0;
            }
        } else if unit.len() <= max {
            emit(unit, next.is_none());
        } else {
            let last_unit = next.is_none();
            let mut pieces = pieces(&unit[1..], max - FRAGMENT_HEAD).peekable();
            let mut flag = FIRST;
            while let Some(piece) = pieces.next() {
                let last = pieces.peek().is_none();
                payload.clear();
                payload.push(header & !KIND | kind::FU_A);
                payload.push(header & KIND | flag | if last { LAST } else { 0 });
                payload.extend_from_slice(piece);
                emit(payload, last && last_unit);
                flag = 0;
            }
            payload.clear();
        }
    }
}

fn is_slice(unit: &[u8]) -> bool {
    (kind::SLICE..=kind::IDR).contains(&(unit[0] & KIND))
}

/// As few pieces as can be of at most so many bytes, of the same length but for a byte: a small last one would be as easily lost as
/// the others.
fn pieces(bytes: &[u8], max: usize) -> impl Iterator<Item = &[u8]> {
    let count = bytes.len().div_ceil(max);
    (0..count).map(move |at| &bytes[bytes.len() * at / count..bytes.len() * (at + 1) / count])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payloads(
        codec: PictureCodec,
        frame: &[u8],
        max: usize,
        state: &mut PayloadState,
    ) -> Vec<(Vec<u8>, bool)> {
        let mut out = Vec::new();
        let count =
            packetise(codec, frame, max, state, |payload, marker| out.push((payload.to_vec(), marker)));
        assert_eq!(count, out.len());
        out
    }

    #[test]
    fn frames_of_vp8_are_cut_into_like_pieces_with_one_picture_id() {
        let mut state = PayloadState::new(0xFFFF);
        let frame: Vec<u8> = (0..600_u32).map(|at| at as u8).collect();
        for id in [0x7FFF_u16, 0] {
            let out = payloads(PictureCodec::Vp8, &frame, 200, &mut state);
            assert_eq!(out.len(), 4);
            assert_eq!(
                out.iter().map(|(_, marker)| *marker).collect::<Vec<_>>(),
                [false, false, false, true]
            );
            let [high, low] = id.to_be_bytes();
            let mut whole = Vec::new();
            for (at, (payload, _)) in out.iter().enumerate() {
                let start = if at == 0 { 0x90 } else { 0x80 };
                assert_eq!(payload[..4], [start, 0x80, 0x80 | high, low]);
                assert_eq!(payload.len(), 4 + 150);
                whole.extend_from_slice(&payload[4..]);
            }
            assert_eq!(whole, frame);
        }
        assert!(payloads(PictureCodec::Vp8, &[], 200, &mut state).is_empty());
        assert_eq!(state.picture_id, 1, "no frame, no picture id");
    }

    #[test]
    fn access_units_become_stap_a_single_units_and_fu_a() {
        let (sps, pps, sei) = ([0x67, 1, 2], [0x68, 3], [0x06, 4]);
        let idr: Vec<u8> = [0x65].into_iter().chain((0..300_u32).map(|at| at as u8 | 1)).collect();
        let mut au = vec![0, 0, 0, 1, 0x09, 0x10];
        for unit in [&sps[..], &pps, &sei, &[0x41, 9], &[0x0C, 0xFF, 0x80], &idr] {
            au.extend([0, 0, 1]);
            au.extend(unit);
        }
        let mut state = PayloadState::default();
        let out = payloads(PictureCodec::H264, &au, 0, &mut state);
        let (payloads, markers): (Vec<_>, Vec<_>) = out.into_iter().unzip();
        assert_eq!(markers, [false, false, false, false, true]);
        assert_eq!(payloads[0], [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3, 0, 2, 0x06, 4]);
        assert_eq!(payloads[1], [0x41, 9]);
        for (at, flags) in [(2, 0x85), (3, 0x05), (4, 0x45)] {
            assert_eq!(payloads[at][..2], [0x7C, flags]);
            assert_eq!(payloads[at].len(), 102);
        }
        let whole: Vec<u8> = payloads[2..].iter().flat_map(|payload| payload[2..].to_vec()).collect();
        assert_eq!(whole, idr[1..]);
    }

    #[test]
    fn what_does_not_fit_together_goes_apart() {
        let set = |kind: u8, len: usize| [&[0, 0, 1, kind][..], &vec![7; len - 1]].concat();
        let au = [set(0x67, 70), set(0x68, 60), set(0x68, 10)].concat();
        let out = payloads(PictureCodec::H264, &au, 128, &mut PayloadState::default());
        let lens: Vec<(usize, bool)> = out.iter().map(|(payload, marker)| (payload.len(), *marker)).collect();
        assert_eq!(lens, [(70, false), (1 + 2 + 60 + 2 + 10, true)]);
    }

    #[test]
    fn an_access_unit_without_a_unit_makes_no_packet() {
        for au in [&[][..], &[1, 2, 3], &[0, 0, 1, 0x09, 0xF0], &[0, 0, 1, 0x78, 1, 2]] {
            assert!(payloads(PictureCodec::H264, au, 1200, &mut PayloadState::default()).is_empty());
        }
    }
}
