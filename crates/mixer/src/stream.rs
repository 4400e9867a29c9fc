//! One mix on its way to the wire: limiter, encoder, and the thinning out of silence. Who listens to it, and what is mixed
//! for it, is decided elsewhere.

use crate::codec::{CodecError, MAX_PAYLOAD_BYTES};
use crate::coder::{Coder, StereoCoder};
use crate::config::MixerConfig;
use crate::frame::{Codec, FRAME_SAMPLES, Frame, WideFrame};
use crate::limiter::{Limiter, Pair, SidePending};
use crate::pace::SilencePace;
use crate::profile::{Channels, Profile};

/// The difference of two channels that are alike.
const ALIKE: WideFrame = [0; FRAME_SAMPLES];

/// An encoding that any number of legs listen to.
#[derive(Debug)]
pub(crate) struct Stream {
    coder: Coder,
    /// For two channels, where it may have two.
    stereo: Option<Box<Stereo>>,
    /// It has two.
    is_stereo: bool,
    limiter: Limiter,
    pace: SilencePace,
    frame: Box<Frame>,
    payload: Box<[u8; MAX_PAYLOAD_BYTES]>,
    made: Made,
}

/// What a stream of two channels has besides.
#[derive(Debug)]
struct Stereo {
    coder: StereoCoder,
    pending: SidePending,
    frame: Frame,
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
        let mut stream = Self {
            coder: Coder::new(profile, &config.encoder)?,
            stereo: None,
            is_stereo: false,
            limiter: Limiter::new(),
            pace: SilencePace::new(config),
            frame: Box::new([0; FRAME_SAMPLES]),
            payload: Box::new([0; MAX_PAYLOAD_BYTES]),
            made: Made::Nothing,
        };
        if profile.channels == Channels::Stereo {
            stream.allow_stereo(config)?;
            stream.is_stereo = true;
        }
        Ok(stream)
    }

    /// From now on it may have two channels. Memory is allocated here.
    pub(crate) fn allow_stereo(&mut self, config: &MixerConfig) -> Result<(), CodecError> {
        if self.stereo.is_none() {
            let profile = Profile { channels: Channels::Stereo, ..Profile::default() };
            let coder = StereoCoder::new(&profile, &config.encoder)?;
            let (pending, frame) = (SidePending::new(), [0; FRAME_SAMPLES]);
            self.stereo = Some(Box::new(Stereo { coder, pending, frame }));
        }
        Ok(())
    }

    /// It needs no second channel any more, unless it has one.
    pub(crate) fn forbid_stereo(&mut self) {
        if !self.is_stereo {
            self.stereo = None;
        }
    }

    /// Begins anew, as if nothing had been encoded.
    pub(crate) fn restart(&mut self, profile: &Profile, config: &MixerConfig) {
        self.limiter.reset();
        self.pace.restart();
        self.reset();
        self.configure(profile, config);
    }

    /// Goes on from where `other` is, so that who changes from it to this one hears no seam, and by this profile. Where the codec is
    /// another, or the number of channels, the encoder begins anew.
    pub(crate) fn continue_from(&mut self, other: &Self, profile: &Profile, config: &MixerConfig) {
        self.limiter = other.limiter;
        self.pace = other.pace;
        match (&mut self.stereo, &other.stereo) {
            (Some(own), Some(theirs)) if other.is_stereo => {
                own.coder.continue_from(&theirs.coder);
                own.pending = theirs.pending;
                self.is_stereo = true;
            }
            _ if !other.is_stereo && self.coder.continue_from(&other.coder) => self.is_stereo = false,
            _ => self.reset(),
        }
        self.configure(profile, config);
    }

    /// Forgets what was encoded.
    fn reset(&mut self) {
        self.coder.reset();
        if let Some(stereo) = &mut self.stereo {
            stereo.reset();
        }
    }

    /// Changes how it is encoded from the next tick on.
    pub(crate) fn configure(&mut self, profile: &Profile, config: &MixerConfig) {
        let before = core::mem::replace(&mut self.is_stereo, false);
        if let (Channels::Stereo, Some(stereo)) = (profile.channels, &mut self.stereo) {
            self.is_stereo = true;
            if !before {
                stereo.reset();
            }
            stereo.coder.configure(profile, &config.encoder);
            return;
        }
        if before {
            self.coder.reset();
        }
        self.coder.configure(profile, &config.encoder);
    }

    pub(crate) const fn codec(&self) -> Codec {
        if self.is_stereo { Codec::Opus } else { self.coder.codec() }
    }

    /// Encodes one tick of the mix, where `side` is half the difference of its channels, if it has two, `audible` tells that it is
    /// more than zeros and `beginning` that someone's stream has just begun, so that silence is sent too.
    pub(crate) fn tick(&mut self, mix: &WideFrame, side: Option<&WideFrame>, audible: bool, beginning: bool) {
        let silence = if audible || !self.has_died_away() {
            !self.limit(mix, side)
        } else {
            self.frame.fill(0);
            if let Some(stereo) = &mut self.stereo {
                stereo.frame.fill(0);
            }
            true
        };
        let for_all = self.pace.wants(silence);
        self.made = if for_all || beginning {
            match self.encode() {
                Ok(bytes) => Made::Payload { bytes, silence, for_all },
                Err(_) => Made::Failed,
            }
        } else {
            Made::Nothing
        };
    }

    /// Takes one tick through the limiter. Returns whether anything comes out.
    fn limit(&mut self, mix: &WideFrame, side: Option<&WideFrame>) -> bool {
        let sounds = |frame: &Frame| frame.iter().any(|&sample| sample != 0);
        match &mut self.stereo {
            Some(stereo) if self.is_stereo => {
                let input = Pair { mid: mix, side: side.unwrap_or(&ALIKE) };
                let output = Pair { mid: &mut *self.frame, side: &mut stereo.frame };
                self.limiter.process_pair(input, &mut stereo.pending, output);
                sounds(&self.frame) || sounds(&stereo.frame)
            }
            _ => {
                self.limiter.process(mix, &mut self.frame);
                sounds(&self.frame)
            }
        }
    }

    fn encode(&mut self) -> Result<usize, CodecError> {
        match &mut self.stereo {
            Some(stereo) if self.is_stereo => {
                stereo.coder.encode(&self.frame, &stereo.frame, &mut self.payload)
            }
            _ => self.coder.encode(&self.frame, &mut self.payload),
        }
    }

    /// All that came in has come out.
    fn has_died_away(&self) -> bool {
        let side = self.stereo.as_ref().filter(|_| self.is_stereo);
        self.limiter.is_silent() && side.is_none_or(|stereo| stereo.pending.is_silent())
    }

    /// Nothing is heard on it any more.
    pub(crate) fn is_silent(&self) -> bool {
        self.has_died_away() && !matches!(self.made, Made::Payload { silence: false, .. })
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

impl Stereo {
    fn reset(&mut self) {
        self.coder.reset();
        self.pending = SidePending::new();
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
        stream.tick(&speech, None, true, false);
        assert!(matches!(stream.made(), Made::Payload { silence: false, for_all: true, .. }));
        stream.tick(&silence, None, false, false);
        assert!(
            matches!(stream.made(), Made::Payload { silence: false, .. }),
            "the limiter's delay is heard out"
        );
        let mut sent = Vec::new();
        for tick in 0..75 {
            stream.tick(&silence, None, false, false);
            if let Made::Payload { silence, for_all, bytes } = stream.made() {
                assert!(silence && for_all && bytes > 0);
                sent.push(tick);
            }
        }
        assert_eq!(sent[..10], (0..10).collect::<Vec<_>>());
        assert_eq!(sent[10..], [29, 49, 69]);
        stream.tick(&silence, None, false, true);
        assert!(matches!(stream.made(), Made::Payload { for_all: false, .. }), "for a newcomer alone");
    }
}
