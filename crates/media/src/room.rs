//! One conference on the mixing thread: its mixer, and the links of those in it.
//!
//! When to tick is not decided here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use confocal::conference::{Generation, LegId, LegLevel, LevelDbov, ParticipantId};
use confocal_mixer::{
    AddLegError, EncodedFrame, FRAME_SAMPLES, LegKey, Micros, Mixer, MixerConfig, RtpAudio, SpeakerKey,
};
use confocal_transport::{AudioLink, Direction};

use crate::flow::Flow;
use crate::stats::LegStats;

/// A level that differs by less than this from the one that was told is no news, in dB.
const LEVEL_STEP: u8 = 3;

/// A leg on its way into a room.
#[derive(Debug)]
pub(crate) struct Seat<L> {
    pub(crate) leg: LegId,
    pub(crate) generation: Generation,
    pub(crate) participant: ParticipantId,
    pub(crate) direction: Direction,
    /// Whether others hear it; may change at any time, and counts from the next tick on.
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) link: L,
    /// Where its stats can be read.
    pub(crate) stats: Arc<Mutex<LegStats>>,
}

/// A conference: a mixer and its legs.
#[derive(Debug)]
pub(crate) struct Room<L> {
    mixer: Mixer,
    /// Ordered by leg, as the mixer's frames come.
    seated: Vec<Seated<L>>,
    /// The payloads of the tick, by the mixer's number of their stream: a few.
    payloads: Vec<(usize, Bytes)>,
}

#[derive(Debug)]
struct Seated<L> {
    seat: Seat<L>,
    /// What the mixer was told last.
    heard: bool,
    flow: Flow,
    /// The tick of the last frame.
    last_frame: Option<u64>,
    told_level: i8,
    told_speaking: bool,
}

impl<L: AudioLink> Room<L> {
    pub(crate) fn new(config: MixerConfig) -> Self {
        Self { mixer: Mixer::new(config), seated: Vec::new(), payloads: Vec::new() }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.seated.is_empty()
    }

    /// Takes a leg in whose connection has come up; `now` is counted from any origin, here and below.
    ///
    /// # Errors
    ///
    /// When the mixer does not take it.
    pub(crate) fn seat(&mut self, seat: Seat<L>, now: Duration) -> Result<(), AddLegError> {
        let key = LegKey(seat.leg.0);
        self.mixer.add_leg(key, SpeakerKey(seat.participant.0))?;
        let (leg, direction) = (seat.leg, seat.direction);
        let at = self.seated.partition_point(|other| other.seat.leg < leg);
        let silence = LevelDbov::SILENCE.0;
        // A new leg is sent to, received and heard as it is.
        self.seated.insert(
            at,
            Seated {
                heard: true,
                flow: Flow::new(seat.link.stats().arrived(), now),
                last_frame: None,
                told_level: silence,
                told_speaking: false,
                seat,
            },
        );
        if direction != Direction::SendRecv {
            self.direct(leg, direction);
        }
        Ok(())
    }

    /// Takes a leg out. Unknown: nothing happens.
    pub(crate) fn unseat(&mut self, leg: LegId) -> Option<LegStats> {
        let at = self.find(leg)?;
        let stats = self.stats_of(at);
        self.seated.remove(at);
        self.mixer.remove_leg(LegKey(leg.0));
        stats
    }

