//! The jitter buffer of one sender: packets in as the network brings them, out in order and on time.
//!
//! Decoding never lives here: what comes out is a packet, a hole to conceal, or silence.

mod store;
mod timeline;

use crate::codec::{MAX_PACKET_SAMPLES, packet_has_copy, packet_samples};
use crate::config::JitterConfig;
use crate::frame::{Codec, PacketKind, RtpAudio, SAMPLE_RATE, TICK_MS};
use crate::sequence::{Place, SequenceExtender, extend_timestamp};
use crate::time::Micros;
use crate::transit::Transit;

use store::{CAPACITY, PAYLOAD_MAX, Slot, Store};
use timeline::{Timeline, What};

/// A packet whose timestamp disagrees with its arrival by more than this begins a new timeline: 2 s.
const DISAGREEMENT_MAX_US: i64 = 2_000_000;

/// After a loss, or a packet with a copy of the one before it, the depth is one packet more for so long, so that the next packet
/// is there when its copy of a lost one is needed: 10 s.
const LOSS_MEMORY_US: i64 = 10_000_000;

/// Up to this length a packet announces discontinuous transmission (libopus sends a bare TOC byte, or two).
const DTX_BYTES_MAX: usize = 2;

/// What a packet without sound stands for: 20 ms.
const USUAL_SAMPLES: u32 = 960;

/// Puts packets in order and delays them by as much as the network is uneven, within bounds.
///
/// It works on media time. A packet's *transit* is its arrival less its timestamp; the quickest of late is the base, and the
/// depth is what lets nearly all others come in time. After silence the first packet is played at base + timestamp +
/// depth. Within speech packets are played back to back:
///
/// - a hole in the sequence numbers is loss: [`Playout::Lost`] until it is filled, at most
///   [`conceal_ms`](JitterConfig::conceal_ms) of it, then silence;
/// - a hole in the timestamps alone is silence, as is all that follows a packet of at most two bytes;
/// - nothing there at all is concealed too, but the timeline waits: sound that comes late after all is still played, and
///   so the depth grows at once. What was late stays late until a pause, or until the caller shortens a quiet stretch by
///   the [surplus](JitterBuffer::surplus_us);
/// - a single packet in the midst of silence, which encoders send to renew their noise, is silence too;
/// - after a loss the depth is one packet more, because with the packet after it a lost one can be recovered; and so it is where packets
///   have copies, which senders make that were told of losses;
/// - a packet that waited longer than [`max_depth_ms`](JitterConfig::max_depth_ms) is dropped, and those after it until the
///   wait is the depth again.
///
/// All memory is allocated by [`JitterBuffer::new`].
#[derive(Debug)]
pub struct JitterBuffer {
    config: JitterConfig,
    store: Store,
    sequences: SequenceExtender,
    /// The latest timestamp taken, extended, in the sender's clock.
    last_timestamp: Option<i64>,
    /// Samples at 48 kHz in a tick of the sender's clock.
    clock: i64,
    transit: Transit,
    timeline: Timeline,
    /// Until when, on the scale of arrivals, the line counts as lossy.
    lossy_until: i64,
    counts: JitterCounts,
}

impl Slot {
    const fn is_dtx(&self) -> bool {
        match self.kind {
            PacketKind::Sound(Codec::Opus) => self.bytes() <= DTX_BYTES_MAX,
            PacketKind::Sound(Codec::Pcmu | Codec::Pcma) => false,
            PacketKind::ComfortNoise | PacketKind::TelephoneEvent => true,
        }
    }

    /// It may have a copy of the packet before.
    fn may_recover(&self) -> bool {
        self.kind == PacketKind::Sound(Codec::Opus) && !self.is_dtx()
    }
}

/// What became of a packet that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It waits to be played.
    Stored,
    /// Dropped: its time is over.
    Late,
    /// Dropped: it is there already.
    Duplicate,
    /// Dropped: it is not what it is said to be, too large, or its number is far from all others.
    Malformed,
}

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playout<'a> {
    /// This packet.
    Packet {
        /// How it is encoded.
        codec: Codec,
        /// Its payload.
        payload: &'a [u8],
        /// Samples in it at 48 kHz.
        samples: u32,
    },
    /// Made-up sound for a missing packet.
    Lost {
        /// How much, a multiple of 120 samples (2.5 ms) at 48 kHz.
        samples: u32,
        /// The Opus packet right after the hole, if the hole ends with this piece: it may carry a coarse copy of what is missing.
        next: Option<&'a [u8]>,
    },
    /// The sender falls silent by announcement.
    Dtx {
        /// Samples that the announcement stands for at 48 kHz.
        samples: u32,
    },
    /// Nothing for now: nobody speaks, or it is too early.
    Silence,
}

