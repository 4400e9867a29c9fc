//! One conference: its legs, and the tick that carries sound between them. How a block works never lives here.

mod hot;
mod playing;
mod rest;
mod stereo;

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::demand::WINDOW_TICKS;
use crate::frame::{Codec, EncodedFrame, FRAME_SAMPLES, PacketKind, RtpAudio};
use crate::hot_set::Nominee;
use crate::key::{LegKey, SpeakerKey};
use crate::leg_input::LegInput;
use crate::listening::Listening;
use crate::mix_bus::MixBus;
use crate::playing::Sounds;
use crate::profile::Profile;
use crate::sound::Sound;
use crate::stats::{LegMeasure, LegStats};
use crate::stream::Made;
use crate::streams::{Seat, Streams};
use crate::time::Micros;
use crate::voice::Probe;
use crate::voices::Voices;

use playing::Tap;

/// Mixes one conference.
///
/// Packets go in by [`push_packet`](Self::push_packet) as they arrive. Every [`TICK_MS`](crate::TICK_MS) milliseconds
/// [`tick`](Self::tick) gives out one Opus payload for each leg that is sent to. A tick that comes late mixes one frame all the
/// same: whoever drives the mixer makes up for missed ticks by calling it again, and the jitter buffers drop what has
/// become too old.
#[derive(Debug)]
pub struct Mixer {
    config: MixerConfig,
    /// The keys of the legs, in order: what is looked for with each packet, in as little memory as may be.
    keys: Vec<LegKey>,
    /// In the order of the keys.
    legs: Vec<Leg>,
    bus: MixBus,
    /// What sets two channels apart, of those who send two, if any do.
    sides: Option<MixBus>,
    /// Some hear two channels.
    is_stereo: bool,
    streams: Streams,
    sounds: Sounds,
    taps: Vec<Tap>,
    next_sink: u64,
    voices: Voices,
    /// The sound of one leg in this tick.
    sound: Box<Sound>,
    /// Those who send and are not heard, in this tick.
    nominees: Vec<Nominee>,
    /// Whose legs are heard or are to be, while that is looked at; some twice.
    speakers: Vec<SpeakerKey>,
    /// One who is loud enough to be heard, for whom something was missing in the last tick.
    again: Option<LegKey>,
    /// Ticks so far.
    tick: u64,
    /// The tick from which on memory that was not needed of late is let go of.
    trim_at: u64,
    /// Nothing goes on.
    at_rest: bool,
}

#[derive(Debug)]
struct Leg {
    key: LegKey,
    speaker: SpeakerKey,
    input: LegInput,
    listening: Listening,
}

