//! H.264 decoding. Only NAL units of ordinary pictures reach openh264, and no parameter set of a picture that is too large.

use confocal_pictures::I420;
use openh264::decoder::Decoder;
use openh264::formats::YUVSource as _;

use super::nal::{IDR_SLICE, PPS, SLICE, SPS, kind, units};
use super::sps::coded_size;
use crate::planes::{Planes, check_coded_size, side};
use crate::{CodecError, Fault, MAX_FRAME_BYTES, PictureDecoder};

/// An H.264 decoder. It takes 5 MB at 320x180, 7 MB at 640x360, 12 MB at 1280x720.
pub struct H264Decoder {
    decoder: Decoder,
    /// A key frame was decoded, and all that followed it.
    sound: bool,
    /// The NAL units that openh264 is given.
    passed: Vec<u8>,
}

impl H264Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    ///
    /// [`CodecError::Setup`] if openh264 makes none.
    pub fn new() -> Result<Self, CodecError> {
        let decoder = Decoder::new().map_err(|error| CodecError::Setup(fault(&error)))?;
        Ok(Self { decoder, sound: false, passed: Vec::new() })
    }

    /// Puts together what openh264 is given: no scalable layers, no data partitions, nothing that is not needed. Says whether the
    /// frame is a key frame, or nothing if there is no picture in it.
    fn pass(&mut self, data: &[u8]) -> Result<Option<bool>, CodecError> {
        self.passed.clear();
        let mut key_frame = None;
        for unit in units(data) {
            match kind(unit) {
                SPS => {
                    let (width, height) = coded_size(unit)?;
                    check_coded_size(width, height)?;
                }
                IDR_SLICE => key_frame = Some(true),
                SLICE => key_frame = key_frame.or(Some(false)),
                PPS => {}
                _ => continue,
            }
            self.passed.extend_from_slice(&[0, 0, 0, 1]);
            self.passed.extend_from_slice(unit);
        }
        Ok(key_frame)
    }
}

impl PictureDecoder for H264Decoder {
    fn decode(&mut self, data: &[u8], into: &mut I420) -> Result<bool, CodecError> {
        let sound = self.sound;
        self.sound = false;
        if data.len() > MAX_FRAME_BYTES {
            return Err(CodecError::Malformed("longer than any frame"));
        }
        let key_frame = self.pass(data)?;
        if self.passed.is_empty() {
            return Err(CodecError::Malformed("no NAL unit of a picture"));
        }
        if key_frame == Some(false) && !sound {
            return Err(CodecError::KeyFrameWanted);
        }
        let decoded = self.decoder.decode(&self.passed).map_err(|error| CodecError::Decode(fault(&error)))?;
        let Some(decoded) = decoded else {
            // Parameter sets alone show nothing, and change nothing.
            self.sound = if key_frame.is_some() { true } else { sound };
            return Ok(false);
        };
        let (width, height) = decoded.dimensions();
        check_coded_size(side(width), side(height))?;
        let (y, u, v) = decoded.strides();
        Planes { width, height, planes: [(decoded.y(), y), (decoded.u(), u), (decoded.v(), v)] }
            .copy_into(into)?;
        self.sound = true;
        Ok(true)
    }
}

/// The code that openh264 gave; its wrapper keeps the state of a decoder that failed to itself.
pub(super) const fn fault(error: &openh264::Error) -> Fault {
    match error.native_code() {
        0 => Fault::Unexpected("a decoding error"),
        code => Fault::OpenH264(code),
    }
}
