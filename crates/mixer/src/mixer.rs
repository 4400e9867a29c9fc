//! One conference: its legs, and the tick that carries sound between them. How a block works never lives here.

use crate::codec::CodecError;
use crate::config::MixerConfig;
use crate::frame::{EncodedFrame, FRAME_SAMPLES, RtpAudio, WideFrame};
use crate::key::{LegKey, SpeakerKey};
use crate::leg_input::LegInput;
use crate::leg_output::LegOutput;
use crate::mix_bus::MixBus;
use crate::stats::{LegMeasure, LegStats};
use crate::time::Micros;

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
    mix: Box<WideFrame>,
    /// Claims to be decoded in this tick, as (claim, index of the leg).
    claims: Vec<(i32, usize)>,
}

#[derive(Debug)]
struct Leg {
    key: LegKey,
    speaker: SpeakerKey,
    input: LegInput,
    output: LegOutput,
    /// Its sound is decoded in this tick.
    decode: bool,
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
            mix: Box::new([0; FRAME_SAMPLES]),
            claims: Vec::new(),
        }
    }

    /// Adds a leg, received and sent to. All the memory it ever needs is allocated here, about 130 kB.
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
        let input = LegInput::new(&self.config)?;
        let output = LegOutput::new(&self.config.encoder, &self.config)?;
        self.bus.add(speaker);
        self.legs.insert(at, Leg { key: leg, speaker, input, output, decode: false });
        self.claims.reserve(self.legs.len());
        Ok(())
    }

    /// Removes a leg and all that is known of it. Unknown: nothing happens.
    pub fn remove_leg(&mut self, leg: LegKey) {
        let Ok(at) = self.find(leg) else { return };
        let gone = self.legs.remove(at);
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
            leg.output.set_sending(sending);
        }
    }

    /// Mixes one tick at `now` and hands out what is to be sent, in the order of the keys, at most one frame a leg.
    ///
    /// It neither allocates, locks nor waits. A leg without a frame hears lasting silence, or is not sent to.
    pub fn tick(&mut self, now: Micros, mut output: impl FnMut(LegKey, EncodedFrame<'_>)) {
        self.choose_decoded();
        self.bus.clear();
        for leg in &mut self.legs {
            leg.input.tick(leg.decode, now);
            if let Some(frame) = leg.input.audible_frame() {
                self.bus.contribute(leg.speaker, frame);
            }
        }
        for leg in self.legs.iter_mut().filter(|leg| leg.output.is_sending()) {
            let audible = self.bus.mix_for(leg.speaker, &mut self.mix);
            if let Some(frame) = leg.output.tick(&self.mix, audible) {
                output(leg.key, frame);
            }
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
        Some(LegStats { encode_errors: leg.output.encode_errors(), ..leg.input.stats() })
    }

    /// There are no legs, so there is nothing to tick for.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty()
    }

    /// Chooses whose sound is decoded: everyone's if they are few, else those with the strongest claim.
    fn choose_decoded(&mut self) {
        self.claims.clear();
        for (at, leg) in self.legs.iter_mut().enumerate() {
            leg.decode = true;
            if let Some(claim) = leg.input.claim() {
                self.claims.push((claim, at));
            }
        }
        if self.claims.len() > self.config.decoded_max {
            // By falling claim, then by key: the order of legs is that of their keys.
            self.claims.sort_unstable_by_key(|&(claim, at)| (core::cmp::Reverse(claim), at));
            for &(_, at) in &self.claims[self.config.decoded_max..] {
                self.legs[at].decode = false;
            }
        }
    }

    fn find(&self, leg: LegKey) -> Result<usize, usize> {
        self.legs.binary_search_by_key(&leg, |leg| leg.key)
    }

    fn leg_mut(&mut self, leg: LegKey) -> Option<&mut Leg> {
        let at = self.find(leg).ok()?;
        Some(&mut self.legs[at])
    }
}
