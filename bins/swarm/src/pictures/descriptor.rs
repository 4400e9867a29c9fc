//! What a packet of VP8 says of itself (RFC 7741 section 4.2): written anew here, so that what is measured does not judge itself.

/// A payload that has no descriptor, or nothing behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payload without a descriptor of VP8 or without a picture")]
pub struct NoDescriptor;

/// What the descriptor of a payload says, as far as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// A frame begins: S, with partition 0.
    pub starts: bool,
    /// The picture id and of how many bits it is, 7 or 15.
    pub picture_id: Option<(u16, u32)>,
    /// A key frame begins (RFC 6386 section 9.1: the inverse of the first bit).
    pub key_frame: bool,
}

impl Descriptor {
    /// Reads a payload; what follows the descriptor comes beside it.
    ///
    /// # Errors
    ///
    /// [`NoDescriptor`] when it ends too soon.
    pub fn read(payload: &[u8]) -> Result<(Self, &[u8]), NoDescriptor> {
        let mut at = 0;
        let mut next = || {
            let byte = payload.get(at).copied().ok_or(NoDescriptor);
            at += 1;
            byte
        };
        let first = next()?;
        let extensions = if first & 0x80 == 0 { 0 } else { next()? };
        let mut picture_id = None;
        if extensions & 0x80 != 0 {
            let high = next()?;
            picture_id = Some(if high & 0x80 == 0 {
                (u16::from(high), 7)
            } else {
                (u16::from_be_bytes([high & 0x7f, next()?]), 15)
            });
        }
        // TL0PICIDX, and the byte that TID, Y and KEYIDX share.
        for present in [extensions & 0x40 != 0, extensions & 0x30 != 0] {
            if present {
                next()?;
            }
        }
        let data = payload.get(at..).filter(|data| !data.is_empty()).ok_or(NoDescriptor)?;
        let starts = first & 0x17 == 0x10;
        Ok((Self { starts, picture_id, key_frame: starts && data[0] & 1 == 0 }, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_of_all_lengths_are_read() {
        let plain = Descriptor { starts: true, picture_id: None, key_frame: true };
        assert_eq!(Descriptor::read(&[0x10, 0x10]), Ok((plain, &[0x10][..])));
        let long = Descriptor { starts: true, picture_id: Some((0x1234, 15)), key_frame: false };
        let bytes = [0x90, 0xf0, 0x92, 0x34, 9, 0x20, 0x11, 7];
        assert_eq!(Descriptor::read(&bytes), Ok((long, &[0x11, 7][..])));
        let short = Descriptor { starts: false, picture_id: Some((0x12, 7)), key_frame: false };
        assert_eq!(Descriptor::read(&[0x80, 0x80, 0x12, 0x10]), Ok((short, &[0x10][..])));
        // The second partition of a frame begins none.
        assert!(!Descriptor::read(&[0x11, 0]).expect("a payload").0.starts);
    }

    #[test]
    fn what_is_cut_off_is_none() {
        let bytes = [0x90, 0xf0, 0x92, 0x34, 9, 0x20, 0x11];
        for length in 0..bytes.len() {
            assert_eq!(Descriptor::read(&bytes[..length]), Err(NoDescriptor), "{length}");
        }
    }
}