    /// Which way a leg's media flows from now on, seen from us.
    pub(crate) fn direct(&mut self, leg: LegId, direction: Direction) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seated.get_mut(at)) {
            seated.seat.direction = direction;
            self.mixer.set_receiving(LegKey(leg.0), direction.receives());
            self.mixer.set_sending(LegKey(leg.0), direction.sends());
        }
    }

    /// A leg's connection was interrupted, or is up again.
    pub(crate) fn set_connected(&mut self, leg: LegId, connected: bool, now: Duration) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seated.get_mut(at)) {
            seated.flow.set_connected(connected, now);
        }
    }

    /// Tells of which legs packets come no more, or come again. `tell` says whether it could.
    pub(crate) fn tell_flow(&mut self, now: Duration, mut tell: impl FnMut(LegId, Generation, bool) -> bool) {
        for Seated { seat, flow, .. } in &mut self.seated {
            let (arrived, sends) = (seat.link.stats().arrived(), seat.direction.receives());
            flow.look(arrived, sends, now, |flowing| tell(seat.leg, seat.generation, flowing));
        }
    }

    /// Hands the waiting packets to the mixer and sends what it makes of them. `tick` counts on also while nobody ticked;
    /// `micros` turns a packet's arrival into the mixer's time.
    pub(crate) fn tick(&mut self, tick: u64, now: Micros, micros: impl Fn(std::time::Instant) -> Micros) {
        for seated in &mut self.seated {
            let key = LegKey(seated.seat.leg.0);
            let heard = seated.seat.heard.load(Ordering::Relaxed);
            if heard != seated.heard {
                seated.heard = heard;
                self.mixer.set_heard(key, heard);
            }
            while let Some(packet) = seated.seat.link.receive() {
                self.mixer.push_packet(
                    key,
                    RtpAudio {
                        sequence: packet.sequence,
                        timestamp: packet.timestamp,
                        marker: packet.marker,
                        level: packet.claimed_level.map(confocal_mixer::LevelDbov::from_claim),
                        payload: &packet.payload,
                        arrival: micros(packet.arrival),
                    },
                );
            }
        }
        // The RTP clock goes on through silence; wrapping is its nature (RFC 3550 section 5.1).
        let timestamp = (tick.wrapping_mul(FRAME_SAMPLES as u64) & u64::from(u32::MAX)) as u32;
        self.payloads.clear();
        let mut seated = self.seated.iter_mut();
        self.mixer.tick(now, |key, frame| {
            // Both are in the order of the legs.
            let Some(seated) = seated.find(|seated| seated.seat.leg.0 == key.0) else { return };
            let payload = shared(&mut self.payloads, frame);
            let marker = seated.last_frame.is_none_or(|before| before + 1 != tick);
            seated.last_frame = Some(tick);
            // A full queue is counted by the link; a closed one is cleared away by its session.
            let _ = seated.seat.link.send(&payload, timestamp, marker);
        });
    }

    /// How hard the encoders work from now on, 0 to 10.
    pub(crate) fn set_complexity(&mut self, complexity: u8) {
        self.mixer.set_complexity(complexity);
    }

    /// The levels that changed since they were last told.
    pub(crate) fn changed_levels(&mut self) -> Vec<LegLevel> {
        let mut changed = Vec::new();
        let mut seated = self.seated.iter_mut();
        for measure in self.mixer.levels() {
            let Some(seated) = seated.find(|seated| seated.seat.leg.0 == measure.leg.0) else { continue };
            let level = measure.level.0;
            let moved = level.abs_diff(seated.told_level) >= LEVEL_STEP;
            if moved || measure.speaking != seated.told_speaking {
                seated.told_level = level;
                seated.told_speaking = measure.speaking;
                changed.push(LegLevel {
                    leg: seated.seat.leg,
                    level: LevelDbov(level),
                    speaking: measure.speaking,
                });
            }
        }
        changed
    }

    /// Forgets which levels were told, so that they are told again.
    pub(crate) fn levels_not_told(&mut self) {
        for seated in &mut self.seated {
            seated.told_level = i8::MIN;
        }
    }

    /// Makes the stats of every leg readable. Never waits: one that is being read is left for the next time.
    pub(crate) fn publish_stats(&self) {
        for (at, seated) in self.seated.iter().enumerate() {
            if let (Some(stats), Ok(mut published)) = (self.stats_of(at), seated.seat.stats.try_lock()) {
                *published = stats;
            }
        }
    }

    fn stats_of(&self, at: usize) -> Option<LegStats> {
        let seat = &self.seated.get(at)?.seat;
        Some(LegStats { link: seat.link.stats(), mixer: self.mixer.stats(LegKey(seat.leg.0))? })
    }

    fn find(&self, leg: LegId) -> Option<usize> {
        self.seated.binary_search_by_key(&leg, |seated| seated.seat.leg).ok()
    }
}

/// The frame's payload in a form that can be queued: copied once, and shared by all those who hear the same.
fn shared(payloads: &mut Vec<(usize, Bytes)>, frame: EncodedFrame<'_>) -> Bytes {
    if let Some((_, bytes)) = payloads.iter().find(|(stream, _)| *stream == frame.stream) {
        return bytes.clone();
    }
    let bytes = Bytes::copy_from_slice(frame.payload);
    payloads.push((frame.stream, bytes.clone()));
    bytes
}