/// What a jitter buffer has counted, in packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JitterCounts {
    /// Pushed.
    pub received: u64,
    /// Dropped: came after their time.
    pub late: u64,
    /// Dropped: came twice.
    pub duplicate: u64,
    /// Dropped: not usable.
    pub malformed: u64,
    /// Dropped unplayed, to keep the delay within its bound.
    pub discarded: u64,
    /// Never came in time.
    pub lost: u64,
    /// Pieces handed out to be concealed.
    pub concealed: u64,
    /// Packets of at most two bytes.
    pub dtx: u64,
}

impl JitterBuffer {
    /// An empty buffer. A configuration with bounds in the wrong order is read with the maximum winning.
    #[must_use]
    pub fn new(config: JitterConfig) -> Self {
        Self {
            config,
            store: Store::new(),
            sequences: SequenceExtender::default(),
            last_timestamp: None,
            clock: 1,
            transit: Transit::new(i64::from(config.start_depth_ms) * 1000),
            timeline: Timeline::new(config.conceal_ms),
            lossy_until: i64::MIN,
            counts: JitterCounts::default(),
        }
    }

    /// Takes a packet of Opus. Nothing about it is trusted.
    pub fn push(&mut self, packet: RtpAudio<'_>) -> Arrival {
        self.push_kind(PacketKind::Sound(Codec::Opus), packet)
    }

    /// Takes a packet of any kind. Nothing about it is trusted.
    pub fn push_kind(&mut self, kind: PacketKind, packet: RtpAudio<'_>) -> Arrival {
        self.counts.received += 1;
        let arrival = self.place(kind, packet);
        match arrival {
            Arrival::Stored => {}
            Arrival::Late => self.counts.late += 1,
            Arrival::Duplicate => self.counts.duplicate += 1,
            Arrival::Malformed => self.counts.malformed += 1,
        }
        arrival
    }

    fn place(&mut self, kind: PacketKind, packet: RtpAudio<'_>) -> Arrival {
        let bytes = packet.payload.len();
        let Some(samples) = samples_in(kind, packet.payload).filter(|_| bytes <= PAYLOAD_MAX) else {
            return Arrival::Malformed;
        };
        let sequence = match self.sequences.place(packet.sequence) {
            Place::At(sequence) => sequence,
            Place::Restart(sequence) => {
                self.forget();
                sequence
            }
            Place::Nowhere => return Arrival::Malformed,
        };
        if let PacketKind::Sound(codec) = kind {
            let clock = i64::from(SAMPLE_RATE / codec.clock_rate());
            if clock != self.clock {
                self.forget();
                self.clock = clock;
            }
        }
        let timestamp = self.media_time(kind, &packet);

        if self.timeline.is_over(sequence) {
            return Arrival::Late;
        }
        if let Some(head) = self.store.head()
            && sequence < head.sequence - CAPACITY as i64 / 2
        {
            // Far behind those that wait to be played: storing it would only push them out.
            return Arrival::Late;
        }
        if self.store.find(sequence).is_some() {
            return Arrival::Duplicate;
        }
        self.make_room(sequence, bytes);
        if self.store.is_taken(sequence) {
            // One much newer waits in its place.
            return Arrival::Late;
        }
        if kind == PacketKind::Sound(Codec::Opus) && packet_has_copy(packet.payload) {
            self.lossy_until = packet.arrival.signed() + LOSS_MEMORY_US;
        }
        let slot = Slot::new(kind, sequence, timestamp, packet.arrival.signed(), samples);
        self.store.insert(slot, packet.payload);
        Arrival::Stored
    }

    /// A packet's timestamp, extended and at 48 kHz; what it tells of the network is noted.
    fn media_time(&mut self, kind: PacketKind, packet: &RtpAudio<'_>) -> i64 {
        let mut timestamp = match self.last_timestamp {
            Some(last) => extend_timestamp(last, packet.timestamp),
            None => i64::from(packet.timestamp),
        };
        // A key's timestamp is that of its first packet for as long as it is pressed (RFC 4733 section 2.2.1).
        if kind != PacketKind::TelephoneEvent {
            let lateness = self.transit.lateness(timestamp * self.clock, packet.arrival).unwrap_or(0);
            if lateness.abs() > DISAGREEMENT_MAX_US {
                // The sender's clock jumped, or stood still in silence: nothing measured on it holds any longer.
                self.forget();
                timestamp = i64::from(packet.timestamp);
            }
            self.transit.note(timestamp * self.clock, packet.arrival);
        }
        self.last_timestamp = Some(self.last_timestamp.map_or(timestamp, |last| last.max(timestamp)));
        timestamp * self.clock
    }

