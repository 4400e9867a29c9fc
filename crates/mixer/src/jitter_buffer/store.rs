//! Where the packets of a jitter buffer are kept, by their numbers. When one is due, and what a hole means, never lives here.

use crate::frame::PacketKind;

/// Packets held at most: 320 ms of 10 ms packets, the shortest that browsers send (`minptime=10`).
pub(super) const CAPACITY: usize = 32;

/// The longest payload taken: what fits an Ethernet frame.
pub(super) const PAYLOAD_MAX: usize = 1500;

/// Bytes of payload held at most: 500 ms at 128 kbit/s, four times what browsers send; 128 ms at the most that Opus can do.
pub(super) const BYTES_MAX: usize = 8192;

/// Payloads move on through no more memory than this while few wait: what is used over and over stays in the processor's cache, where
/// a thousand senders are.
const TIDY: usize = 2048;

/// What is known of one packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    full: bool,
    pub(super) kind: PacketKind,
    /// Where its payload begins.
    at: u16,
    bytes: u16,
    pub(super) samples: u32,
    pub(super) sequence: i64,
    pub(super) timestamp: i64,
    pub(super) arrival: i64,
}

impl Slot {
    pub(super) const fn new(
        kind: PacketKind,
        sequence: i64,
        timestamp: i64,
        arrival: i64,
        samples: u32,
    ) -> Self {
        Self { full: true, kind, at: 0, bytes: 0, samples, sequence, timestamp, arrival }
    }

    const EMPTY: Self = Self { full: false, ..Self::new(PacketKind::TelephoneEvent, 0, 0, 0, 0) };

    pub(super) const fn bytes(&self) -> usize {
        self.bytes as usize
    }
}

/// Packets within a window of [`CAPACITY`] numbers, their payloads side by side in one piece of memory.
#[derive(Debug)]
pub(super) struct Store {
    slots: Box<[Slot; CAPACITY]>,
    payloads: Box<[u8]>,
    /// Up to here `payloads` has been filled.
    end: usize,
    /// Bytes of those that wait.
    used: usize,
    /// Packets that wait.
    waiting: usize,
    /// The lowest number of them, if there are any.
    first: i64,
}

impl Store {
    /// All memory that it ever needs is allocated here.
    pub(super) fn new() -> Self {
        Self {
            slots: Box::new([Slot::EMPTY; CAPACITY]),
            payloads: vec![0; BYTES_MAX].into_boxed_slice(),
            end: 0,
            used: 0,
            waiting: 0,
            first: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    /// The packet with the lowest number.
    pub(super) fn head(&self) -> Option<Slot> {
        (self.waiting > 0).then(|| self.slots[index(self.first)])
    }

    pub(super) fn find(&self, sequence: i64) -> Option<Slot> {
        let slot = self.slots[index(sequence)];
        (slot.full && slot.sequence == sequence).then_some(slot)
    }

    /// The place for this number is taken, by whatever number.
    pub(super) fn is_taken(&self, sequence: i64) -> bool {
        self.slots[index(sequence)].full
    }

    /// So many bytes more can be held.
    pub(super) const fn has_room(&self, bytes: usize) -> bool {
        self.used + bytes <= BYTES_MAX
    }

    /// Keeps a packet whose place is free, with a payload for which there is room.
    pub(super) fn insert(&mut self, slot: Slot, payload: &[u8]) {
        let few = self.used + payload.len() <= TIDY / 2;
        if self.end + payload.len() > if few { TIDY } else { BYTES_MAX } {
            self.move_together();
        }
        self.payloads[self.end..][..payload.len()].copy_from_slice(payload);
        // Both are at most BYTES_MAX.
        let (at, bytes) = (self.end as u16, payload.len() as u16);
        self.slots[index(slot.sequence)] = Slot { at, bytes, ..slot };
        self.end += payload.len();
        self.used += payload.len();
        self.first = if self.waiting == 0 { slot.sequence } else { self.first.min(slot.sequence) };
        self.waiting += 1;
    }

    /// Lets go of the packet with the lowest number. Its payload can be read until the next is kept.
    pub(super) fn remove_head(&mut self) {
        let Some(head) = self.head() else { return };
        self.slots[index(self.first)].full = false;
        self.waiting -= 1;
        self.used -= head.bytes();
        // All that wait are within CAPACITY numbers.
        for _ in 0..CAPACITY {
            self.first += 1;
            if self.find(self.first).is_some() {
                return;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::EMPTY);
        (self.end, self.used, self.waiting) = (0, 0, 0);
    }

    pub(super) fn payload(&self, slot: &Slot) -> &[u8] {
        &self.payloads[usize::from(slot.at)..][..slot.bytes()]
    }

    /// Those that wait, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        let numbers = if self.waiting > 0 { CAPACITY as i64 } else { 0 };
        (0..numbers).filter_map(|n| self.find(self.first + n))
    }

    /// Moves the payloads that wait to the beginning of the memory.
    fn move_together(&mut self) {
        let mut order: [u8; CAPACITY] = core::array::from_fn(|n| n as u8);
        order.sort_unstable_by_key(|&n| self.slots[usize::from(n)].at);
        self.end = 0;
        for n in order {
            let slot = &mut self.slots[usize::from(n)];
            if slot.full {
                let from = usize::from(slot.at);
                self.payloads.copy_within(from..from + slot.bytes(), self.end);
                slot.at = self.end as u16;
                self.end += slot.bytes();
            }
        }
    }
}

/// The slot of an extended sequence number.
const fn index(sequence: i64) -> usize {
    sequence.rem_euclid(CAPACITY as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Codec;

    fn slot(sequence: i64) -> Slot {
        Slot::new(PacketKind::Sound(Codec::Opus), sequence, 0, 0, 960)
    }

    #[test]
    fn payloads_stay_whole_however_they_are_moved() {
        let mut store = Store::new();
        let payload = |n: i64| vec![n as u8; 200 + (n as usize * 7919) % 900];
        for n in 0..10_000 {
            // Every other pair comes in the wrong order.
            let number = n ^ 1;
            while !store.has_room(payload(number).len()) || store.len() > 10 {
                let head = store.head().unwrap();
                assert_eq!(store.payload(&head), payload(head.sequence));
                store.remove_head();
                assert_eq!(store.payload(&head), payload(head.sequence), "still there");
            }
            store.insert(slot(number), &payload(number));
        }
        assert!(store.len() > 5);
        assert!(store.iter().map(|slot| slot.sequence).is_sorted());
        assert!(store.iter().all(|slot| store.payload(&slot) == payload(slot.sequence)));
        store.clear();
        assert!(store.head().is_none() && store.has_room(BYTES_MAX) && !store.has_room(BYTES_MAX + 1));
    }
}
