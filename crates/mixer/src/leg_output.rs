//! One leg's way out: limiter, encoder, and the thinning out of silence. What is mixed for it is decided elsewhere.

use crate::codec::{CodecError, Encoder, EncoderProfile, MAX_PAYLOAD_BYTES};
use crate::config::MixerConfig;
use crate::frame::{EncodedFrame, FRAME_SAMPLES, Frame, TICK_MS, WideFrame};
use crate::limiter::Limiter;

/// A leg's personal mix on its way to the wire. It owns its encoder: an encoder shared by all who hear the same under the
/// same [`EncoderProfile`] would take this struct's place for them.
#[derive(Debug)]
pub(crate) struct LegOutput {
    encoder: Encoder,
    limiter: Limiter,
    frame: Box<Frame>,
    payload: Box<[u8; MAX_PAYLOAD_BYTES]>,
    sending: bool,
    pace: SilencePace,
    encode_errors: u64,
}

impl LegOutput {
    pub(crate) fn new(profile: &EncoderProfile, config: &MixerConfig) -> Result<Self, CodecError> {
        Ok(Self {
            encoder: Encoder::new(profile)?,
            limiter: Limiter::new(),
            frame: Box::new([0; FRAME_SAMPLES]),
            payload: Box::new([0; MAX_PAYLOAD_BYTES]),
            sending: true,
            pace: SilencePace::new(config),
            encode_errors: 0,
        })
    }

    pub(crate) const fn is_sending(&self) -> bool {
        self.sending
    }

    /// Off: nothing is encoded. On again: as a new stream, with its warm-up.
    pub(crate) fn set_sending(&mut self, sending: bool) {
        if sending && !self.sending {
            self.limiter.reset();
            self.pace.restart();
            // The reset of an encoder that could be made does not fail; if it did, the stream would begin with an old sound.
            let _ = self.encoder.reset();
        }
        self.sending = sending;
    }

    pub(crate) const fn encode_errors(&self) -> u64 {
        self.encode_errors
    }

    /// Encodes one tick of the mix, where `audible` tells that it is more than zeros. `None` in lasting silence.
    pub(crate) fn tick(&mut self, mix: &WideFrame, audible: bool) -> Option<EncodedFrame<'_>> {
        let silence = if audible || !self.limiter.is_silent() {
            self.limiter.process(mix, &mut self.frame);
            self.frame.iter().all(|&sample| sample == 0)
        } else {
            self.frame.fill(0);
            true
        };
        if !self.pace.wants(silence) {
            return None;
        }
        match self.encoder.encode(&self.frame, &mut self.payload) {
            Ok(bytes) => {
                Some(EncodedFrame { payload: &self.payload[..bytes], samples: FRAME_SAMPLES as u32, silence })
            }
            Err(_) => {
                self.encode_errors += 1;
                None
            }
        }
    }
}

/// Decides in which ticks a frame goes out.
#[derive(Debug)]
struct SilencePace {
    /// Ticks of silence in a row.
    silent: u32,
    /// Ticks in which everything goes out, still to come.
    warm_up: u32,
    warm_up_ticks: u32,
    after_ticks: u32,
    interval_ticks: u32,
}

impl SilencePace {
    fn new(config: &MixerConfig) -> Self {
        let warm_up_ticks = config.warm_up_ms.div_ceil(TICK_MS);
        Self {
            silent: 0,
            warm_up: warm_up_ticks,
            warm_up_ticks,
            after_ticks: config.silence_after_ms.div_ceil(TICK_MS),
            interval_ticks: config.silence_interval_ms.div_ceil(TICK_MS).max(1),
        }
    }

    const fn restart(&mut self) {
        self.silent = 0;
        self.warm_up = self.warm_up_ticks;
    }

    fn wants(&mut self, silence: bool) -> bool {
        let warming_up = self.warm_up > 0;
        self.warm_up = self.warm_up.saturating_sub(1);
        if !silence {
            self.silent = 0;
            return true;
        }
        self.silent = self.silent.saturating_add(1);
        let beyond = self.silent.saturating_sub(self.after_ticks);
        if warming_up {
            // The interval begins where the warm-up ends.
            self.silent = self.silent.min(self.after_ticks);
            return true;
        }
        beyond.is_multiple_of(self.interval_ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_thinned_out_after_the_warm_up() {
        let config = MixerConfig::default();
        let mut output = LegOutput::new(&config.encoder, &config).unwrap();
        let mut sent = Vec::new();
        for tick in 0..200 {
            if let Some(frame) = output.tick(&[0; FRAME_SAMPLES], false) {
                assert!(frame.silence && frame.samples == 960 && !frame.payload.is_empty());
                sent.push(tick);
            }
        }
        assert_eq!(sent[..50], (0..50).collect::<Vec<_>>(), "all of the first second");
        assert_eq!(sent[50..], [69, 89, 109, 129, 149, 169, 189], "then one in 400 ms");
    }

    #[test]
    fn after_speech_200_ms_of_silence_are_sent() {
        let config = MixerConfig { warm_up_ms: 0, ..MixerConfig::default() };
        let mut output = LegOutput::new(&config.encoder, &config).unwrap();
        for _ in 0..100 {
            output.tick(&[0; FRAME_SAMPLES], false);
        }
        let speech = core::array::from_fn(|n| (n as i32 % 100 - 50) * 100);
        assert!(!output.tick(&speech, true).unwrap().silence);
        assert!(
            !output.tick(&[0; FRAME_SAMPLES], false).unwrap().silence,
            "the limiter's delay is heard out"
        );
        let sent = (0..20).take_while(|_| output.tick(&[0; FRAME_SAMPLES], false).is_some()).count();
        assert_eq!(sent, 10);
    }

    #[test]
    fn sending_again_warms_up_again() {
        let config = MixerConfig::default();
        let mut output = LegOutput::new(&config.encoder, &config).unwrap();
        while output.tick(&[0; FRAME_SAMPLES], false).is_some() {}
        output.set_sending(false);
        assert!(!output.is_sending());
        output.set_sending(true);
        let sent = (0..100).take_while(|_| output.tick(&[0; FRAME_SAMPLES], false).is_some()).count();
        assert_eq!(sent, 50);
    }
}
