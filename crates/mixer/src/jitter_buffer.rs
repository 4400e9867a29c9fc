//! The jitter buffer of one sender: packets in as the network brings them, out in order and on time.
//!
//! Decoding never lives here: what comes out is a packet, a hole to conceal, or silence.

mod timeline;

use crate::codec::packet_samples;
use crate::config::JitterConfig;
use crate::frame::{RtpAudio, TICK_MS};
use crate::sequence::{Place, SequenceExtender, extend_timestamp};
use crate::time::Micros;
use crate::transit::Transit;

use timeline::{Timeline, What};

/// Packets held at most: 320 ms of 10 ms packets, the shortest that browsers send (`minptime=10`).
const CAPACITY: usize = 32;

/// The longest payload taken: what fits an Ethernet frame.
const PAYLOAD_MAX: usize = 1500;

/// A packet whose timestamp disagrees with its arrival by more than this begins a new timeline: 2 s.
const DISAGREEMENT_MAX_US: i64 = 2_000_000;

/// After a loss the depth is one packet more for so long, so that the next packet is there when its copy of a lost one is
/// needed: 10 s.
const LOSS_MEMORY_US: i64 = 10_000_000;

/// Up to this length a packet announces discontinuous transmission (libopus sends a bare TOC byte, or two).
const DTX_BYTES_MAX: usize = 2;

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
/// - after a loss the depth is one packet more, because with the packet after it a lost one can be recovered;
/// - a packet that waited longer than [`max_depth_ms`](JitterConfig::max_depth_ms) is dropped, and those after it until the
///   wait is the depth again.
///
/// All memory is allocated by [`JitterBuffer::new`].
#[derive(Debug)]
pub struct JitterBuffer {
    config: JitterConfig,
    slots: Box<[Slot; CAPACITY]>,
    payloads: Box<[u8]>,
    /// Packets that wait.
    waiting: usize,
    /// The lowest number of them, if there are any.
    first: i64,
    sequences: SequenceExtender,
    /// The latest timestamp taken, extended.
    last_timestamp: Option<i64>,
    transit: Transit,
    timeline: Timeline,
    /// Until when, on the scale of arrivals, the line counts as lossy.
    lossy_until: i64,
    counts: JitterCounts,
}

/// Where one packet is kept.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    full: bool,
    sequence: i64,
    timestamp: i64,
    arrival: i64,
    samples: u32,
    bytes: usize,
}

