//! The first bytes of a VP8 frame (RFC 6386 section 9.1), as far as a decoder has to be kept from harm.

use crate::CodecError;

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// It begins anew, with a picture of that size.
    Key {
        /// Pixels a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// It changes what came before.
    Inter,
}

impl Header {
    /// Reads it.
    pub(super) fn read(frame: &[u8]) -> Result<Self, CodecError> {
        let Some(&[first, ..]) = frame.first_chunk::<3>() else {
            return Err(CodecError::Malformed("shorter than a VP8 frame tag"));
        };
        if first & 1 == 1 {
            return Ok(Self::Inter);
        }
        let Some(&[_, _, _, start_0, start_1, start_2, width_0, width_1, height_0, height_1]) =
            frame.first_chunk()
        else {
            return Err(CodecError::Malformed("shorter than the header of a VP8 key frame"));
        };
        if [start_0, start_1, start_2] != [0x9d, 0x01, 0x2a] {
            return Err(CodecError::Malformed("a VP8 key frame without its start code"));
        }
        // The two upper bits ask for scaling at the receiver, which nobody does.
        let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
        Ok(Self::Key { width: side(width_0, width_1), height: side(height_0, height_1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_tells_its_size_without_the_bits_for_scaling() {
        let frame = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81, 0];
        assert_eq!(Header::read(&frame), Ok(Header::Key { width: 640, height: 360 }));
        assert_eq!(Header::read(&[0x11, 0, 0]), Ok(Header::Inter));
    }

    #[test]
    fn short_and_foreign_frames_are_refused_by_name() {
        for frame in [&[][..], &[0x11, 0], &[0x10; 9], &[0x10, 0, 0, 0x9d, 0x01, 0x2b, 0, 1, 0, 1]] {
            assert!(matches!(Header::read(frame), Err(CodecError::Malformed(_))), "{frame:?}");
        }
    }
}
