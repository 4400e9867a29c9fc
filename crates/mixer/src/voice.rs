//! The decoded sound of one sender, made seamless: packets decoded, holes concealed and faded, silence eased into.
//! When what is due never lives here.

use crate::codec::{CodecError, Concealment, Decoder, MAX_PACKET_SAMPLES, packet_has_copy};
use crate::frame::{Codec, FRAME_SAMPLES};
use crate::g711::{G711Decoder, Law};
use crate::level::{LevelDbov, LevelMeter};
use crate::pcm_queue::PcmQueue;
use crate::sound::Sound;
use crate::stereo::Stereo;

/// Made-up sound keeps its loudness for so long, 60 ms, and then fades until [`CONCEAL_END`].
const CONCEAL_FADE: usize = 2880;

/// From here on, 100 ms, made-up sound is silence.
const CONCEAL_END: usize = 4800;

/// The length of a packet that can't be concealed at its own length, as the codec wants whole 2.5 ms.
const PIECE: usize = 120;

/// Sound that begins in the midst of a stream is faded in over 2.5 ms.
const FADE_IN: usize = 120;

/// Sound below this level can be left out unheard.
pub(crate) const QUIET: LevelDbov = LevelDbov(-50);

/// A decoder and the sound it has put out that waits for its tick.
#[derive(Debug)]
pub(crate) struct Voice {
    decoder: Decoder,
    /// In its place, for a sender of two channels.
    stereo: Option<Box<Stereo>>,
    g711: G711Decoder,
    /// What was decoded last.
    codec: Codec,
    queue: PcmQueue,
    /// Samples made up since the last packet that was decoded, and how.
    concealed: usize,
    how: Concealment,
    /// What was queued last was no silence: it must not end abruptly.
    sounding: bool,
    /// Nothing was decoded before what comes next, so it can't join on.
    interrupted: bool,
}

