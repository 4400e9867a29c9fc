//! The payload of VP8: its descriptor (RFC 7741 section 4.2), and what the head of a frame says (RFC 6386 section 9.1). Which numbers
//! a descriptor should have never lives here.

use crate::PayloadError;

/// The longest descriptor.
pub(crate) const MAX_DESCRIPTOR: usize = 6;

const EXTENDED: u8 = 0x80;
const NON_REFERENCE: u8 = 0x20;
const START: u8 = 0x10;
const PARTITION: u8 = 0x07;
const HAS_PICTURE_ID: u8 = 0x80;
const HAS_TL0: u8 = 0x40;
const HAS_LAYER: u8 = 0x20;
const HAS_KEY_INDEX: u8 = 0x10;
const LONG_PICTURE_ID: u8 = 0x80;
/// The layer and whether it refers to the base layer only: TID and Y.
const LAYER: u8 = 0xE0;
const KEY_INDEX: u8 = 0x1F;

/// A picture id as it was told: in 7 or 15 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureId {
    pub(crate) value: u16,
    pub(crate) bits: u32,
}

/// What the descriptor of a packet says. Reserved bits are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// N: no other frame refers to this one.
    pub(crate) non_reference: bool,
    /// S: a partition begins.
    pub(crate) start: bool,
    /// PID: which partition of the frame.
    pub(crate) partition: u8,
    pub(crate) picture_id: Option<PictureId>,
    /// TL0PICIDX, of 8 bits.
    pub(crate) tl0: Option<u8>,
    /// TID and Y, in the places that they have in their byte.
    pub(crate) layer: Option<u8>,
    /// KEYIDX, of 5 bits.
    pub(crate) key_index: Option<u8>,
}

impl Descriptor {
    /// Reads the descriptor that a payload begins with; how long it is.
    pub(crate) fn read(payload: &[u8]) -> Result<(Self, usize), PayloadError> {
        let (&first, mut rest) = payload.split_first().ok_or(PayloadError::Empty)?;
        let mut next = || {
            let (&byte, after) = rest.split_first().ok_or(PayloadError::CutOff)?;
            rest = after;
            Ok(byte)
        };
        let has = if first & EXTENDED == 0 { 0 } else { next()? };
        let mut picture_id = None;
        if has & HAS_PICTURE_ID != 0 {
            let byte = next()?;
            picture_id = Some(if byte & LONG_PICTURE_ID == 0 {
                PictureId { value: u16::from(byte), bits: 7 }
            } else {
                PictureId { value: u16::from_be_bytes([byte & !LONG_PICTURE_ID, next()?]), bits: 15 }
            });
        }
        let tl0 = if has & HAS_TL0 == 0 { None } else { Some(next()?) };
        let (mut layer, mut key_index) = (None, None);
        if has & (HAS_LAYER | HAS_KEY_INDEX) != 0 {
            let byte = next()?;
            layer = (has & HAS_LAYER != 0).then_some(byte & LAYER);
            key_index = (has & HAS_KEY_INDEX != 0).then_some(byte & KEY_INDEX);
        }
        let descriptor = Self {
            non_reference: first & NON_REFERENCE != 0,
            start: first & START != 0,
            partition: first & PARTITION,
            picture_id,
            tl0,
            layer,
            key_index,
        };
        Ok((descriptor, payload.len() - rest.len()))
    }

    /// Writes it, a picture id always in 15 bits; how long it is.
    pub(crate) fn write(&self, out: &mut [u8; MAX_DESCRIPTOR]) -> usize {
        let mut len = 2;
        let mut has = 0;
        if let Some(PictureId { value, .. }) = self.picture_id {
            has |= HAS_PICTURE_ID;
            let [high, low] = value.to_be_bytes();
            out[2] = high | LONG_PICTURE_ID;
            out[3] = low;
            len = 4;
        }
        if let Some(tl0) = self.tl0 {
            has |= HAS_TL0;
            out[len] = tl0;
            len += 1;
        }
        if self.layer.is_some() || self.key_index.is_some() {
            has |= if self.layer.is_some() { HAS_LAYER } else { 0 };
            has |= if self.key_index.is_some() { HAS_KEY_INDEX } else { 0 };
            out[len] = self.layer.unwrap_or(0) & LAYER | self.key_index.unwrap_or(0) & KEY_INDEX;
            len += 1;
        }
        out[0] = self.partition & PARTITION
            | if self.start { START } else { 0 }
            | if self.non_reference { NON_REFERENCE } else { 0 };
        if has == 0 {
            return 1;
        }
        out[0] |= EXTENDED;
        out[1] = has;
        len
    }
}

/// A payload, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload<'a> {
    pub(crate) descriptor: Descriptor,
    /// What it has of the frame: one byte at least.
    pub(crate) data: &'a [u8],
    /// Width and height, if a key frame begins with it.
    pub(crate) key_frame: Option<(u16, u16)>,
}

impl<'a> Payload<'a> {
    pub(crate) fn read(payload: &'a [u8]) -> Result<Self, PayloadError> {
        let (descriptor, len) = Descriptor::read(payload)?;
        let data = &payload[len..];
        if data.is_empty() {
            return Err(PayloadError::Empty);
        }
        let mut read = Self { descriptor, data, key_frame: None };
        if read.starts_frame() {
            read.key_frame = key_frame_size(data)?;
        }
        Ok(read)
    }

