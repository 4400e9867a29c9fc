//! The encoder of one stream, of whatever codec its profile names. What is encoded, and when, is decided elsewhere.

use crate::codec::{CodecError, Encoder, EncoderSettings, MAX_PAYLOAD_BYTES, StereoEncoder};
use crate::frame::{Codec, FRAME_SAMPLES, Frame};
use crate::g711::{G711Encoder, Law};
use crate::profile::{Channels, Profile};

/// Encodes frames of one channel by a profile that can change.
#[derive(Debug)]
pub(crate) struct Coder {
    codec: Codec,
    /// It takes 32 kB, which a stream that is G.711 or of two channels for good is spared.
    opus: Option<Encoder>,
    g711: G711Encoder,
}

impl Coder {
    /// An encoder for a profile; one of Opus can change to all codecs, one of G.711 or of two channels not to Opus.
    pub(crate) fn new(profile: &Profile, usual: &EncoderSettings) -> Result<Self, CodecError> {
        let opus = match (profile.codec, profile.channels) {
            (Codec::Opus, Channels::Mono) => Some(Encoder::new(&profile.settings(usual))?),
            (Codec::Opus, Channels::Stereo) | (Codec::Pcmu | Codec::Pcma, _) => None,
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

    /// Goes on from where `other` is, if it can; returns whether it could.
    pub(crate) fn continue_from(&mut self, other: &Self) -> bool {
        match (other.codec, &mut self.opus, &other.opus) {
            (Codec::Opus, Some(own), Some(other)) => own.copy_from(other),
            (Codec::Opus, _, _) => return false,
            (Codec::Pcmu | Codec::Pcma, _, _) => self.g711.clone_from(&other.g711),
        }
        self.codec = other.codec;
        true
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

/// Encodes frames of two channels by Opus.
#[derive(Debug)]
pub(crate) struct StereoCoder {
    opus: StereoEncoder,
    /// Left and right.
    pairs: Box<[[i16; 2]; FRAME_SAMPLES]>,
}

impl StereoCoder {
    pub(crate) fn new(profile: &Profile, usual: &EncoderSettings) -> Result<Self, CodecError> {
        let opus = StereoEncoder::new(&profile.settings(usual))?;
        Ok(Self { opus, pairs: Box::new([[0; 2]; FRAME_SAMPLES]) })
    }

    /// Forgets what was encoded.
    pub(crate) fn reset(&mut self) {
        // As of one channel.
        let _ = self.opus.reset();
    }

    /// Changes how it is encoded from the next frame on.
    pub(crate) fn configure(&mut self, profile: &Profile, usual: &EncoderSettings) {
        // As of one channel.
        let _ = self.opus.configure(&profile.settings(usual));
    }

    /// Goes on from where `other` is.
    pub(crate) fn continue_from(&mut self, other: &Self) {
        self.opus.copy_from(&other.opus);
    }

    /// Encodes one tick of half the sum and half the difference; returns the length of the payload in bytes.
    pub(crate) fn encode(
        &mut self,
        mid: &Frame,
        side: &Frame,
        payload: &mut [u8; MAX_PAYLOAD_BYTES],
    ) -> Result<usize, CodecError> {
        for ((pair, &mid), &side) in self.pairs.iter_mut().zip(mid).zip(side) {
            // The limiter has seen to it that neither is too loud; it is out by one for rounding at the most.
            *pair = [mid.saturating_add(side), mid.saturating_sub(side)];
        }
        self.opus.encode(&*self.pairs, payload)
    }
}
