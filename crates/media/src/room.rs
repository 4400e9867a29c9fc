//! One conference on a shard's thread: its mixer, and who is in it.
//!
//! When to tick is not decided here; the port that packets pass is lent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use confocal::conference::{
    Generation, LegId, LegLevel, LegQuality, LevelDbov, ParticipantId, RecordingId, View,
};
use confocal_mixer::{
    AddLegError, Audience, Bandwidth, BitrateClass, Channels, Clip, Codec, CodecError, LegKey, Limiter,
    Micros, Mixer, MixerConfig, PacketKind, PlayError, Probe, Profile, RtpAudio, SAMPLE_RATE, Sink, SinkKey,
    Source, SpeakerKey,
};
use confocal_transport::{
    AudioCodec, AudioPacket, Direction, LinkId, LinkStats, OutgoingAudio, PacketPort, Voice,
};
use tracing::warn;

use crate::beat::TICK;
use crate::flow::Flow;
use crate::music::Music;
use crate::pictures::{PictureLines, Played};
use crate::quality::{Meter, Rhythm};
use crate::stats::{LegStats, SeenStats};

/// A level that differs by less than this from the one that was told is no news, in dB.
const LEVEL_STEP: u8 = 3;

/// A tick is 20 ms.
const TICKS_A_SECOND: u32 = 50;

/// How much later sound is in what is sent than in the tick that it is mixed in.
const MIX_DELAY: Duration =
    Duration::from_micros(Limiter::DELAY_SAMPLES as u64 * 1_000_000 / SAMPLE_RATE as u64);

/// What was agreed on a leg's media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Which way it flows, seen from us.
    pub(crate) direction: Direction,
    /// How sound is coded, both ways.
    pub(crate) voice: Voice,
}

/// A leg on its way into a room.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) leg: LegId,
    pub(crate) generation: Generation,
    pub(crate) participant: ParticipantId,
    /// What the participant is called in pictures.
    pub(crate) name: Arc<str>,
    pub(crate) terms: Terms,
    /// Whether others hear it; may change at any time, and counts once the room has looked at it.
    pub(crate) heard: Arc<AtomicBool>,
    /// Where its packets pass.
    pub(crate) link: LinkId,
    /// Where its stats can be read.
    pub(crate) stats: Arc<Mutex<LegStats>>,
    /// Its lines for pictures, which are the picture desk's matter.
    pub(crate) pictures: PictureLines,
    /// What is shown in its conference.
    pub(crate) view: Arc<Mutex<View>>,
}

/// A conference: a mixer and its legs.
#[derive(Debug)]
pub(crate) struct Room {
    mixer: Mixer,
    /// What a listener is sent who wants nothing else, in bit/s.
    usual_bitrate: i32,
    /// Ordered by leg, as the mixer's frames come.
    seated: Vec<Seated>,
    recording: Option<(RecordingId, SinkKey)>,
    music: Music,
    quality: Rhythm,
    /// The levels were told of the rest in which the mixer is, where they stay as they are.
    rest_told: bool,
}

#[derive(Debug)]
struct Seated {
    seat: Seat,
    flow: Flow,
    /// How many reports on what it misses the mixer was told of.
    told_missed: u64,
    /// How well its packets got through until it was told last.
    meter: Meter,
    /// The tick of the last frame.
    last_frame: Option<u64>,
    /// `None` where the last one could not be told.
    told_level: Option<i8>,
    told_speaking: bool,
}

impl Room {
    /// `music` is for whoever is alone in it.
    pub(crate) fn new(config: MixerConfig, music: Option<Clip>) -> Self {
        Self {
            usual_bitrate: config.encoder.bitrate,
            mixer: Mixer::new(config),
            seated: Vec::new(),
            recording: None,
            music: Music::new(music),
            quality: Rhythm::default(),
            rest_told: false,
        }
    }

    /// Nobody is in it, and it is not recorded: between two calls of the only one in it a recording goes on.
    pub(crate) const fn is_empty(&self) -> bool {
        self.seated.is_empty() && self.recording.is_none()
    }