    /// Whether it is the first one of its frame.
    pub(crate) fn starts_frame(&self) -> bool {
        self.descriptor.start && self.descriptor.partition == 0
    }
}

/// Width and height in pixels of a key frame by its head; `None` of any other frame.
pub(crate) fn key_frame_size(frame: &[u8]) -> Result<Option<(u16, u16)>, PayloadError> {
    match *frame {
        [] => Err(PayloadError::Empty),
        [tag, ..] if tag & 1 != 0 => Ok(None),
        [_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] => {
            // The two bits above are a scale for whoever shows it, not a part of its size.
            let [width, height] = [[w0, w1], [h0, h1]].map(|bytes| u16::from_le_bytes(bytes) & 0x3FFF);
            if width == 0 || height == 0 {
                return Err(PayloadError::Contradiction);
            }
            Ok(Some((width, height)))
        }
        _ if frame.len() < 10 => Err(PayloadError::CutOff),
        _ => Err(PayloadError::Contradiction),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 10] = [0x10, 2, 0, 0x9D, 0x01, 0x2A, 0x80, 0x42, 0x68, 0x01];

    fn plain() -> Descriptor {
        Descriptor {
            non_reference: false,
            start: true,
            partition: 0,
            picture_id: None,
            tl0: None,
            layer: None,
            key_index: None,
        }
    }

    #[test]
    fn descriptors_are_read_as_the_rfc_draws_them() {
        let cases: [(&[u8], Descriptor); 7] = [
            (&[0x10], plain()),
            (&[0x21], Descriptor { non_reference: true, start: false, partition: 1, ..plain() }),
            (
                &[0x90, 0x80, 0x7F],
                Descriptor { picture_id: Some(PictureId { value: 127, bits: 7 }), ..plain() },
            ),
            (
                &[0x90, 0x80, 0x92, 0x34],
                Descriptor { picture_id: Some(PictureId { value: 0x1234, bits: 15 }), ..plain() },
            ),
            (&[0x90, 0x40, 0xFF], Descriptor { tl0: Some(255), ..plain() }),
            (&[0x90, 0x20, 0xBF], Descriptor { layer: Some(0xA0), ..plain() }),
            (
                &[0x90, 0xF0, 0x80, 0x05, 0x09, 0x7F],
                Descriptor {
                    picture_id: Some(PictureId { value: 5, bits: 15 }),
                    tl0: Some(9),
                    layer: Some(0x60),
                    key_index: Some(31),
                    ..plain()
                },
            ),
        ];
        for (bytes, descriptor) in cases {
            assert_eq!(Descriptor::read(bytes), Ok((descriptor, bytes.len())), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_descriptor_that_ends_early_is_cut_off_wherever_it_ends() {
        let whole = [0x90, 0xF0, 0x80, 0x05, 0x09, 0x7F];
        assert_eq!(Descriptor::read(&[]), Err(PayloadError::Empty));
        for len in 1..whole.len() {
            assert_eq!(Descriptor::read(&whole[..len]), Err(PayloadError::CutOff), "{len}");
        }
    }

    #[test]
    fn a_payload_without_a_picture_is_refused() {
        assert_eq!(Payload::read(&[0x10]), Err(PayloadError::Empty));
        assert_eq!(Payload::read(&[0x90, 0x80, 0x01]), Err(PayloadError::Empty));
    }

    #[test]
    fn a_key_frame_tells_its_size_without_its_scale() {
        let payload = [&[0x10][..], &KEY].concat();
        assert_eq!(Payload::read(&payload).unwrap().key_frame, Some((640, 360)));
    }

    #[test]
    fn only_the_first_packet_of_the_first_partition_begins_a_key_frame() {
        for descriptor in [0x00, 0x11, 0x07] {
            let payload = [&[descriptor][..], &KEY].concat();
            let read = Payload::read(&payload).unwrap();
            assert_eq!((read.key_frame, read.starts_frame()), (None, false), "{descriptor:02x}");
        }
        let mut delta = [&[0x10][..], &KEY].concat();
        delta[1] |= 1;
        let read = Payload::read(&delta).unwrap();
        assert_eq!((read.key_frame, read.starts_frame()), (None, true));
    }

    #[test]
    fn a_key_frame_without_its_head_is_refused() {
        assert_eq!(key_frame_size(&KEY[..9]), Err(PayloadError::CutOff));
        let mut wrong = KEY;
        wrong[5] = 0x2B;
        assert_eq!(key_frame_size(&wrong), Err(PayloadError::Contradiction));
        let mut empty = KEY;
        empty[6..8].fill(0);
        assert_eq!(key_frame_size(&empty), Err(PayloadError::Contradiction));
    }

    proptest! {
        /// What is written is read again, a picture id in 15 bits.
        #[test]
        fn descriptors_go_both_ways(
            non_reference: bool,
            start: bool,
            partition in 0_u8..8,
            picture_id in prop::option::of(0_u16..0x8000),
            tl0: Option<u8>,
            layer in prop::option::of(0_u8..8),
            key_index in prop::option::of(0_u8..32),
        ) {
            let descriptor = Descriptor {
                non_reference,
                start,
                partition,
                picture_id: picture_id.map(|value| PictureId { value, bits: 15 }),
                tl0,
                layer: layer.map(|layer| layer << 5),
                key_index,
            };
            let mut out = [0; MAX_DESCRIPTOR];
            let len = descriptor.write(&mut out);
            prop_assert_eq!(Descriptor::read(&out[..len]), Ok((descriptor, len)));
        }
    }
}
