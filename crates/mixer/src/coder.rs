//! The encoder of one stream, of whatever codec its profile names. What is encoded, and when, is decided elsewhere.

use crate::codec::{CodecError, Encoder, EncoderSettings, MAX_PAYLOAD_BYTES};
use crate::frame::{Codec, Frame};
use crate::g711::{G711Encoder, Law};
use crate::profile::Profile;

/// Encodes frames by a profile that can change.
#[derive(Debug)]
pub(crate) struct Coder {
    codec: Codec,
    /// It takes 100 kB, which a stream that is G.711 for good is spared.
    opus: Option<Encoder>,
    g711: G711Encoder,
}

impl Coder {
    /// An encoder for a profile; one of Opus can change to all codecs, one of G.711 not to Opus.
    pub(crate) fn new(profile: &Profile, usual: &EncoderSettings) -> Result<Self, CodecError> {
        let opus = match profile.codec {
            Codec::Opus => Some(Encoder::new(&profile.settings(usual))?),
            Codec::Pcmu | Codec::Pcma => None,
        };
        Ok(Self { codec: profile.codec, opus, g711: G711Encoder::new() })
    }

    /// Forgets what was encoded.
    pub(crate) fn reset(&mut self) {
        if let Some(opus) = &mut self.opus {
            // The reset of an encoder does not fail; if it did, the stream would begin with an old sound.
            let _ = opus.reset();
        }
        self.g711 = G711Encoder::new();
    }

    /// Changes how it is encoded from the next frame on.
    pub(crate) fn configure(&mut self, profile: &Profile, usual: &EncoderSettings) {
        if self.codec != profile.codec {
            self.codec = profile.codec;
            self.reset();
        }
        if let (Codec::Opus, Some(opus)) = (self.codec, &mut self.opus) {
            // Settings that made an encoder before do not fail.
            let _ = opus.configure(&profile.settings(usual));
        }
    }

    /// Goes on from where `other` is, if it can.
    pub(crate) fn continue_from(&mut self, other: &Self) {
        match (other.codec, &mut self.opus, &other.opus) {
            (Codec::Opus, Some(own), Some(other)) => own.copy_from(other),
            (Codec::Opus, _, _) => return,
            (Codec::Pcmu | Codec::Pcma, _, _) => self.g711.clone_from(&other.g711),
        }
        self.codec = other.codec;
    }

    /// Encodes one tick; returns the length of the payload in bytes.
    pub(crate) fn encode(
        &mut self,
        frame: &Frame,
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        match (self.codec, &mut self.opus) {
            (Codec::Opus, Some(opus)) => opus.encode(frame, payload),
            // It is never told to be Opus without having it.
            (Codec::Opus, None) => Ok(0),
            (Codec::Pcmu, _) => Ok(self.g711.encode(Law::Mu, frame, payload)),
            (Codec::Pcma, _) => Ok(self.g711.encode(Law::A, frame, payload)),
        }
    }

    pub(crate) const fn codec(&self) -> Codec {
        self.codec
    }
}