impl Voice {
    pub(crate) fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new()?,
            stereo: None,
            g711: G711Decoder::new(),
            codec: Codec::Opus,
            queue: PcmQueue::new(),
            concealed: 0,
            how: Concealment::Deep,
            sounding: false,
            interrupted: false,
        })
    }

    /// The stream ends: what was heard last dies away, and the next sound is a new sender's.
    pub(crate) fn end(&mut self) {
        if !self.queue.has_frame() {
            self.fall_silent(FRAME_SAMPLES);
        }
        self.interrupted = false;
        self.forget();
    }

    /// From now on it decodes two channels, or no more; gives back by what it did. What follows does not join on to what was.
    pub(crate) fn set_stereo(&mut self, stereo: Option<Box<Stereo>>) -> Option<Box<Stereo>> {
        let before = core::mem::replace(&mut self.stereo, stereo);
        if let Some(stereo) = &mut self.stereo {
            stereo.align(self.queue.len());
        }
        self.interrupted = true;
        self.forget();
        before
    }

    pub(crate) const fn is_stereo(&self) -> bool {
        self.stereo.is_some()
    }

    /// Begins with a sender of whom nothing was heard.
    pub(crate) fn restart(&mut self) {
        self.queue.clear();
        if let Some(stereo) = &mut self.stereo {
            stereo.align(0);
        }
        (self.concealed, self.sounding, self.interrupted) = (0, false, true);
        self.forget();
    }

    fn forget(&mut self) {
        // The reset of a decoder that could be made does not fail; if it did, the next sender would begin with an odd sound.
        let _ = self.decoder.reset();
        if let Some(stereo) = &mut self.stereo {
            stereo.forget();
        }
        self.g711 = G711Decoder::new();
    }

    /// Decodes a packet into the room of the queue.
    fn decode(&mut self, codec: Codec, payload: &[u8]) -> Result<usize, CodecError> {
        if codec != self.codec {
            self.codec = codec;
            // What comes does not join on to what was.
            self.interrupted = true;
            self.forget();
        }
        let room = self.queue.room();
        let law = match (codec, &mut self.stereo) {
            (Codec::Opus, Some(stereo)) => return stereo.decode(payload, room),
            (Codec::Opus, None) => return self.decoder.decode(payload, room),
            (Codec::Pcmu, _) => Law::Mu,
            (Codec::Pcma, _) => Law::A,
        };
        let decoded = self.g711.decode(law, payload, room);
        if let Some(stereo) = &mut self.stereo {
            stereo.side(decoded).fill(0);
        }
        Ok(decoded)
    }

    /// Makes up sound in the room of the queue, from the copy in the packet after it if there is one. Returns whether it could.
    fn make_up(&mut self, samples: usize, copy: Option<&[u8]>, how: Concealment) -> bool {
        let sound = &mut self.queue.room()[..samples];
        if !samples.is_multiple_of(PIECE) {
            return false;
        }
        match (self.codec, &mut self.stereo) {
            (Codec::Opus, Some(stereo)) => {
                copy.is_some_and(|copy| stereo.recover(copy, sound).is_ok())
                    || stereo.conceal(sound, how).is_ok()
            }
            (Codec::Opus, None) => {
                copy.is_some_and(|copy| self.decoder.recover(copy, sound).is_ok())
                    || self.decoder.conceal(sound, how).is_ok()
            }
            (Codec::Pcmu | Codec::Pcma, stereo) => {
                self.g711.conceal(sound);
                if let Some(stereo) = stereo {
                    stereo.side(samples).fill(0);
                }
                true
            }
        }
    }

    /// Does the same to all that is in the room of the queue.
    fn each(&mut self, samples: usize, change: impl Fn(&mut [i16])) {
        change(&mut self.queue.room()[..samples]);
        if let Some(stereo) = &mut self.stereo {
            change(stereo.side(samples));
        }
    }

    /// How loud that is.
    fn level(&mut self, samples: usize) -> LevelDbov {
        let mid = &self.queue.room()[..samples];
        match &mut self.stereo {
            Some(stereo) => LevelDbov::of_both(mid, stereo.side(samples)),
            None => LevelDbov::of(mid),
        }
    }

    /// It is to be played.
    fn keep(&mut self, samples: usize) {
        self.queue.keep(samples);
        if let Some(stereo) = &mut self.stereo {
            stereo.keep(samples);
        }
    }

    /// Decodes a packet for its level alone.
    pub(crate) fn listen(&mut self, codec: Codec, payload: &[u8], meter: &mut LevelMeter) {
        let decoded = self.decode(codec, payload).unwrap_or(0);
        for frame in self.queue.room()[..decoded].chunks(FRAME_SAMPLES) {
            meter.feed(frame);
        }
    }

    /// Decodes a packet whose time is over. It is queued all the same if a word begins in it, which can be where `onset`.
    pub(crate) fn warm_up(&mut self, codec: Codec, payload: &[u8], samples: usize, onset: bool) -> Warmed {
        // A corrupt packet tells nothing.
        let decoded = self.decode(codec, payload).unwrap_or(0);
        if self.level(decoded) < QUIET {
            return Warmed::Quiet;
        }
        if !onset || samples != decoded {
            return Warmed::Loud;
        }
        self.each(decoded, fade_in);
        self.keep(decoded);
        (self.sounding, self.interrupted) = (true, false);
        Warmed::Queued
    }

    #[cfg(test)]
    pub(crate) const fn is_sounding(&self) -> bool {
        self.sounding
    }

    pub(crate) const fn has_frame(&self) -> bool {
        self.queue.has_frame()
    }

    /// Samples that were decoded and wait for their tick.
    pub(crate) const fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Decodes a packet of `samples`. Returns whether it was left out for being quiet, where `may_leave_out`.
    ///
    /// A corrupt packet is concealed and its error returned.
    pub(crate) fn play(
        &mut self,
        codec: Codec,
        payload: &[u8],
        samples: usize,
        may_leave_out: bool,
    ) -> Result<bool, CodecError> {
        let decoded = match self.decode(codec, payload) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.conceal(samples, None, &mut 0);
                return Err(error);
            }
        };
        self.concealed = 0;
        if may_leave_out && self.level(decoded) < QUIET {
            return Ok(true);
        }
        if self.interrupted {
            self.interrupted = false;
            self.each(decoded, fade_in);
        }
        self.keep(decoded);
        self.sounding = true;
        Ok(false)
    }

    /// Makes up `samples` of sound, from the copy in the packet after it if that is there and has one, and else by the network
    /// as long as `deep` says that there is time for it: the beginning of a loss takes one off.
    pub(crate) fn conceal(&mut self, samples: usize, next: Option<&[u8]>, deep: &mut u32) {
        if self.concealed == 0 {
            self.how = if *deep > 0 { Concealment::Deep } else { Concealment::Classic };
        }
        let copy = next.filter(|next| packet_has_copy(next));
        if copy.is_none() && self.concealed == 0 && self.codec == Codec::Opus {
            *deep = deep.saturating_sub(1);
        }
        let samples = samples.min(MAX_PACKET_SAMPLES);
        let from = self.concealed;
        self.concealed = from.saturating_add(samples);
        if from < CONCEAL_END && self.make_up(samples, copy, self.how) {
            self.each(samples, |sound| fade(sound, from));
        } else {
            self.each(samples, |sound| sound.fill(0));
        }
        self.sounding = self.concealed < CONCEAL_END;
        self.keep(samples);
    }

    /// The sender falls silent for `samples`: what was heard last dies away instead of breaking off.
    pub(crate) fn fall_silent(&mut self, samples: usize) {
        let len = samples.min(MAX_PACKET_SAMPLES);
        if self.sounding && self.make_up(len, None, Concealment::Classic) {
            self.each(len, |sound| {
                for (n, sample) in sound.iter_mut().enumerate() {
                    *sample = (i64::from(*sample) * (len - n) as i64 / len as i64) as i16;
                }
            });
        } else {
            self.each(len, |sound| sound.fill(0));
        }
        self.concealed = 0;
        self.sounding = false;
        self.keep(len);
    }

    /// Moves one tick of sound out. Returns whether it is more than silence.
    pub(crate) fn take(&mut self, sound: &mut Sound) -> bool {
        sound.wide = self.stereo.as_mut().is_some_and(|stereo| stereo.take(&mut sound.side));
        self.queue.take(&mut sound.mid) && (sound.wide || sound.mid.iter().any(|&sample| sample != 0))
    }
}