impl Slot {
    const fn is_dtx(&self) -> bool {
        self.bytes <= DTX_BYTES_MAX
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
    /// Dropped: it is not Opus, too large, or its number is far from all others.
    Malformed,
}

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playout<'a> {
    /// This packet.
    Packet {
        /// The Opus packet.
        payload: &'a [u8],
        /// Samples in it at 48 kHz.
        samples: u32,
    },
    /// Made-up sound for a missing packet.
    Lost {
        /// How much, a multiple of 120 samples (2.5 ms) at 48 kHz.
        samples: u32,
        /// The packet right after the hole, if the hole ends with this piece: it may carry a coarse copy of what is missing.
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
            slots: Box::new([Slot::default(); CAPACITY]),
            waiting: 0,
            first: 0,
            payloads: vec![0; CAPACITY * PAYLOAD_MAX].into_boxed_slice(),
            sequences: SequenceExtender::default(),
            last_timestamp: None,
            transit: Transit::new(i64::from(config.start_depth_ms) * 1000),
            timeline: Timeline::new(config.conceal_ms),
            lossy_until: i64::MIN,
            counts: JitterCounts::default(),
        }
    }

    /// Takes a packet. Nothing about it is trusted.
    pub fn push(&mut self, packet: RtpAudio<'_>) -> Arrival {
        self.counts.received += 1;
        let arrival = self.place(packet);
        match arrival {
            Arrival::Stored => {}
            Arrival::Late => self.counts.late += 1,
            Arrival::Duplicate => self.counts.duplicate += 1,
            Arrival::Malformed => self.counts.malformed += 1,
        }
        arrival
    }

    fn place(&mut self, packet: RtpAudio<'_>) -> Arrival {
        let bytes = packet.payload.len();
        let Some(samples) = packet_samples(packet.payload).filter(|_| bytes <= PAYLOAD_MAX) else {
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
        let mut timestamp = match self.last_timestamp {
            Some(last) => extend_timestamp(last, packet.timestamp),
            None => i64::from(packet.timestamp),
        };
        let lateness = self.transit.lateness(timestamp, packet.arrival).unwrap_or(0);
        if lateness.abs() > DISAGREEMENT_MAX_US {
            // The sender's clock jumped, or stood still in silence: nothing measured on it holds any longer.
            self.forget();
            timestamp = i64::from(packet.timestamp);
        }
        self.transit.note(timestamp, packet.arrival);
        self.last_timestamp = Some(self.last_timestamp.map_or(timestamp, |last| last.max(timestamp)));

        if self.timeline.is_over(sequence) {
            return Arrival::Late;
        }
        if let Some(head) = self.head()
            && sequence < self.slots[head].sequence - CAPACITY as i64 / 2
        {
            // Far behind those that wait to be played: storing it would only push them out.
            return Arrival::Late;
        }
        let slot = index(sequence);
        if self.slots[slot].full && self.slots[slot].sequence == sequence {
            return Arrival::Duplicate;
        }
        self.make_room(sequence);
        if self.slots[slot].full {
            // One much newer waits in its place.
            return Arrival::Late;
        }
        self.slots[slot] =
            Slot { full: true, sequence, timestamp, arrival: packet.arrival.signed(), samples, bytes };
        self.payloads[slot * PAYLOAD_MAX..][..bytes].copy_from_slice(packet.payload);
        self.first = if self.waiting == 0 { sequence } else { self.first.min(sequence) };
        self.waiting += 1;
        Arrival::Stored
    }

    /// Takes what is to be played next. Call it at `now` until a tick's worth of sound is there, or there is
    /// [`Playout::Silence`].
    pub fn pop(&mut self, now: Micros) -> Playout<'_> {
        let now = now.signed();
        self.drop_stale(now);
        let head = self.head();
        let due = head.and_then(|head| self.due(head, now));
        let in_silence = !self.timeline.is_playing();
        let step = self.timeline.step(head.map(|head| self.slots[head]), due, now);
        if step.lost > 0 {
            self.counts.lost += step.lost;
            self.lossy_until = now + LOSS_MEMORY_US;
        }
        match (step.what, head) {
            (What::Play, Some(head)) => {
                let slot = self.slots[head];
                self.remove(head);
                if slot.is_dtx() || in_silence && self.is_followed_by_dtx(slot.sequence) {
                    self.counts.dtx += 1;
                    return Playout::Dtx { samples: slot.samples };
                }
                Playout::Packet { payload: self.payload(head), samples: slot.samples }
            }
            (What::Conceal { samples, last }, head) => {
                self.counts.concealed += 1;
                let next = head.filter(|&head| last && !self.slots[head].is_dtx());
                Playout::Lost { samples, next: next.map(|head| self.payload(head)) }
            }
            (What::Play | What::Silence, _) => Playout::Silence,
        }
    }

    fn is_followed_by_dtx(&self, sequence: i64) -> bool {
        let next = &self.slots[index(sequence + 1)];
        next.full && next.sequence == sequence + 1 && next.is_dtx()
    }

    /// How much later than at the aimed-at depth the next packet would be played at `now`, µs.
    ///
    /// It is positive when sound came late and was waited for, and is paid back by leaving out a packet of quiet sound. It is
    /// never more than what waits behind that packet.
    #[must_use]
    pub fn surplus_us(&self, now: Micros) -> u32 {
        let Some(head) = self.head() else { return 0 };
        let behind = self.buffered_ms().saturating_sub(self.slots[head].samples / 48);
        let due = self.transit.due(self.slots[head].timestamp, self.depth_us(now.signed()));
        let surplus = due.map_or(0, |due| u32::try_from(now.signed() - due).unwrap_or(0));
        surplus.min(behind.saturating_mul(1000))
    }

    /// Packets wait to be played.
    #[must_use]
    pub const fn has_packets(&self) -> bool {
        self.waiting > 0
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
        while let Some(head) = self.head()
            && self.due(head, now).is_some_and(|due| now - due >= i64::from(keep_ms) * 1000)
        {
            sound |= !self.slots[head].is_dtx();
            self.discard(head);
            // Nothing is missing of what nobody plays.
            self.timeline.pause();
        }
        sound
    }

    /// The packets that wait and are more than announcements of silence, in their order.
    pub fn sounds(&self) -> impl Iterator<Item = &[u8]> {
        let numbers =
            (0..CAPACITY as i64).map(|n| self.first + n).take(if self.waiting > 0 { CAPACITY } else { 0 });
        numbers
            .map(index)
            .filter(|&slot| self.slots[slot].full && !self.slots[slot].is_dtx())
            .map(|slot| self.payload(slot))
    }

    /// The next packet is overdue by a tick or more.
    #[must_use]
    pub fn is_overdue(&self, now: Micros) -> bool {
        let now = now.signed();
        let due = self.head().and_then(|head| self.due(head, now));
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
        self.slots.iter().filter(|slot| slot.full).map(|slot| slot.samples / 48).sum()
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
    fn due(&self, head: usize, now: i64) -> Option<i64> {
        let max = i64::from(self.config.max_depth_ms.saturating_sub(TICK_MS)) * 1000;
        let due = self.transit.due(self.slots[head].timestamp, self.depth_us(now))?;
        Some(due.min(self.slots[head].arrival + max))
    }

    /// Drops packets that waited longer than the maximum, then those that waited longer than the depth.
    fn drop_stale(&mut self, now: i64) {
        let mut bound = i64::from(self.config.max_depth_ms) * 1000;
        while let Some(head) = self.head() {
            if now - self.slots[head].arrival <= bound {
                return;
            }
            bound = self.depth_us(now);
            self.discard(head);
        }
    }

    /// Drops the oldest packets until `sequence` has a place in the window.
    fn make_room(&mut self, sequence: i64) {
        while let Some(head) = self.head()
            && sequence - self.slots[head].sequence >= CAPACITY as i64
        {
            self.discard(head);
        }
    }

    fn discard(&mut self, head: usize) {
        let slot = self.slots[head];
        self.remove(head);
        self.counts.discarded += 1;
        self.counts.lost += self.timeline.pass(&slot);
    }

    /// The waiting packet with the lowest number.
    fn head(&self) -> Option<usize> {
        (self.waiting > 0).then(|| index(self.first))
    }

    /// Empties the slot of the waiting packet with the lowest number.
    fn remove(&mut self, head: usize) {
        self.slots[head].full = false;
        self.waiting -= 1;
        // All that wait are within CAPACITY numbers, see `make_room`.
        for _ in 0..CAPACITY {
            self.first += 1;
            let next = &self.slots[index(self.first)];
            if next.full && next.sequence == self.first {
                return;
            }
        }
    }

    fn payload(&self, slot: usize) -> &[u8] {
        &self.payloads[slot * PAYLOAD_MAX..][..self.slots[slot].bytes]
    }

    fn forget(&mut self) {
        self.counts.discarded += self.waiting as u64;
        self.waiting = 0;
        *self.slots = [Slot::default(); CAPACITY];
        self.last_timestamp = None;
        self.transit.forget_clock();
        self.timeline = Timeline::new(self.config.conceal_ms);
    }
}

/// The slot of an extended sequence number.
const fn index(sequence: i64) -> usize {
    sequence.rem_euclid(CAPACITY as i64) as usize
}

#[cfg(test)]
mod tests;
