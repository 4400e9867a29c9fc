//! One conference: its legs, and the tick that carries sound between them. How a block works never lives here.

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::frame::{EncodedFrame, FRAME_SAMPLES, RtpAudio};
use crate::hot_set::{Nominee, outdoes};
use crate::key::{LegKey, SpeakerKey};
use crate::leg_input::LegInput;
use crate::listening::Listening;
use crate::mix_bus::MixBus;
use crate::profile::Profile;
use crate::standing::HUSH;
use crate::stats::{LegMeasure, LegStats};
use crate::stream::Made;
use crate::streams::Streams;
use crate::time::Micros;
use crate::voice::Voice;

/// Mixes one conference.
///
/// Packets go in by [`push_packet`](Self::push_packet) as they arrive. Every [`TICK_MS`](crate::TICK_MS) milliseconds
/// [`tick`](Self::tick) gives out one Opus payload for each leg that is sent to. A tick that comes late mixes one frame all the
/// same: whoever drives the mixer makes up for missed ticks by calling it again, and the jitter buffers drop what has
/// become too old.
#[derive(Debug)]
pub struct Mixer {
    config: MixerConfig,
    /// Ordered by key.
    legs: Vec<Leg>,
    bus: MixBus,
    streams: Streams,
    /// Voices that nobody has: one a place among the heard, and one to sample with.
    spare: Vec<Voice>,
    voices: usize,
    /// Those who send and are not heard, in this tick.
    nominees: Vec<Nominee>,
    /// Ticks so far.
    tick: u64,
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
            config,
            legs: Vec::new(),
            bus: MixBus::new(),
            streams: Streams::new(),
            spare: Vec::new(),
            voices: 0,
            nominees: Vec::new(),
            tick: 0,
        }
    }

    /// Adds a leg, received and sent to. All the memory it ever needs is allocated here.
    ///
    /// Its first second is sent as 50 frames whatever there is to hear ([`MixerConfig::warm_up_ms`]), so it is best added
    /// when its transport is up.
    ///
    /// # Errors
    ///
    /// [`AddLegError`]; the mixer is then as before.
    pub fn add_leg(&mut self, leg: LegKey, speaker: SpeakerKey) -> Result<(), AddLegError> {
        let Err(at) = self.find(leg) else { return Err(AddLegError::AlreadyPresent) };
        if self.legs.len() >= self.config.legs_max {
            return Err(AddLegError::Full);
        }
        while self.voices < (self.legs.len() + 2).min(self.config.hot_max.saturating_add(1)) {
            self.spare.push(Voice::new()?);
            self.voices += 1;
        }
        let input = LegInput::new(&self.config);
        let shared = self.streams.add(Profile::default(), self.legs.len() + 1, &self.config)?;
        let listening = Listening::new(shared, &self.config);
        self.bus.add(speaker);
        self.legs.insert(at, Leg { key: leg, speaker, input, listening });
        self.nominees.reserve(self.legs.len());
        self.spare.reserve(self.voices);
        Ok(())
    }

    /// Removes a leg and all that is known of it. Unknown: nothing happens.
    pub fn remove_leg(&mut self, leg: LegKey) {
        let Ok(at) = self.find(leg) else { return };
        let mut gone = self.legs.remove(at);
        self.spare.extend(gone.input.demote());
        self.streams.remove(gone.listening.shared);
        self.bus.remove(gone.speaker);
    }

    /// Takes a packet that arrived for a leg. Unknown leg: nothing happens.
    ///
    /// Nothing in it is trusted. The packets of a leg should be of one SSRC; another one's are recognised by a jump of sequence
    /// number or timestamp, or announced by [`set_receiving`](Self::set_receiving) off and on.
    pub fn push_packet(&mut self, leg: LegKey, packet: RtpAudio<'_>) {
        if let Some(leg) = self.leg_mut(leg) {
            leg.input.push(packet);
        }
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
        if let Some(leg) = self.leg_mut(leg) {
            leg.listening.set_sending(sending);
        }
    }

    /// What a leg is sent from the next tick on; at the start it is the default. Where the conference has four profiles
    /// already, it is the nearest of those. Unknown leg: nothing happens.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if the profile needs an encoder that can't be made; all is then as before.
    pub fn set_profile(&mut self, leg: LegKey, profile: Profile) -> Result<(), CodecError> {
        let Ok(at) = self.find(leg) else { return Ok(()) };
        let listening = &mut self.legs[at].listening;
        self.streams.change(listening, profile, &self.config)?;
        listening.wish = profile;
        Ok(())
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
    pub fn tick(&mut self, now: Micros, mut output: impl FnMut(LegKey, EncodedFrame<'_>)) {
        self.tick += 1;
        for leg in &mut self.legs {
            leg.input.begin_tick();
        }
        self.choose_hot(now);
        self.bus.clear();
        let mut deep = self.config.deep_losses_max;
        for leg in &mut self.legs {
            if leg.input.is_hot() {
                leg.input.play(self.tick, now, &mut deep);
            } else {
                leg.input.pass(now);
            }
            if let Some(frame) = leg.input.audible_frame() {
                self.bus.contribute(leg.speaker, frame);
            }
        }
        self.streams.clear();
        for leg in &mut self.legs {
            self.streams.seat(&mut leg.listening, leg.speaker, &self.bus, &self.config);
        }
        self.streams.tick(&self.bus);
        for leg in &mut self.legs {
            if let Some((number, stream)) = self.streams.for_leg(&leg.listening) {
                if let Made::Payload { bytes, silence, .. } = stream.made() {
                    let (payload, samples) = (stream.payload(bytes), FRAME_SAMPLES as u32);
                    output(leg.key, EncodedFrame { payload, samples, stream: number, silence });
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

    /// Decides who is heard in this tick.
    fn choose_hot(&mut self, now: Micros) {
        self.nominees.clear();
        for (at, leg) in self.legs.iter_mut().enumerate() {
            if leg.input.is_hot() && leg.input.gives_up() {
                self.spare.extend(leg.input.demote());
            } else if leg.input.is_waiting() {
                let (standing, last) = (leg.input.standing(), leg.input.comes_last());
                self.nominees.extend(Nominee::new(at, standing, last, self.tick));
            }
        }
        if self.nominees.is_empty() {
            return;
        }
        self.nominees.sort_unstable_by_key(Nominee::rank);
        // Those who claim to be loud and those who don't are sampled by turns, so that neither keep the others out.
        let (claiming, mut to_sample) = (self.tick.is_multiple_of(2), None);
        for &nominee in &self.nominees {
            // One voice is always left to sample with.
            if nominee.direct && self.spare.len() > 1 {
                promote(&mut self.legs[nominee.at], &mut self.spare, now);
            } else if to_sample.is_none_or(|(_, claims)| claims != claiming && nominee.claims == claiming) {
                to_sample = Some((nominee.at, nominee.claims));
            }
        }
        if let Some((at, _)) = to_sample {
            self.sample(at, now);
        }
    }

    /// Finds out how loud one is who is not heard, and lets it take the place of one who is less loud.
    fn sample(&mut self, at: usize, now: Micros) {
        let Some(voice) = self.spare.last_mut() else { return };
        self.legs[at].input.sample(voice, self.tick);
        let level = self.legs[at].input.standing().held();
        let last = self.legs[at].input.comes_last();
        if self.spare.len() <= 1 {
            let hot = self.legs.iter().enumerate().filter(|(_, leg)| leg.input.is_hot());
            let places = hot.map(|(at, leg)| (leg.input.place(), at));
            let Some((lowest, loser)) = places.min() else { return };
            if last || !outdoes(level, lowest) {
                return;
            }
            self.spare.extend(self.legs[loser].input.demote());
        } else if level <= HUSH {
            return;
        }
        promote(&mut self.legs[at], &mut self.spare, now);
    }

    fn find(&self, leg: LegKey) -> Result<usize, usize> {
        self.legs.binary_search_by_key(&leg, |leg| leg.key)
    }

    fn leg_mut(&mut self, leg: LegKey) -> Option<&mut Leg> {
        let at = self.find(leg).ok()?;
        Some(&mut self.legs[at])
    }
}

/// Gives a leg a voice, if one is left.
fn promote(leg: &mut Leg, spare: &mut Vec<Voice>, now: Micros) {
    if let Some(voice) = spare.pop() {
        leg.input.promote(voice, now);
    }
}