/// What finds out how loud those are who are not heard: a decoder with nothing left in it of whoever was before. So one serves all
/// conferences that are mixed on a thread; it takes about 100 kB, most of it for concealing losses, which libopus has in every decoder.
#[derive(Debug)]
pub struct Probe(Voice);

impl Probe {
    /// A probe.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if there is no memory for a decoder.
    pub fn new() -> Result<Self, CodecError> {
        Voice::new().map(Self)
    }

    pub(crate) const fn voice(&mut self) -> &mut Voice {
        &mut self.0
    }
}

/// What became of a packet whose time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warmed {
    /// It is quiet, so that it is not missed.
    Quiet,
    /// It is from the midst of a word.
    Loud,
    /// A word begins in it: it will be heard.
    Queued,
}

/// Eases into sound that begins in the midst of a stream.
fn fade_in(sound: &mut [i16]) {
    for (n, sample) in (0_i32..).zip(sound.iter_mut().take(FADE_IN)) {
        *sample = (i32::from(*sample) * n / FADE_IN as i32) as i16;
    }
}

/// Fades made-up sound, of which `from` samples have been heard already.
fn fade(sound: &mut [i16], from: usize) {
    const SPAN: i64 = (CONCEAL_END - CONCEAL_FADE) as i64;
    if from + sound.len() <= CONCEAL_FADE {
        return;
    }
    for (n, sample) in (from..).zip(sound) {
        let left = (CONCEAL_END.saturating_sub(n) as i64).min(SPAN);
        *sample = (i64::from(*sample) * left / SPAN) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Encoder, EncoderSettings, MAX_PAYLOAD_BYTES};
    use crate::frame::Frame;

    /// One tick of what a voice plays, if that is more than silence.
    fn out(voice: &mut Voice) -> Option<Frame> {
        let mut sound = Sound::default();
        voice.take(&mut sound).then_some(sound.mid)
    }

    /// A voice that has just played 200 ms of a vowel: what made-up sound goes on from is speech, not a sine.
    fn humming() -> Voice {
        let mut voice = Voice::new().unwrap();
        let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
        let mut payload = [0; MAX_PAYLOAD_BYTES];
        for frame in 0..10 {
            let tone: Frame = core::array::from_fn(|n| {
                let t = (frame * FRAME_SAMPLES + n) as f64 / 48_000.0;
                let partial =
                    |n: i32| (t * 140.0 * f64::from(n) * core::f64::consts::TAU).sin() / f64::from(n);
                ((1..12).map(partial).sum::<f64>() * 8000.0) as i16
            });
            let bytes = encoder.encode(&tone, &mut payload).unwrap();
            assert!(!voice.play(Codec::Opus, &payload[..bytes], FRAME_SAMPLES, true).unwrap());
            assert!(out(&mut voice).is_some());
        }
        voice
    }

    fn concealed(voice: &mut Voice) -> LevelDbov {
        voice.conceal(FRAME_SAMPLES, None, &mut 1);
        out(voice).map_or(LevelDbov::SILENCE, |out| LevelDbov::of(&out))
    }

    #[test]
    fn made_up_sound_is_ours_to_fade_between_60_and_100_ms() {
        let mut sound = [10_000; 6000];
        fade(&mut sound[..960], 0);
        fade(&mut sound[960..], 960);
        assert!(sound[..CONCEAL_FADE].iter().all(|&sample| sample == 10_000));
        assert!(sound[CONCEAL_FADE..CONCEAL_END].is_sorted_by(|a, b| a >= b));
        assert_eq!((sound[3840], sound[4799], sound[4800]), (5000, 5, 0));
    }

    #[test]
    fn concealment_dies_away_and_is_gone_after_100_ms() {
        let mut voice = humming();
        let levels: Vec<_> = (0..8).map(|_| concealed(&mut voice).0).collect();
        assert!(levels[0] > -20, "{levels:?}");
        assert!(levels[..5].is_sorted_by(|a, b| a > b), "{levels:?}");
        assert_eq!(levels[5..], [-127; 3], "{levels:?}");
        assert!(!voice.is_sounding());
    }

    #[test]
    fn announced_silence_dies_away_within_its_packet() {
        let mut voice = humming();
        voice.fall_silent(FRAME_SAMPLES);
        let first = out(&mut voice).unwrap();
        assert!(LevelDbov::of(&first[..240]) > LevelDbov(-25));
        assert!(LevelDbov::of(&first[900..]) < LevelDbov(-35), "{:?}", LevelDbov::of(&first[900..]));
        voice.fall_silent(FRAME_SAMPLES);
        assert!(out(&mut voice).is_none(), "the second announcement is plain silence");
    }

    #[test]
    fn a_corrupt_packet_is_concealed_and_told() {
        let mut voice = humming();
        // Code 3 with 48 frames of 20 ms: more than 120 ms, which RFC 6716 forbids.
        assert!(voice.play(Codec::Opus, &[0b0111_1011, 48, 1, 2, 3], FRAME_SAMPLES, false).is_err());
        assert!(out(&mut voice).is_some(), "something is heard all the same");
    }

    #[test]
    fn the_beginning_of_a_loss_takes_time_off_and_without_time_is_concealed_in_the_classic_way() {
        let made = |deep: &mut u32| {
            let mut voice = humming();
            voice.conceal(FRAME_SAMPLES, None, deep);
            let first = out(&mut voice).unwrap();
            voice.conceal(FRAME_SAMPLES, None, deep);
            first
        };
        let mut deep = 2;
        let network = made(&mut deep);
        assert_eq!(deep, 1, "once a loss");
        assert!(network == made(&mut deep) && deep == 0);
        let classic = made(&mut deep);
        assert!(deep == 0 && classic != network && LevelDbov::of(&classic) > LevelDbov(-25));
    }
}