    /// Plays a sound to everyone, or to one leg.
    ///
    /// # Errors
    ///
    /// When the mixer does not play it.
    pub(crate) fn play(&mut self, to: Option<LegId>, source: Box<dyn Source>) -> Result<(), PlayError> {
        let to = to.map_or(Audience::All, |leg| Audience::Leg(LegKey(leg.0)));
        let key = self.mixer.play(to, source)?;
        self.music.pause(&mut self.mixer);
        self.music.wait_for(key);
        Ok(())
    }

    /// Lets whoever is alone hear music, and nobody else; `now` as in [`seat`](Self::seat).
    pub(crate) fn look_at_music(&mut self, now: Duration) {
        let Self { mixer, seated, music, .. } = self;
        music.look(mixer, seated.iter().map(|Seated { seat, .. }| (seat.leg, seat.participant)), now);
    }

    /// Hands its mix out, in place of a recording that there may have been.
    ///
    /// # Errors
    ///
    /// When the mixer can't encode it.
    pub(crate) fn record(&mut self, recording: RecordingId, sink: Box<dyn Sink>) -> Result<(), CodecError> {
        if let Some((before, _)) = self.recording {
            self.stop_recording(before);
        }
        self.recording = Some((recording, self.mixer.record(sink)?));
        Ok(())
    }

    /// Hands it out no more; of another recording nothing happens.
    pub(crate) fn stop_recording(&mut self, recording: RecordingId) {
        if let Some((_, sink)) = self.recording.take_if(|(is, _)| *is == recording) {
            drop(self.mixer.stop_recording(sink));
        }
    }

    /// Takes a leg in whose connection has come up, and on which so many packets have come; `now` is counted from any origin, here
    /// and below.
    ///
    /// # Errors
    ///
    /// When the mixer does not take it.
    pub(crate) fn seat(&mut self, seat: Seat, arrived: u64, now: Duration) -> Result<(), AddLegError> {
        let key = LegKey(seat.leg.0);
        self.mixer.add_leg(key, SpeakerKey(seat.participant.0))?;
        if let Err(error) = self.mixer.set_profile(key, profile(seat.terms.voice, self.usual_bitrate)) {
            self.mixer.remove_leg(key);
            return Err(error.into());
        }
        self.music.pause(&mut self.mixer);
        self.set_stereo(seat.leg, seat.terms.voice);
        let (leg, direction) = (seat.leg, seat.terms.direction);
        let at = self.seated.partition_point(|other| other.seat.leg < leg);
        let silence = LevelDbov::SILENCE.0;
        // A new leg is sent to and received as it is.
        self.seated.insert(
            at,
            Seated {
                flow: Flow::new(arrived, now),
                told_missed: 0,
                meter: Meter::default(),
                last_frame: None,
                told_level: Some(silence),
                told_speaking: false,
                seat,
            },
        );
        if direction != Direction::SendRecv {
            self.direct(leg, direction);
        }
        self.look_at_heard(leg);
        Ok(())
    }

    /// Takes a leg out: its link, and what became of its packets. Unknown: nothing happens.
    pub(crate) fn unseat(&mut self, leg: LegId, port: &impl PacketPort) -> Option<(LinkId, LegStats)> {
        let at = self.find(leg)?;
        let stats = self.stats_of(at, port).unwrap_or_default();
        let seated = self.seated.remove(at);
        self.mixer.remove_leg(LegKey(leg.0));
        Some((seated.seat.link, stats))
    }

    /// What holds for a leg's media from now on.
    pub(crate) fn agree(&mut self, leg: LegId, terms: Terms) {
        let Some(seated) = self.find(leg).and_then(|at| self.seated.get_mut(at)) else { return };
        let before = std::mem::replace(&mut seated.seat.terms, terms);
        if before.voice != terms.voice {
            let profile = profile(terms.voice, self.usual_bitrate);
            if let Err(error) = self.mixer.set_profile(LegKey(leg.0), profile) {
                warn!(%leg, %error, "a leg is sent what it was sent before");
            }
            self.set_stereo(leg, terms.voice);
        }
        self.direct(leg, terms.direction);
    }

    /// Takes two channels from a leg, if it says that it sends two.
    fn set_stereo(&mut self, leg: LegId, voice: Voice) {
        if let Err(error) = self.mixer.set_stereo(LegKey(leg.0), voice.sends_stereo) {
            warn!(%leg, %error, "two channels of a leg are not heard as two");
        }
    }

