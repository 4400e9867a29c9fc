//! One leg's way in: packets, jitter buffer, and while it is heard a decoder, one frame a tick. Whether it is heard, and who
//! hears it, is decided elsewhere.

use crate::config::MixerConfig;
use crate::frame::{FRAME_SAMPLES, PacketKind, RtpAudio, TICK_MS};
use crate::gate::Gate;
use crate::jitter_buffer::{Arrival, JitterBuffer, Playout};
use crate::key::LegKey;
use crate::level::{LevelDbov, LevelMeter, SpeechDetector};
use crate::levelling::Levelling;
use crate::sound::Sound;
use crate::standing::{HUSH, Standing};
use crate::stats::{LegMeasure, LegStats};
use crate::stereo::Stereo;
use crate::time::Micros;
use crate::voice::{QUIET, Voice, Warmed};

/// What is kept of the sound of one who is not heard, past its time: 100 ms. Who comes to be heard is heard from the beginning
/// of a word that began so lately.
const KEPT_MS: u32 = 100;

/// Packets that are decoded at most to find out how loud one is, the oldest first: 100 ms and more of any usual length.
const SAMPLED_PACKETS: usize = 8;

/// One who is heard and from whom nothing comes gives the place back after 500 ms.
const SILENT_TICKS: u32 = 500 / TICK_MS;

/// One who is heard and sends nothing but quiet gives the place back after 2 s.
const QUIET_TICKS: u32 = 2000 / TICK_MS;

/// A pause between words, in which a packet may be left out, has gone on for 200 ms.
const LULL_TICKS: u32 = 200 / TICK_MS;

/// How loud one is, is known from so much sound, 60 ms; and it is waited for that for so long, 240 ms.
const KNOWN_TICKS: u32 = 60 / TICK_MS;
const NEW_TICKS: u32 = 240 / TICK_MS;

/// A leg's received sound.
#[derive(Debug)]
pub(crate) struct LegInput {
    buffer: JitterBuffer,
    standing: Standing,
    /// Where its sound is decoded, while it is.
    voice: Option<Voice>,
    /// Of a sender of two channels, while it has no voice: what that will need besides.
    stereo: Option<Box<Stereo>>,
    receiving: bool,
    gate: Gate,
    /// Unless it is off.
    levelling: Option<Levelling>,
    speech: SpeechDetector,
    decode_errors: u64,
    /// Sound went by unheard since it was silent: what follows is from the midst of it.
    passed: bool,
    /// Ticks in a row in which it was decoded and nothing was there, and in which it was quiet.
    silent_ticks: u32,
    quiet_ticks: u32,
    /// Ticks in a row in which what was heard was so quiet that some of it can be left out.
    lull_ticks: u32,
    /// Ticks since it is heard, and those of them with sound.
    hot_ticks: u32,
    sound_ticks: u32,
}

impl LegInput {
    pub(crate) fn new(config: &MixerConfig) -> Self {
        Self {
            buffer: JitterBuffer::new(config.jitter),
            standing: Standing::default(),
            voice: None,
            stereo: None,
            receiving: true,
            gate: Gate::open(),
            levelling: config.levelling.then(Levelling::default),
            speech: SpeechDetector::new(config.speech),
            decode_errors: 0,
            passed: false,
            silent_ticks: 0,
            quiet_ticks: 0,
            lull_ticks: 0,
            hot_ticks: 0,
            sound_ticks: 0,
        }
    }

    pub(crate) fn push(&mut self, kind: PacketKind, packet: RtpAudio<'_>) {
        let stored = self.receiving && self.buffer.push_kind(kind, packet) == Arrival::Stored;
        if stored && matches!(kind, PacketKind::Sound(_)) {
            self.standing.note_packet(packet.payload.len(), packet.level);
        }
    }

    /// Off: packets are ignored and what waits is forgotten. On again: as with a new sender.
    pub(crate) fn set_receiving(&mut self, receiving: bool) {
        if self.receiving && !receiving {
            self.buffer.reset();
            self.standing.note_silence();
            if let Some(voice) = &mut self.voice {
                voice.end();
            }
        }
        self.receiving = receiving;
    }

    /// From now on two channels are decoded, or no more.
    pub(crate) fn set_stereo(&mut self, stereo: Option<Box<Stereo>>) {
        match &mut self.voice {
            Some(voice) => drop(voice.set_stereo(stereo)),
            None => self.stereo = stereo,
        }
    }

    pub(crate) fn is_stereo(&self) -> bool {
        self.stereo.is_some() || self.voice.as_ref().is_some_and(Voice::is_stereo)
    }

    /// Off: what is decoded goes no further than to the meter.
    pub(crate) const fn set_heard(&mut self, heard: bool) {
        self.gate.set_open(heard);
    }

    /// Others go before it: it is muted by the focus or on hold, and only measured.
    pub(crate) const fn comes_last(&self) -> bool {
        !self.gate.is_open() || !self.receiving
    }

    pub(crate) const fn is_hot(&self) -> bool {
        self.voice.is_some()
    }

