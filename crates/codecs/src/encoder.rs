//! What every encoder and decoder has in common: its settings, what it gives, and time as encoders want it.

use confocal_pictures::{I420, check_size};

use crate::CodecError;

/// Hz of picture timestamps (RFC 7741, RFC 6184).
pub(crate) const CLOCK_RATE: u32 = 90_000;

/// What an encoder is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Pixels a row, even.
    pub width: u32,
    /// Rows, even.
    pub height: u32,
    /// What it keeps to, bit/s: 10 kbit/s to 10 Mbit/s.
    pub bitrate: u32,
    /// How many pictures a second it is given, about: 1 to 60.
    pub frame_rate: u32,
}

impl EncoderConfig {
    /// Whether all of it is within bounds.
    pub(crate) const fn check(&self) -> Result<(), CodecError> {
        if let Err(bad) = check_size(self.width, self.height) {
            return Err(CodecError::Size(bad));
        }
        if self.frame_rate == 0 || self.frame_rate > 60 {
            return Err(CodecError::FrameRate(self.frame_rate));
        }
        check_bitrate(self.bitrate)
    }

    /// Whether a picture is one of these.
    pub(crate) fn check_picture(&self, picture: &I420) -> Result<(), CodecError> {
        let wanted = (self.width, self.height);
        let got = picture.size();
        if wanted == got { Ok(()) } else { Err(CodecError::OtherSize { wanted, got }) }
    }
}

/// Whether an encoder can be told to keep to that. Of more openh264 would make a stream of another level (14 Mbit/s, table A-1).
pub(crate) const fn check_bitrate(bits: u32) -> Result<(), CodecError> {
    if bits < 10_000 || bits > 10_000_000 { Err(CodecError::Bitrate(bits)) } else { Ok(()) }
}

/// A picture that was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// The whole frame: VP8 as it is, H.264 as Annex B has it (NAL units behind start codes). It stays in the encoder.
    pub data: &'a [u8],
    /// A decoder can begin with it.
    pub key_frame: bool,
}

/// Makes frames of pictures.
pub trait PictureEncoder: Send {
    /// Encodes the next picture. `timestamp` is in 90 kHz, and may wrap. The first frame is a key frame, others are only where
    /// `key_frame` asks for one. Nothing comes back where a picture is left out so that the bitrate is kept; never where a key frame
    /// was asked for.
    ///
    /// # Errors
    ///
    /// [`CodecError::OtherSize`] for a picture of another size; [`CodecError::Encode`] if the library fails.
    fn encode(
        &mut self,
        picture: &I420,
        timestamp: u32,
        key_frame: bool,
    ) -> Result<Option<Encoded<'_>>, CodecError>;

    /// Keeps to another bitrate from the next picture on, bit/s. No key frame is needed.
    ///
    /// # Errors
    ///
    /// [`CodecError::Bitrate`] if it is out of bounds; [`CodecError::Setup`] if the library refuses. The old one is kept to then.
    fn set_bitrate(&mut self, bits: u32) -> Result<(), CodecError>;
}

/// Makes pictures of frames.
pub trait PictureDecoder: Send {
    /// Decodes the next frame. Says whether there is a picture to show, which is then in `into`; that takes its size, and allocates
    /// where the size is another one. Odd sizes lose a row or a column.
    ///
    /// # Errors
    ///
    /// [`CodecError::KeyFrameWanted`] where there is nothing to begin with; [`CodecError::Size`], [`CodecError::Malformed`],
    /// [`CodecError::Decode`] for what can't be decoded, and then nothing can until the next key frame. `into` is as it was.
    fn decode(&mut self, data: &[u8], into: &mut I420) -> Result<bool, CodecError>;
}

/// Timestamps that never wrap and always grow, which encoders want.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    last: Option<u32>,
    now: i64,
}

impl Timeline {
    /// The longest step, so that no jump of timestamps upsets a rate control: ten seconds.
    const LONGEST: i32 = 10 * CLOCK_RATE as i32;

    /// The next moment, in 90 kHz since the first one.
    pub(crate) fn next(&mut self, timestamp: u32) -> i64 {
        if let Some(last) = self.last {
            let step = timestamp.wrapping_sub(last).cast_signed();
            self.now += i64::from(step.clamp(1, Self::LONGEST));
        }
        self.last = Some(timestamp);
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_over_the_wrap_and_never_back() {
        let mut time = Timeline::default();
        let given = [u32::MAX - 3599, 0, 3600, 3600, 0, u32::MAX / 4];
        let got: Vec<_> = given.into_iter().map(|at| time.next(at)).collect();
        assert_eq!(got, [0, 3600, 7200, 7201, 7202, 907_202]);
    }
}