    /// Whether others hear a leg may have changed.
    pub(crate) fn look_at_heard(&mut self, leg: LegId) {
        let Some(seated) = self.find(leg).and_then(|at| self.seated.get(at)) else { return };
        self.mixer.set_heard(LegKey(leg.0), seated.seat.heard.load(Ordering::Relaxed));
    }

    fn direct(&mut self, leg: LegId, direction: Direction) {
        self.mixer.set_receiving(LegKey(leg.0), direction.receives());
        self.mixer.set_sending(LegKey(leg.0), direction.sends());
    }

    /// A leg's connection was interrupted, or is up again.
    pub(crate) fn set_connected(&mut self, leg: LegId, connected: bool, now: Duration) {
        if let Some(seated) = self.find(leg).and_then(|at| self.seated.get_mut(at)) {
            seated.flow.set_connected(connected, now);
        }
    }

    /// Looks at what the port has counted: tells of which legs packets come no more, or come again, and lets those be protected from
    /// loss who say that they miss packets. `tell` says whether it could.
    pub(crate) fn look_at_counts(
        &mut self,
        port: &impl PacketPort,
        now: Duration,
        mut tell: impl FnMut(LegId, Generation, bool) -> bool,
    ) {
        for Seated { seat, flow, told_missed, .. } in &mut self.seated {
            let stats = port.stats(seat.link);
            if let Some(LinkStats { missed: Some(missed), told_missed: count, .. }) = stats
                && count != *told_missed
            {
                *told_missed = count;
                if let Err(error) = self.mixer.note_loss(LegKey(seat.leg.0), missed) {
                    warn!(leg = %seat.leg, %error, "a leg is not protected from loss");
                }
            }
            // A link that is gone brings no more packets, which is what there is to tell.
            let arrived = stats.map_or_else(|| flow.arrived(), |stats| stats.arrived());
            let sends = seat.terms.direction.receives();
            flow.look(arrived, sends, now, |flowing| tell(seat.leg, seat.generation, flowing));
        }
    }

    /// Tells how well the packets of all legs get through, when it is time for that. `tell` says whether it could; else it is tried again the
    /// next time.
    pub(crate) fn look_at_quality(
        &mut self,
        port: &impl PacketPort,
        now: Duration,
        tell: impl FnOnce(Vec<LegQuality>) -> bool,
    ) {
        if !self.quality.is_due(now) {
            return;
        }
        let measure = |Seated { seat, meter, .. }: &Seated| {
            let quality = meter.read(&port.stats(seat.link)?)?;
            Some(LegQuality { leg: seat.leg, generation: seat.generation, quality })
        };
        if tell(self.seated.iter().filter_map(measure).collect()) {
            self.quality.told(now);
            for Seated { seat, meter, .. } in &mut self.seated {
                meter.told(&port.stats(seat.link).unwrap_or_default());
            }
        }
    }

    /// A packet of a leg has come.
    pub(crate) fn push(&mut self, leg: LegId, packet: &AudioPacket<'_>, arrival: Micros) {
        self.mixer.push_packet_of(
            LegKey(leg.0),
            PacketKind::Sound(codec(packet.codec)),
            RtpAudio {
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                level: packet.claimed_level.map(confocal_mixer::LevelDbov::from_claim),
                payload: packet.payload,
                arrival,
            },
        );
    }

    /// Mixes, and sends what comes of it. `tick` counts on also while nobody ticked.
    pub(crate) fn tick(&mut self, tick: u64, now: Micros, probe: &mut Probe, port: &mut impl PacketPort) {
        let mut seated = self.seated.iter_mut();
        self.mixer.tick_with(probe, now, |key, frame| {
            // Both are in the order of the legs.
            let Some(seated) = seated.find(|seated| seated.seat.leg.0 == key.0) else { return };
            let marker = seated.last_frame.is_none_or(|before| before + 1 != tick);
            seated.last_frame = Some(tick);
            // The RTP clock goes on through silence; wrapping is its nature (RFC 3550 section 5.1).
            let timestamp = tick.wrapping_mul(u64::from(frame.codec.clock_rate() / TICKS_A_SECOND)) as u32;
            // What was not sent is counted by the port; a closed link is cleared away by its session.
            let _ = port.send(seated.seat.link, OutgoingAudio { payload: frame.payload, timestamp, marker });
        });
    }