    pub(crate) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// It sends, and is not heard.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.voice.is_none() && self.buffer.has_packets()
    }

    /// Its place among the heard, as a level that another must outdo: the lowest is the first to go. How loud one is who is new
    /// will be known only when what it sends has come out of the jitter buffer; it is given that time.
    pub(crate) const fn place(&self) -> LevelDbov {
        if self.comes_last() {
            LevelDbov(i8::MIN)
        } else if self.sound_ticks < KNOWN_TICKS && self.hot_ticks < NEW_TICKS {
            LevelDbov(0)
        } else {
            self.standing.held()
        }
    }

    /// It is heard and makes no use of it.
    pub(crate) const fn gives_up(&self) -> bool {
        self.silent_ticks >= SILENT_TICKS || self.quiet_ticks >= QUIET_TICKS
    }

    /// Finds out how loud it is by decoding what is kept of its sound. Nothing of that is used up.
    pub(crate) fn sample(&mut self, voice: &mut Voice, tick: u64) {
        let mut meter = LevelMeter::new();
        voice.restart();
        for (codec, payload) in self.buffer.sounds().take(SAMPLED_PACKETS) {
            voice.listen(codec, payload, &mut meter);
        }
        self.standing.sample(meter, tick);
    }

    /// From now on it is heard, from the beginning of what it says if that is recent, with a delay that is paid back later; and
    /// else from now.
    pub(crate) fn promote(&mut self, mut voice: Voice, now: Micros) {
        if self.stereo.is_some() {
            voice.set_stereo(self.stereo.take());
        }
        voice.restart();
        let mut from_the_midst = self.passed;
        while self.buffer.is_overdue(now) {
            let Playout::Packet { codec, payload, samples } = self.buffer.pop(now) else { break };
            match voice.warm_up(codec, payload, samples as usize, !from_the_midst) {
                // It is queued, and what follows is played after it.
                Warmed::Queued => break,
                Warmed::Quiet => from_the_midst = false,
                Warmed::Loud => {}
            }
        }
        self.passed = false;
        (self.silent_ticks, self.quiet_ticks, self.lull_ticks) = (0, 0, 0);
        (self.hot_ticks, self.sound_ticks) = (0, 0);
        self.voice = Some(voice);
    }

    /// From now on it is not heard; what was heard last dies away in this tick, into `sound`. Gives the voice back, and whether
    /// anything of that may be heard.
    pub(crate) fn demote(&mut self, sound: &mut Sound) -> Option<(Voice, bool)> {
        let mut voice = self.voice.take()?;
        voice.end();
        let audible = voice.take(sound);
        let audible = self.gate.pass(sound) && audible;
        if voice.is_stereo() {
            self.stereo = voice.set_stereo(None);
        }
        self.buffer.pause();
        self.passed = true;
        Some((voice, audible))
    }

    /// A tick without being heard.
    pub(crate) fn pass(&mut self, now: Micros) {
        if self.buffer.has_packets() {
            self.passed |= self.buffer.pass(now, KEPT_MS);
        } else if self.passed {
            self.passed = false;
            self.standing.note_silence();
        }
        self.standing.miss();
        self.speech.feed(LevelDbov::SILENCE);
    }

    /// It is not heard, nothing waits, and another tick without being heard changes nothing.
    pub(crate) fn is_calm(&self) -> bool {
        let nothing = self.voice.is_none() && !self.buffer.has_packets() && !self.passed;
        nothing && self.standing.is_silent() && !self.speech.is_speaking()
    }

    /// Plays one tick of sound into `sound`, if it is heard, and returns whether it is more than silence. `deep`: see
    /// [`Voice::conceal`].
    pub(crate) fn play(&mut self, tick: u64, now: Micros, deep: &mut u32, sound: &mut Sound) -> bool {
        let Some(voice) = &mut self.voice else { return false };
        let mut may_shorten = true;
        while !voice.has_frame() {
            let surplus = if may_shorten { self.buffer.surplus_us(now) } else { 0 };
            match self.buffer.pop(now) {
                Playout::Silence => break,
                Playout::Packet { codec, payload, samples } => {
                    // Not in a stop between two syllables, whose length is heard.
                    let may_leave_out =
                        self.lull_ticks >= LULL_TICKS && u64::from(surplus) * 6 >= u64::from(samples) * 125;
                    match voice.play(codec, payload, samples as usize, may_leave_out) {
                        // One packet a tick: less would be heard of a longer cut.
                        Ok(left_out) => may_shorten &= !left_out,
                        Err(_) => self.decode_errors += 1,
                    }
                }
                Playout::Lost { samples, next } => voice.conceal(samples as usize, next, deep),
                Playout::Dtx { samples } => voice.fall_silent(samples as usize),
            }
        }
        let audible = voice.take(sound);
        let level = self.standing.measure(sound, tick);
        self.speech.feed(level);
        self.lull_ticks = if level < QUIET { self.lull_ticks.saturating_add(1) } else { 0 };
        self.silent_ticks = if audible { 0 } else { self.silent_ticks.saturating_add(1) };
        self.hot_ticks = self.hot_ticks.saturating_add(1);
        self.sound_ticks = self.sound_ticks.saturating_add(u32::from(level > HUSH));
        // Smoothed: a frame of noise is a little louder than noise, now and then.
        let heard = self.standing.level() > HUSH;
        self.quiet_ticks = if heard { 0 } else { self.quiet_ticks.saturating_add(1) };
        if let Some(levelling) = &mut self.levelling {
            levelling.pass(sound, level);
        }
        // After the meter, which goes on measuring what nobody hears.
        self.gate.pass(sound) && audible
    }

    /// The RTP timestamp with which the sound of the last tick began; `None` where there was none.
    pub(crate) fn played(&self) -> Option<u32> {
        let behind = self.voice.as_ref().filter(|_| self.silent_ticks == 0)?.waiting() + FRAME_SAMPLES;
        self.buffer.timestamp_before(u32::try_from(behind).unwrap_or(u32::MAX))
    }

    pub(crate) fn measure(&self, leg: LegKey) -> LegMeasure {
        LegMeasure {
            leg,
            level: self.standing.level(),
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
            discarded: counts.discarded,
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
