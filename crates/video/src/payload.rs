//! What a payload says of its frame, whichever the codec. How a frame is made of payloads never lives here.

use thiserror::Error;

use crate::{PictureCodec, h264, vp8};

/// Why a payload can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There are no bytes of a picture in it.
    #[error("a payload of no picture")]
    Empty,
    /// It ends before something that it says it has.
    #[error("a payload that is cut off")]
    CutOff,
    /// A kind of packet that was not agreed on (STAP-B, MTAP, FU-B; RFC 6184 section 5.4), or that has no meaning.
    #[error("a payload of kind {0}, which is not taken")]
    Kind(u8),
    /// A fragment that says that it is the first and the last one (RFC 6184 section 5.8), or something in an aggregate that may not be.
    #[error("a payload that contradicts itself")]
    Contradiction,
}

/// What one payload says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Whether a key frame begins with it. Of H.264 that is the packet with the sequence parameter set, or else the first slice of an
    /// IDR picture: what may come before (a delimiter, SEI) is of no use without.
    pub key_frame_starts: bool,
    /// Width and height in pixels, where this payload tells them.
    pub size: Option<(u16, u16)>,
}

/// What a payload says of its frame.
///
/// # Errors
///
/// [`PayloadError`] when it can't be taken; a decoder must not see it.
pub fn glance(codec: PictureCodec, payload: &[u8]) -> Result<Glance, PayloadError> {
    match codec {
        PictureCodec::Vp8 => {
            let read = vp8::Payload::read(payload)?;
            Ok(Glance { key_frame_starts: read.key_frame.is_some(), size: read.key_frame })
        }
        PictureCodec::H264 => {
            let (_, contents) = h264::Payload::read(payload)?;
            Ok(Glance { key_frame_starts: contents.key_frame_starts(), size: contents.size })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_finds_key_frames_and_their_sizes() {
        let key = [0x10, 0x10, 2, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01];
        let found = Glance { key_frame_starts: true, size: Some((640, 360)) };
        assert_eq!(glance(PictureCodec::Vp8, &key), Ok(found));
        assert_eq!(glance(PictureCodec::Vp8, &[0x10, 1]), Ok(Glance::default()));
        let found = Glance { key_frame_starts: true, size: None };
        assert_eq!(glance(PictureCodec::H264, &[0x65, 0x88]), Ok(found));
        assert_eq!(glance(PictureCodec::H264, &[0x60, 1]), Err(PayloadError::Kind(0)));
    }
}