    /// Of each leg whose sound was in the tick that began then: what was played.
    pub(crate) fn played(&self, began: Instant) -> impl Iterator<Item = (LegId, Played)> {
        self.seated.iter().filter_map(move |Seated { seat, .. }| {
            let key = LegKey(seat.leg.0);
            let (timestamp, stats) = (self.mixer.played(key)?, self.mixer.stats(key)?);
            let rate = seat.terms.voice.codec.clock_rate();
            // A packet comes when all of its sound is there, and then waits for those that come late.
            let waits = TICK + Duration::from_millis(u64::from(stats.depth_ms)) + MIX_DELAY;
            Some((seat.leg, Played { timestamp, rate, at: began + MIX_DELAY, waits }))
        })
    }

    /// How hard the encoders work from now on, 0 to 10.
    pub(crate) fn set_complexity(&mut self, complexity: u8) {
        self.mixer.set_complexity(complexity);
    }

    /// The levels that changed since they were last told, and those of whoever speaks: a voice that stays as loud as it is goes on being
    /// told, since who has the word is decided by how long one speaks.
    pub(crate) fn changed_levels(&mut self) -> Vec<LegLevel> {
        let mut changed = Vec::new();
        // Between two looks no rest ends and begins: a sound is followed by more silence than that before all is at rest.
        if std::mem::replace(&mut self.rest_told, self.mixer.is_at_rest()) && self.rest_told {
            return changed;
        }
        let mut seated = self.seated.iter_mut();
        for measure in self.mixer.levels() {
            let Some(seated) = seated.find(|seated| seated.seat.leg.0 == measure.leg.0) else { continue };
            let level = measure.level.0;
            let moved = seated.told_level.is_none_or(|told| level.abs_diff(told) >= LEVEL_STEP);
            if moved || measure.speaking || seated.told_speaking {
                seated.told_level = Some(level);
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
            seated.told_level = None;
        }
        self.rest_told = false;
    }

    /// Makes the stats of every leg readable. Never waits: one that is being read is left for the next time.
    pub(crate) fn publish_stats(&self, port: &impl PacketPort, seen: impl Fn(LegId) -> SeenStats) {
        for (at, seated) in self.seated.iter().enumerate() {
            if let (Some(stats), Ok(mut published)) = (self.stats_of(at, port), seated.seat.stats.try_lock())
            {
                *published = LegStats { seen: seen(seated.seat.leg), ..stats };
            }
        }
    }

    fn stats_of(&self, at: usize, port: &impl PacketPort) -> Option<LegStats> {
        let seat = &self.seated.get(at)?.seat;
        let link = port.stats(seat.link).unwrap_or_default();
        let mixer = self.mixer.stats(LegKey(seat.leg.0))?;
        Some(LegStats { link, mixer, ..LegStats::default() })
    }

    fn find(&self, leg: LegId) -> Option<usize> {
        self.seated.binary_search_by_key(&leg, |seated| seated.seat.leg).ok()
    }
}

/// What is sent to one who receives so.
fn profile(voice: Voice, usual_bitrate: i32) -> Profile {
    // Who takes fewer bits than two channels need is better served with one.
    let takes = |bits: u32| i64::from(bits) >= i64::from(Profile::stereo_bitrate(usual_bitrate));
    let stereo = voice.wants_stereo && voice.max_average_bitrate.is_none_or(takes);
    Profile {
        channels: if stereo { Channels::Stereo } else { Channels::Mono },
        codec: codec(voice.codec),
        bandwidth: voice.max_playback_rate.map_or_else(Bandwidth::default, Bandwidth::within),
        bitrate: voice
            .max_average_bitrate
            .map_or_else(BitrateClass::default, |bits| BitrateClass::within(bits, usual_bitrate)),
        ..Profile::default()
    }
}

/// The mixer's name of a codec.
const fn codec(codec: AudioCodec) -> Codec {
    match codec {
        AudioCodec::Opus => Codec::Opus,
        AudioCodec::Pcmu => Codec::Pcmu,
        AudioCodec::Pcma => Codec::Pcma,
    }
}

#[cfg(test)]
mod tests;