/// Why a leg was not added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddLegError {
    /// There is a leg of this key.
    #[error("the leg is in the mix already")]
    AlreadyPresent,
    /// There are [`legs_max`](MixerConfig::legs_max) legs.
    #[error("the mix has as many legs as it may")]
    Full,
    /// No codec could be made for it: no memory, or the encoder's profile is out of range.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl Mixer {
    /// A conference without legs.
    #[must_use]
    pub fn new(config: MixerConfig) -> Self {
        Self {
            keys: Vec::new(),
            legs: Vec::new(),
            bus: MixBus::with_voices(0),
            sides: None,
            is_stereo: false,
            streams: Streams::new(),
            sounds: Sounds::default(),
            taps: Vec::new(),
            next_sink: 0,
            voices: Voices::default(),
            sound: Box::default(),
            nominees: Vec::new(),
            speakers: Vec::with_capacity(config.hot_max.min(config.legs_max) * 2 + 2),
            again: None,
            tick: 0,
            trim_at: WINDOW_TICKS,
            at_rest: false,
            config,
        }
    }

    /// Adds a leg, received and sent to. The memory for its packets is allocated here; that for being heard, which is ten times as
    /// much, when it is wanted ([`push_packet`](Self::push_packet)).
    ///
    /// Its first second is sent as 50 frames whatever there is to hear ([`MixerConfig::warm_up_ms`]), so it is best added
    /// when its transport is up.
    ///
    /// # Errors
    ///
    /// [`AddLegError`]; the mixer is then as before.
    pub fn add_leg(&mut self, leg: LegKey, speaker: SpeakerKey) -> Result<(), AddLegError> {
        let Err(at) = self.find(leg) else { return Err(AddLegError::AlreadyPresent) };
        self.wake();
        if self.legs.len() >= self.config.legs_max {
            return Err(AddLegError::Full);
        }
        let input = LegInput::new(&self.config);
        let shared = self.streams.add(Profile::default(), &self.config)?;
        let listening = Listening::new(shared, &self.config);
        self.bus.add(speaker);
        self.keys.insert(at, leg);
        self.legs.insert(at, Leg { key: leg, speaker, input, listening });
        self.nominees.reserve(self.legs.len());
        Ok(())
    }

    /// Removes a leg and all that is known of it. Unknown: nothing happens.
    pub fn remove_leg(&mut self, leg: LegKey) {
        let Ok(at) = self.find(leg) else { return };
        self.wake();
        self.keys.remove(at);
        let mut gone = self.legs.remove(at);
        if let Some((voice, _)) = gone.input.demote(&mut self.sound) {
            self.voices.give_back(voice);
        }
        self.streams.remove(gone.listening.shared);
        self.bus.remove(gone.speaker);
        self.sounds.forget(leg);
        if gone.input.is_stereo() {
            self.remove_side(gone.speaker);
        }
        // To do without two channels needs an encoder of one, at the most: if there is none, two go on.
        let _ = self.consider_stereo();
        if self.legs.is_empty() && self.taps.is_empty() {
            let (tick, next_sink) = (self.tick, self.next_sink);
            *self = Self { tick, next_sink, trim_at: tick + WINDOW_TICKS, ..Self::new(self.config.clone()) };
        }
    }

    /// Takes a packet of Opus that arrived for a leg. Unknown leg: nothing happens.
    ///
    /// No memory is allocated for it, but where more speak at a time than in the 10 s before, what they need is allocated here,
    /// between two ticks; and here it is let go of again.
    ///
    /// Nothing in it is trusted. The packets of a leg should be of one SSRC; another one's are recognised by a jump of sequence
    /// number or timestamp, or announced by [`set_receiving`](Self::set_receiving) off and on.
    pub fn push_packet(&mut self, leg: LegKey, packet: RtpAudio<'_>) {
        self.push_packet_of(leg, PacketKind::Sound(Codec::Opus), packet);
    }

    /// Takes a packet of any kind that arrived for a leg, as [`push_packet`](Self::push_packet) does. What kind it is, is told by
    /// its payload type, of which the mixer knows nothing; a kind that is not known here should not come here.
    pub fn push_packet_of(&mut self, leg: LegKey, kind: PacketKind, packet: RtpAudio<'_>) {
        let Some(leg) = self.leg_mut(leg) else { return };
        leg.input.push(kind, packet);
        self.stock();
    }

    /// Whether a leg is listened to. `false` (on hold, muted by the focus, not sending by its SDP): its packets are ignored,
    /// what waits is forgotten, nobody hears it. `true`, as at the start: its packets are taken as a new sender's.
    pub fn set_receiving(&mut self, leg: LegKey, receiving: bool) {
        if let Some(leg) = self.leg_mut(leg) {
            leg.input.set_receiving(receiving);
        }
    }

    /// Whether others hear a leg. `false` (muted by a moderator): its sound goes on being decoded and measured, but into
    /// nobody's mix, from the next tick on, and it counts as no speech. `true`, as at the start: it is heard again.
    pub fn set_heard(&mut self, leg: LegKey, heard: bool) {
        if let Some(leg) = self.leg_mut(leg) {
            leg.input.set_heard(heard);
        }
    }

    /// Whether a mix is made for a leg. `false`: nothing is encoded for it. `true`, as at the start: it begins anew.
    pub fn set_sending(&mut self, leg: LegKey, sending: bool) {
        if let Ok(at) = self.find(leg) {
            self.wake();
            self.legs[at].listening.set_sending(sending);
            self.stock_for(at);
        }
    }

    /// What a leg is sent from the next tick on; at the start it is the default. Where the conference has four profiles of Opus
    /// already, it is the nearest of those; G.711 it is where that is asked for. Unknown leg: nothing happens.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if the profile needs an encoder that can't be made; all is then as before.
    pub fn set_profile(&mut self, leg: LegKey, profile: Profile) -> Result<(), CodecError> {
        let Ok(at) = self.find(leg) else { return Ok(()) };
        self.wake();
        let listening = &mut self.legs[at].listening;
        self.streams.change(listening, profile.for_channels(self.is_stereo), &self.config)?;
        listening.wish = profile;
        self.stock_for(at);
        self.consider_stereo()
    }

    /// Takes into account what a leg's receiver reports to have lost, in 1/256 (fraction lost, RFC 3550 section 6.4.1): where
    /// it is more than 3 in a hundred for some time the leg's packets are protected from loss, until it is less than 1.
    ///
    /// # Errors
    ///
    /// As [`set_profile`](Self::set_profile); the leg is then sent what it was.
    pub fn note_loss(&mut self, leg: LegKey, fraction_lost: u8) -> Result<(), CodecError> {
        let Ok(at) = self.find(leg) else { return Ok(()) };
        let listening = &mut self.legs[at].listening;
        let protection = listening.losses.note(fraction_lost);
        if protection == listening.wish.protection {
            return Ok(());
        }
        let profile = Profile { protection, ..listening.wish };
        self.set_profile(leg, profile)
    }

    /// How hard the encoders work from the next tick on, 0 (cheap) to 10 (good): as much as the load of the machine allows.
    /// Beyond 10 is 10.
    pub fn set_complexity(&mut self, complexity: u8) {
        let complexity = i32::from(complexity.min(10));
        if self.config.encoder.complexity != complexity {
            self.config.encoder.complexity = complexity;
            self.streams.reconfigure(&self.config);
        }
    }

    /// Mixes one tick at `now` and hands out what is to be sent, in the order of the keys, at most one frame a leg.
    ///
    /// It neither allocates, locks nor waits. A leg without a frame hears lasting silence, or is not sent to.
    pub fn tick(&mut self, now: Micros, output: impl FnMut(LegKey, EncodedFrame<'_>)) {
        self.tick_by(None, now, output);
    }

    /// The same where one probe serves several mixers, so that none needs a decoder while nobody is heard.
    pub fn tick_with(
        &mut self,
        probe: &mut Probe,
        now: Micros,
        output: impl FnMut(LegKey, EncodedFrame<'_>),
    ) {
        self.tick_by(Some(probe), now, output);
    }

    fn tick_by(
        &mut self,
        probe: Option<&mut Probe>,
        now: Micros,
        output: impl FnMut(LegKey, EncodedFrame<'_>),
    ) {
        self.tick += 1;
        if self.at_rest {
            return self.rest(output);
        }
        self.bus.clear();
        if let Some(sides) = &mut self.sides {
            sides.clear();
        }
        self.choose_hot(probe, now);
        let mut deep = self.config.deep_losses_max;
        for leg in &mut self.legs {
            if !leg.input.is_hot() {
                leg.input.pass(now);
            } else if leg.input.play(self.tick, now, &mut deep, &mut self.sound) {
                contribute(&mut self.bus, &mut self.sides, leg.speaker, &self.sound);
            }
        }
        self.sounds.tick(&mut self.bus);
        self.streams.clear();
        for Leg { key, speaker, listening, .. } in &mut self.legs {
            let played_to = self.sounds.plays_to(*key);
            let seat = Seat { leg: listening, key: *key, speaker: *speaker, played_to };
            self.streams.seat(seat, &self.bus, &self.config);
        }
        for tap in &mut self.taps {
            self.streams.seat_listener(&mut tap.listening, &self.config);
        }
        self.streams.tick(&self.bus, self.sides.as_ref(), &self.sounds);
        for tap in &mut self.taps {
            tap.fill(&self.streams);
        }
        self.hand_out(output);
        self.at_rest = self.may_rest();
    }

    /// Gives out what the streams have made of this tick.
    fn hand_out(&mut self, mut output: impl FnMut(LegKey, EncodedFrame<'_>)) {
        for leg in &mut self.legs {
            if let Some((number, stream)) = self.streams.for_leg(&leg.listening) {
                if let Made::Payload { bytes, silence, .. } = stream.made() {
                    let (codec, payload) = (stream.codec(), stream.payload(bytes));
                    let samples = FRAME_SAMPLES as u32;
                    output(leg.key, EncodedFrame { codec, payload, samples, stream: number, silence });
                } else {
                    leg.listening.encode_errors += 1;
                }
            }
            leg.listening.end_tick();
        }
    }

    /// How loud each leg was at the last tick, in the order of the keys.
    pub fn levels(&self) -> impl Iterator<Item = LegMeasure> {
        self.legs.iter().map(|leg| leg.input.measure(leg.key))
    }

    /// The RTP timestamp, in its sender's clock, of the sound with which a leg's share of the last tick began: with it, other streams of
    /// the sender can be told to go with the mix. `None` where nothing of the leg was in it. The mix is
    /// [`Limiter::DELAY_SAMPLES`](crate::Limiter::DELAY_SAMPLES) later.
    #[must_use]
    pub fn played(&self, leg: LegKey) -> Option<u32> {
        self.legs[self.find(leg).ok()?].input.played()
    }

    /// What became of a leg's packets; `None` if there is no such leg.
    #[must_use]
    pub fn stats(&self, leg: LegKey) -> Option<LegStats> {
        let leg = &self.legs[self.find(leg).ok()?];
        Some(LegStats { encode_errors: leg.listening.encode_errors, ..leg.input.stats() })
    }

    /// How many encodings the last tick took: each serves all who hear the same.
    #[must_use]
    pub fn encodings(&self) -> usize {
        self.streams.encoded()
    }

    /// There are no legs, so there is nothing to tick for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty()
    }

    fn find(&self, leg: LegKey) -> Result<usize, usize> {
        self.keys.binary_search(&leg)
    }

    fn leg_mut(&mut self, leg: LegKey) -> Option<&mut Leg> {
        let at = self.find(leg).ok()?;
        self.wake();
        Some(&mut self.legs[at])
    }
}

/// Adds a leg's sound of this tick to the mix.
fn contribute(bus: &mut MixBus, sides: &mut Option<MixBus>, speaker: SpeakerKey, sound: &Sound) {
    bus.contribute(speaker, &sound.mid);
    if let Some(sides) = sides.as_mut().filter(|_| sound.wide) {
        sides.contribute(speaker, &sound.side);
    }
}
