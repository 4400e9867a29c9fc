//! One person's pictures: packets to frames to the last picture.
//!
//! Where it is shown never lives here.

use std::time::Duration;

use confocal_codecs::{CodecError, PictureDecoder};
use confocal_pictures::I420;
use confocal_video::{Assembler, PictureCodec, PicturePacket};
use tracing::debug;

use super::output::decoder;

/// What is known of one whose pictures are in the scene.
pub(super) struct Person {
    pub(super) codec: PictureCodec,
    assembler: Assembler,
    decoder: Box<dyn PictureDecoder>,
    picture: Option<I420>,
    /// Counts pictures.
    number: u64,
    /// The timestamp of the last one, of 90 kHz.
    timestamp: u32,
    /// Frames are passed over until the next key frame.
    broken: bool,
}

impl Person {
    /// Begins with the next key frame.
    ///
    /// # Errors
    ///
    /// When there is no decoder for it.
    pub(super) fn new(codec: PictureCodec) -> Result<Self, CodecError> {
        Ok(Self {
            codec,
            assembler: Assembler::new(codec),
            decoder: decoder(codec)?,
            picture: None,
            number: 0,
            timestamp: 0,
            broken: false,
        })
    }

    pub(super) fn push(&mut self, packet: &PicturePacket<'_>) {
        if let Err(refused) = self.assembler.push(packet) {
            // Of one that is repeated there is nothing to say; the others are told by what is missing.
            debug!(%refused, "a packet of a picture is not taken");
        }
    }

    /// Decodes what is whole by now; whether nothing more can be decoded before a key frame comes.
    pub(super) fn advance(&mut self, now: Duration) -> bool {
        while let Some(frame) = self.assembler.poll(now) {
            if self.broken && !frame.key_frame {
                continue;
            }
            let picture = match &mut self.picture {
                Some(picture) => picture,
                // It takes the size of what is decoded.
                None => match I420::new(16, 16) {
                    Ok(picture) => self.picture.insert(picture),
                    Err(_) => return false,
                },
            };
            match self.decoder.decode(frame.data, picture) {
                Ok(shown) => {
                    self.broken = false;
                    if shown {
                        self.number += 1;
                        self.timestamp = frame.timestamp;
                    }
                }
                Err(error) => {
                    debug!(%error, "a picture could not be decoded");
                    self.broken = true;
                }
            }
        }
        self.broken || self.assembler.key_frame_wanted()
    }

    /// The last picture, and its number.
    pub(super) fn picture(&self) -> Option<(&I420, u64)> {
        self.picture.as_ref().filter(|_| self.number > 0).map(|picture| (picture, self.number))
    }

    /// The timestamp of the last picture.
    pub(super) fn timestamp(&self) -> Option<u32> {
        (self.number > 0).then_some(self.timestamp)
    }
}