    /// Takes what is to be played next. Call it at `now` until a tick's worth of sound is there, or there is
    /// [`Playout::Silence`].
    pub fn pop(&mut self, now: Micros) -> Playout<'_> {
        let now = now.signed();
        self.drop_stale(now);
        self.skip_keys();
        let head = self.store.head();
        let due = head.and_then(|head| self.due(&head, now));
        let in_silence = !self.timeline.is_playing();
        let step = self.timeline.step(head, due, now);
        if step.lost > 0 {
            self.counts.lost += step.lost;
            self.lossy_until = now + LOSS_MEMORY_US;
        }
        match (step.what, head) {
            (What::Play, Some(slot)) => {
                self.store.remove_head();
                match slot.kind {
                    PacketKind::Sound(codec)
                        if !(slot.is_dtx() || in_silence && self.is_followed_by_dtx(slot.sequence)) =>
                    {
                        Playout::Packet { codec, payload: self.store.payload(&slot), samples: slot.samples }
                    }
                    PacketKind::Sound(_) | PacketKind::ComfortNoise | PacketKind::TelephoneEvent => {
                        self.counts.dtx += 1;
                        Playout::Dtx { samples: slot.samples }
                    }
                }
            }
            (What::Conceal { samples, last }, head) => {
                self.counts.concealed += 1;
                let next = head.filter(|head| last && head.may_recover());
                Playout::Lost { samples, next: next.map(|head| self.store.payload(&head)) }
            }
            (What::Play | What::Silence, _) => Playout::Silence,
        }
    }

    /// Lets go of keys in silence, and of those behind which sound goes on: some senders speak on while a key is pressed.
    fn skip_keys(&mut self) {
        while let Some(head) = self.store.head()
            && head.kind == PacketKind::TelephoneEvent
            && self.timeline.is_next(&head)
            && (!self.timeline.is_playing() || self.store.find(head.sequence + 1).is_some())
        {
            self.store.remove_head();
            self.timeline.skip(&head);
        }
    }

    fn is_followed_by_dtx(&self, sequence: i64) -> bool {
        self.store.find(sequence + 1).is_some_and(|next| next.is_dtx())
    }

    /// How much later than at the aimed-at depth the next packet would be played at `now`, µs.
    ///
    /// It is positive when sound came late and was waited for, and is paid back by leaving out a packet of quiet sound. It is
    /// never more than what waits behind that packet.
    #[must_use]
    pub fn surplus_us(&self, now: Micros) -> u32 {
        let Some(head) = self.store.head() else { return 0 };
        let behind = self.buffered_ms().saturating_sub(head.samples / 48);
        let due = self.transit.due(head.timestamp, self.depth_us(now.signed()));
        let surplus = due.map_or(0, |due| u32::try_from(now.signed() - due).unwrap_or(0));
        surplus.min(behind.saturating_mul(1000))
    }

    /// The RTP timestamp of what was `samples` at 48 kHz before that which [`pop`](Self::pop) gives next; `None` in a pause.
    #[must_use]
    pub fn timestamp_before(&self, samples: u32) -> Option<u32> {
        let at = (self.timeline.next_sample()? - i64::from(samples)).div_euclid(self.clock);
        // RTP's own arithmetic: the lower 32 bits.
        Some(at as u32)
    }

    /// Packets wait to be played.
    #[must_use]
    pub const fn has_packets(&self) -> bool {
        self.store.len() > 0
    }

    /// Nobody plays it for now: what follows is due at its own time, and nothing before it is missing.
    pub const fn pause(&mut self) {
        self.timeline.pause();
    }

    /// Lets go of packets that nobody plays, and keeps those whose time is not over for longer than `keep_ms`.
    /// Returns whether sound went by, and not only announcements of silence.
    pub fn pass(&mut self, now: Micros, keep_ms: u32) -> bool {
        let now = now.signed();
        let mut sound = false;
        while let Some(head) = self.store.head()
            && self.due(&head, now).is_some_and(|due| now - due >= i64::from(keep_ms) * 1000)
        {
            sound |= !head.is_dtx();
            self.discard(&head);
            // Nothing is missing of what nobody plays.
            self.timeline.pause();
        }
        sound
    }

    /// The packets that wait and are more than announcements of silence, in their order.
    pub fn sounds(&self) -> impl Iterator<Item = (Codec, &[u8])> {
        self.store.iter().filter_map(|slot| match slot.kind {
            PacketKind::Sound(codec) if !slot.is_dtx() => Some((codec, self.store.payload(&slot))),
            PacketKind::Sound(_) | PacketKind::ComfortNoise | PacketKind::TelephoneEvent => None,
        })
    }

    /// The next packet is overdue by a tick or more.
    #[must_use]
    pub fn is_overdue(&self, now: Micros) -> bool {
        let now = now.signed();
        let due = self.store.head().and_then(|head| self.due(&head, now));
        due.is_some_and(|due| now - due >= i64::from(TICK_MS) * 1000)
    }

    /// Forgets packets, timeline and the sender's clock, as for a new sender. What is known of the network stays.
    pub fn reset(&mut self) {
        self.sequences = SequenceExtender::default();
        self.forget();
    }

    /// What was counted since the buffer was made.
    #[must_use]
    pub const fn counts(&self) -> JitterCounts {
        self.counts
    }

    /// The sound that waits, in milliseconds.
    #[must_use]
    pub fn buffered_ms(&self) -> u32 {
        self.store.iter().map(|slot| slot.samples / 48).sum()
    }

    /// The depth aimed at as far as jitter goes, in milliseconds.
    #[must_use]
    pub fn depth_ms(&self) -> u32 {
        u32::try_from(self.depth_us(i64::MAX) / 1000).unwrap_or(0)
    }

    fn depth_us(&self, now: i64) -> i64 {
        let max = i64::from(self.config.max_depth_ms) * 1000;
        let depth = self.transit.depth().max(i64::from(self.config.min_depth_ms) * 1000);
        let more = if now < self.lossy_until { self.timeline.packet_us() } else { 0 };
        (depth + more).min(max)
    }

    /// When the packet is due: at the depth, and in any case before it would have waited too long at the next tick.
    fn due(&self, head: &Slot, now: i64) -> Option<i64> {
        let max = i64::from(self.config.max_depth_ms.saturating_sub(TICK_MS)) * 1000;
        let due = self.transit.due(head.timestamp, self.depth_us(now))?;
        Some(due.min(head.arrival + max))
    }

    /// Drops packets that waited longer than the maximum, then those that waited longer than the depth.
    fn drop_stale(&mut self, now: i64) {
        let mut bound = i64::from(self.config.max_depth_ms) * 1000;
        while let Some(head) = self.store.head() {
            if now - head.arrival <= bound {
                return;
            }
            bound = self.depth_us(now);
            self.discard(&head);
        }
    }

    /// Drops the oldest packets until `sequence` has a place in the window, and so many bytes in the memory.
    fn make_room(&mut self, sequence: i64, bytes: usize) {
        while let Some(head) = self.store.head()
            && (sequence - head.sequence >= CAPACITY as i64 || !self.store.has_room(bytes))
        {
            self.discard(&head);
        }
    }

    fn discard(&mut self, head: &Slot) {
        self.store.remove_head();
        self.counts.discarded += 1;
        self.counts.lost += self.timeline.pass(head);
    }

    fn forget(&mut self) {
        self.counts.discarded += self.store.len() as u64;
        self.store.clear();
        self.last_timestamp = None;
        self.transit.forget_clock();
        self.timeline = Timeline::new(self.config.conceal_ms);
    }
}

/// How many samples at 48 kHz a packet stands for, or `None` if it is not of its kind.
fn samples_in(kind: PacketKind, payload: &[u8]) -> Option<u32> {
    match kind {
        PacketKind::Sound(Codec::Opus) => packet_samples(payload),
        PacketKind::Sound(Codec::Pcmu | Codec::Pcma) => {
            // A byte is a sample, of which there are six at 48 kHz.
            let samples =
                payload.len().checked_mul(6).filter(|samples| (1..=MAX_PACKET_SAMPLES).contains(samples));
            samples.map(|samples| samples as u32)
        }
        // A level, and more about the spectrum (RFC 3389 section 3); an event of 4 bytes, or several (RFC 4733 section 2.3).
        PacketKind::ComfortNoise => (!payload.is_empty()).then_some(USUAL_SAMPLES),
        PacketKind::TelephoneEvent => (payload.len() >= 4).then_some(USUAL_SAMPLES),
    }
}

#[cfg(test)]
mod tests;
