//! One mix on its way to the wire: limiter, encoder, and the thinning out of silence. Who listens to it, and what is mixed
//! for it, is decided elsewhere.

use crate::codec::{CodecError, MAX_PAYLOAD_BYTES};
use crate::coder::Coder;
use crate::config::MixerConfig;
use crate::frame::{Codec, FRAME_SAMPLES, Frame, WideFrame};
use crate::limiter::Limiter;
use crate::pace::SilencePace;
use crate::profile::Profile;

/// An encoding that any number of legs listen to.
#[derive(Debug)]
pub(crate) struct Stream {
    coder: Coder,
    limiter: Limiter,
    pace: SilencePace,
    frame: Box<Frame>,
    payload: Box<[u8; MAX_PAYLOAD_BYTES]>,
    made: Made,
}

/// What a stream made of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Nothing: it is lasting silence.
    Nothing,
    /// A payload of so many bytes.
    Payload {
        bytes: usize,
        silence: bool,
        /// It is for all who listen, not only for those whose stream has just begun.
        for_all: bool,
    },
    /// libopus failed.
    Failed,
}

impl Stream {
    pub(crate) fn new(profile: &Profile, config: &MixerConfig) -> Result<Self, CodecError> {
        Ok(Self {
            coder: Coder::new(profile, &config.encoder)?,
            limiter: Limiter::new(),
            pace: SilencePace::new(config),
            frame: Box::new([0; FRAME_SAMPLES]),
            payload: Box::new([0; MAX_PAYLOAD_BYTES]),
            made: Made::Nothing,
        })
    }

    /// Begins anew, as if nothing had been encoded.
    pub(crate) fn restart(&mut self, profile: &Profile, config: &MixerConfig) {
        self.limiter.reset();
        self.pace.restart();
        self.coder.reset();
        self.configure(profile, config);
    }

    /// Goes on from where `other` is, so that who changes from it to this one hears no seam.
    pub(crate) fn continue_from(&mut self, other: &Self) {
        self.coder.continue_from(&other.coder);
        self.limiter = other.limiter;
        self.pace = other.pace;
    }

    /// Changes how it is encoded from the next tick on.
    pub(crate) fn configure(&mut self, profile: &Profile, config: &MixerConfig) {
        self.coder.configure(profile, &config.encoder);
    }

    pub(crate) const fn codec(&self) -> Codec {
        self.coder.codec()
    }

    /// Encodes one tick of the mix, where `audible` tells that it is more than zeros and `beginning` that someone's stream
    /// has just begun, so that silence is sent too.
    pub(crate) fn tick(&mut self, mix: &WideFrame, audible: bool, beginning: bool) {
        let silence = if audible || !self.limiter.is_silent() {
            self.limiter.process(mix, &mut self.frame);
            self.frame.iter().all(|&sample| sample == 0)
        } else {
            self.frame.fill(0);
            true
        };
        let for_all = self.pace.wants(silence);
        self.made = if for_all || beginning {
            match self.coder.encode(&self.frame, &mut self.payload) {
                Ok(bytes) => Made::Payload { bytes, silence, for_all },
                Err(_) => Made::Failed,
            }
        } else {
            Made::Nothing
        };
    }

    /// Nothing is heard on it any more.
    pub(crate) fn is_silent(&self) -> bool {
        self.limiter.is_silent() && !matches!(self.made, Made::Payload { silence: false, .. })
    }

    /// What the last tick made.
    pub(crate) const fn made(&self) -> Made {
        self.made
    }

    /// The first bytes of what the last tick made.
    pub(crate) fn payload(&self, bytes: usize) -> &[u8] {
        &self.payload[..bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_speech_200_ms_of_silence_are_sent_and_then_one_frame_in_400_ms() {
        let config = MixerConfig::default();
        let mut stream = Stream::new(&Profile::default(), &config).unwrap();
        let speech = core::array::from_fn(|n| (n as i32 % 100 - 50) * 100);
        let silence = [0; FRAME_SAMPLES];
        stream.tick(&speech, true, false);
        assert!(matches!(stream.made(), Made::Payload { silence: false, for_all: true, .. }));
        stream.tick(&silence, false, false);
        assert!(
            matches!(stream.made(), Made::Payload { silence: false, .. }),
            "the limiter's delay is heard out"
        );
        let mut sent = Vec::new();
        for tick in 0..75 {
            stream.tick(&silence, false, false);
            if let Made::Payload { silence, for_all, bytes } = stream.made() {
                assert!(silence && for_all && bytes > 0);
                sent.push(tick);
            }
        }
        assert_eq!(sent[..10], (0..10).collect::<Vec<_>>());
        assert_eq!(sent[10..], [29, 49, 69]);
        stream.tick(&silence, false, true);
        assert!(matches!(stream.made(), Made::Payload { for_all: false, .. }), "for a newcomer alone");
    }
}
