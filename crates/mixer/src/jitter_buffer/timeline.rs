//! What comes next in one sender's sound: the point up to which it was played, and what a hole there means.
//! Where packets are kept, and when one is due, never lives here.

use super::store::Slot;
use crate::time::samples_to_micros;

/// Lengths that can be concealed are multiples of 2.5 ms.
const PIECE: i64 = 120;

/// The length of a packet before any was seen: 20 ms.
const USUAL_PACKET: u32 = 960;

/// Where playout stands.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The next packet and the next sample, once something was played.
    next: Option<Next>,
    playing: bool,
    /// Samples made up since the last packet.
    concealed: u32,
    /// Those of them that were made up for want of any packet, while the timeline waited.
    waited: u32,
    conceal_max: u32,
    /// Samples in the last packet played.
    packet: u32,
}

#[derive(Clone, Copy, Debug)]
struct Next {
    sequence: i64,
    timestamp: i64,
}

/// What to do next.
pub(super) struct Step {
    pub(super) what: What,
    /// Packets found missing by this step.
    pub(super) lost: u64,
}

pub(super) enum What {
    /// Play the oldest packet that waits.
    Play,
    /// Conceal; `last` if the oldest packet that waits comes right after.
    Conceal {
        samples: u32,
        last: bool,
    },
    Silence,
}

impl Timeline {
    pub(super) const fn new(conceal_ms: u32) -> Self {
        Self {
            next: None,
            playing: false,
            concealed: 0,
            waited: 0,
            // In whole pieces, as the codec wants it.
            conceal_max: conceal_ms.saturating_mul(48) / PIECE as u32 * PIECE as u32,
            packet: USUAL_PACKET,
        }
    }

    /// Sound is due without a pause: what is not there is missing.
    pub(super) const fn is_playing(&self) -> bool {
        self.playing
    }

    /// The sample that comes next, at 48 kHz, while sound is played without a pause.
    pub(super) fn next_sample(&self) -> Option<i64> {
        self.next.filter(|_| self.playing).map(|next| next.timestamp)
    }

    /// It is the next that is expected.
    pub(super) fn is_next(&self, slot: &Slot) -> bool {
        self.next.is_some_and(|next| next.sequence == slot.sequence)
    }

    /// The packet that is next has no place in the sound: what follows joins on to what was before it.
    pub(super) const fn skip(&mut self, slot: &Slot) {
        if let Some(next) = &mut self.next {
            next.sequence = slot.sequence + 1;
        }
    }

    /// The length of the last packet played, µs.
    pub(super) fn packet_us(&self) -> i64 {
        samples_to_micros(i64::from(self.packet))
    }

    /// A packet with this number comes too late to be played.
    pub(super) fn is_over(&self, sequence: i64) -> bool {
        self.next.is_some_and(|next| sequence < next.sequence)
    }

    /// A packet is dropped unplayed. Returns how many before it are lost by that.
    pub(super) fn pass(&mut self, slot: &Slot) -> u64 {
        let lost = self.missing_before(slot.sequence);
        // The hole is not concealed: what follows is played in its place, sooner.
        self.next = Some(after(slot));
        lost
    }

    /// Nothing is played for now: what follows is due at its own time.
    pub(super) const fn pause(&mut self) {
        self.playing = false;
    }

    /// Decides what comes next, given the oldest packet that waits and when it is due.
    pub(super) fn step(&mut self, head: Option<Slot>, due: Option<i64>, now: i64) -> Step {
        let Some(head) = head else { return self.step_without_packet() };
        let mut lost = 0;
        if self.playing {
            // Unless the next packet is not due yet: then the depth grows by what was waited.
            if due.is_none_or(|due| now >= due) {
                lost += self.skip_what_was_waited_for(&head);
            }
            match self.hole_before(&head) {
                Hole::None => return self.play(&head, lost),
                Hole::Loss { samples, last } if self.concealed + samples <= self.conceal_max => {
                    self.concealed += samples;
                    lost += self.advance_over_lost(&head, samples);
                    return Step { what: What::Conceal { samples, last }, lost };
                }
                // Silence, or as good as: the packet is played when it is due.
                Hole::Loss { .. } | Hole::Silence => self.playing = false,
            }
        }
        if due.is_some_and(|due| now < due) {
            return Step { what: What::Silence, lost };
        }
        lost += self.missing_before(head.sequence);
        self.play(&head, lost)
    }

    fn step_without_packet(&mut self) -> Step {
        if self.playing && self.concealed + self.packet <= self.conceal_max {
            self.concealed += self.packet;
            self.waited += self.packet;
            return Step { what: What::Conceal { samples: self.packet, last: false }, lost: 0 };
        }
        self.playing = false;
        Step { what: What::Silence, lost: 0 }
    }

    fn play(&mut self, head: &Slot, lost: u64) -> Step {
        self.next = Some(after(head));
        self.packet = head.samples;
        self.concealed = 0;
        self.waited = 0;
        // After an announcement of silence nothing is expected.
        self.playing = !head.is_dtx();
        Step { what: What::Play, lost }
    }

    /// While the timeline waited, sound was made up. If the packet waited for is now known to be lost, it was for that.
    fn skip_what_was_waited_for(&mut self, head: &Slot) -> u64 {
        let Some(next) = &mut self.next else { return 0 };
        let mut lost = 0;
        while next.sequence < head.sequence && self.waited >= self.packet {
            self.waited -= self.packet;
            next.sequence += 1;
            next.timestamp = (next.timestamp + i64::from(self.packet)).min(head.timestamp);
            lost += 1;
        }
        lost
    }

    fn hole_before(&self, head: &Slot) -> Hole {
        let Some(next) = self.next else { return Hole::None };
        let samples = head.timestamp - next.timestamp;
        if samples <= 0 {
            return Hole::None;
        }
        if head.sequence == next.sequence {
            return Hole::Silence;
        }
        let piece = i64::from(self.packet).min(samples);
        // The end of the hole may be no whole piece; a little more sound than is missing does no harm.
        let piece = (piece + PIECE - 1) / PIECE * PIECE;
        Hole::Loss { samples: piece as u32, last: head.sequence == next.sequence + 1 && piece >= samples }
    }

    fn advance_over_lost(&mut self, head: &Slot, samples: u32) -> u64 {
        let Some(next) = &mut self.next else { return 0 };
        let before = next.sequence;
        next.timestamp = (next.timestamp + i64::from(samples)).min(head.timestamp);
        next.sequence = if next.timestamp == head.timestamp { head.sequence } else { next.sequence + 1 };
        (next.sequence - before) as u64
    }

    fn missing_before(&self, sequence: i64) -> u64 {
        self.next.map_or(0, |next| u64::try_from(sequence - next.sequence).unwrap_or(0))
    }
}

/// What lies between the point up to which sound was played and the oldest packet that waits.
enum Hole {
    None,
    Loss { samples: u32, last: bool },
    Silence,
}

fn after(slot: &Slot) -> Next {
    Next { sequence: slot.sequence + 1, timestamp: slot.timestamp + i64::from(slot.samples) }
}
