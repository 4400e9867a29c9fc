//! One leg's way in: packets, jitter buffer, decoder, level, one frame a tick. Who hears it is decided elsewhere.

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::frame::{FRAME_SAMPLES, Frame, RtpAudio};
use crate::gate::Gate;
use crate::jitter_buffer::{JitterBuffer, Playout};
use crate::key::LegKey;
use crate::level::{LevelDbov, LevelMeter, SpeechDetector};
use crate::stats::{LegMeasure, LegStats};
use crate::time::Micros;
use crate::voice::{QUIET, Voice};

/// A leg's received sound.
#[derive(Debug)]
pub(crate) struct LegInput {
    buffer: JitterBuffer,
    voice: Voice,
    frame: Box<Frame>,
    audible: bool,
    receiving: bool,
    gate: Gate,
    meter: LevelMeter,
    speech: SpeechDetector,
    decode_errors: u64,
    undecoded: u64,
    /// Ticks in a row in which sound was there and not decoded.
    ticks_waiting: u32,
}

impl LegInput {
    pub(crate) fn new(config: &MixerConfig) -> Result<Self, CodecError> {
        Ok(Self {
            buffer: JitterBuffer::new(config.jitter),
            voice: Voice::new()?,
            frame: Box::new([0; FRAME_SAMPLES]),
            audible: false,
            receiving: true,
            gate: Gate::open(),
            meter: LevelMeter::new(),
            speech: SpeechDetector::new(config.speech),
            decode_errors: 0,
            undecoded: 0,
            ticks_waiting: 0,
        })
    }

    pub(crate) fn push(&mut self, packet: RtpAudio<'_>) {
        if self.receiving {
            self.buffer.push(packet);
        }
    }

    /// Off: packets are ignored and what waits is forgotten. On again: as with a new sender.
    pub(crate) fn set_receiving(&mut self, receiving: bool) {
        if self.receiving && !receiving {
            self.buffer.reset();
            self.voice.end();
        }
        self.receiving = receiving;
    }

    /// Off: what is decoded goes no further than to the meter.
    pub(crate) const fn set_heard(&mut self, heard: bool) {
        self.gate.set_open(heard);
    }

    /// How much it matters to decode this leg's sound now; `None` if there is none.
    ///
    /// It is the level at which the leg was last heard. One that isn't decoded rises with waiting, but only up to what counts
    /// as quiet: so each is tried in turn, and nobody who speaks is cut off for it.
    pub(crate) fn claim(&self) -> Option<i32> {
        if !self.voice.is_sounding() && !self.buffer.has_packets() {
            return None;
        }
        if !self.gate.is_open() {
            // Only what nobody else needs.
            return Some(i32::MIN);
        }
        let waiting = i32::try_from(self.ticks_waiting).unwrap_or(i32::MAX);
        let patience = i32::from(LevelDbov::SILENCE.0).saturating_add(waiting).min(i32::from(QUIET.0));
        Some(patience.max(i32::from(self.meter.level().0)))
    }

    /// Plays one tick of sound. Without `decode` it passes unheard.
    pub(crate) fn tick(&mut self, decode: bool, now: Micros) {
        let mut may_shorten = true;
        while !self.voice.has_frame() {
            let surplus = if may_shorten { self.buffer.surplus_us(now) } else { 0 };
            match self.buffer.pop(now) {
                Playout::Silence => break,
                Playout::Packet { samples, .. } | Playout::Lost { samples, .. } if !decode => {
                    self.undecoded += 1;
                    self.voice.pass(samples as usize);
                }
                Playout::Packet { payload, samples } => {
                    let may_leave_out = u64::from(surplus) * 6 >= u64::from(samples) * 125;
                    match self.voice.play(payload, samples as usize, may_leave_out) {
                        // One packet a tick: less would be heard of a longer cut.
                        Ok(left_out) => may_shorten &= !left_out,
                        Err(_) => self.decode_errors += 1,
                    }
                }
                Playout::Lost { samples, next } => self.voice.conceal(samples as usize, next),
                Playout::Dtx { samples } => self.voice.fall_silent(samples as usize),
            }
        }
        self.audible = self.voice.take(&mut self.frame);
        self.ticks_waiting = if decode { 0 } else { self.ticks_waiting.saturating_add(1) };
        let level = self.meter.feed(&*self.frame);
        self.speech.feed(level);
        // After the meter, which goes on measuring what nobody hears.
        self.audible = self.gate.pass(&mut self.frame) && self.audible;
    }

    /// The sound of this tick, unless it is silence.
    pub(crate) fn audible_frame(&self) -> Option<&Frame> {
        self.audible.then_some(&*self.frame)
    }

    pub(crate) fn measure(&self, leg: LegKey) -> LegMeasure {
        LegMeasure {
            leg,
            level: self.meter.level(),
            speaking: self.gate.is_open() && self.speech.is_speaking(),
        }
    }

    pub(crate) fn stats(&self) -> LegStats {
        let counts = self.buffer.counts();
        LegStats {
            received: counts.received,
            late: counts.late,
            duplicate: counts.duplicate,
            malformed: counts.malformed,
            discarded: counts.discarded + self.undecoded,
            lost: counts.lost,
            concealed: counts.concealed,
            dtx: counts.dtx,
            decode_errors: self.decode_errors,
            encode_errors: 0,
            buffered_ms: self.buffer.buffered_ms(),
            depth_ms: self.buffer.depth_ms(),
        }
    }
}
