//! One picture that is made: its encoder and its packets; and which codecs there are.
//!
//! What it shows never lives here.

use confocal_codecs::{
    CodecError, Encoded, EncoderConfig, PictureDecoder, PictureEncoder, Vp8Decoder, Vp8Encoder,
};
use confocal_pictures::{I420, Scaler};
use confocal_video::{PayloadState, PictureCodec, packetise};

use super::scene::Make;

/// What encoders reckon with; they go by timestamps.
const FRAME_RATE: u32 = 25;

/// The longest payload: with all that is before and behind it, a datagram of less than 1,280 bytes, which every way takes (RFC 8200
/// section 5).
const MAX_PAYLOAD: usize = 1_140;

/// Whether pictures can be made and read in that way of coding.
pub(crate) const fn can_make(codec: PictureCodec) -> bool {
    match codec {
        PictureCodec::Vp8 => true,
        PictureCodec::H264 => cfg!(feature = "h264"),
    }
}

/// A decoder.
///
/// # Errors
///
/// When the library makes none.
pub(super) fn decoder(codec: PictureCodec) -> Result<Box<dyn PictureDecoder>, CodecError> {
    match codec {
        #[cfg(feature = "h264")]
        PictureCodec::H264 => Ok(Box::new(confocal_codecs::H264Decoder::new()?)),
        _ => Ok(Box::new(Vp8Decoder::new()?)),
    }
}

fn encoder(codec: PictureCodec, config: EncoderConfig) -> Result<Box<dyn PictureEncoder>, CodecError> {
    match codec {
        #[cfg(feature = "h264")]
        PictureCodec::H264 => Ok(Box::new(confocal_codecs::H264Encoder::new(config)?)),
        _ => Ok(Box::new(Vp8Encoder::new(config)?)),
    }
}

/// A packet's number, its payload, and whether it is the last one of its picture.
pub(super) type Piece<'a> = (u16, &'a [u8], bool);

/// One of the pictures that are made of a scene.
pub(super) struct Output {
    pub(super) make: Make,
    encoder: Box<dyn PictureEncoder>,
    payload: PayloadState,
    /// The canvas in its size; `None` where it has that size.
    scaled: Option<I420>,
    sequence: u16,
    /// The next picture is a key frame.
    pub(super) key_frame: bool,
}

impl Output {
    /// Of a canvas of that size (width, height).
    ///
    /// # Errors
    ///
    /// When there is no encoder for it.
    pub(super) fn new(make: Make, canvas: (u32, u32)) -> Result<Self, CodecError> {
        let (width, height) = make.tier.size();
        let (width, height) = (u32::from(width), u32::from(height));
        let bitrate = u32::try_from(make.tier.bits()).unwrap_or(u32::MAX);
        let config = EncoderConfig { width, height, bitrate, frame_rate: FRAME_RATE };
        let mut output = Self {
            make,
            encoder: encoder(make.codec, config)?,
            payload: PayloadState::new(0),
            scaled: None,
            sequence: 0,
            key_frame: true,
        };
        output.fit(canvas)?;
        Ok(output)
    }

    /// The canvas has another size now.
    ///
    /// # Errors
    ///
    /// When no picture can be as large.
    pub(super) fn fit(&mut self, canvas: (u32, u32)) -> Result<(), CodecError> {
        let (width, height) = self.make.tier.size();
        let size = (u32::from(width), u32::from(height));
        self.scaled = if size == canvas { None } else { Some(I420::new(size.0, size.1)?) };
        Ok(())
    }

    /// Encodes the canvas; `timestamp` is of 90 kHz. Its packets are given to `emit`, none where it is left out for the bitrate's sake.
    ///
    /// # Errors
    ///
    /// When the library fails.
    pub(super) fn make(
        &mut self,
        canvas: &I420,
        timestamp: u32,
        scaler: &mut Scaler,
        mut emit: impl FnMut(Piece<'_>),
    ) -> Result<(), CodecError> {
        let picture = match &mut self.scaled {
            None => canvas,
            Some(scaled) => {
                let whole = scaled.rect();
                // Both rectangles are those of their pictures.
                let _ = scaler.scale(canvas, canvas.rect(), scaled, whole);
                scaled
            }
        };
        let Some(Encoded { data, .. }) = self.encoder.encode(picture, timestamp, self.key_frame)? else {
            return Ok(());
        };
        self.key_frame = false;
        let sequence = &mut self.sequence;
        packetise(self.make.codec, data, MAX_PAYLOAD, &mut self.payload, |payload, last| {
            emit((*sequence, payload, last));
            *sequence = sequence.wrapping_add(1);
        });
        Ok(())
    }
}
