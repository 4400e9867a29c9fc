//! The packets that are held: in their order, with what their payloads say. How a frame is made of them never lives here.

use core::time::Duration;

use super::Extent;
use crate::h264::{self, Contents};
use crate::{PayloadError, PictureCodec, PicturePacket, vp8};

/// How many packets are held at the most.
pub(super) const SLOTS: usize = 512;

/// Room for a payload of those that reach everybody; a longer one makes its own.
const PACKET_BYTES: usize = 1280;

/// What a payload says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    timestamp: u32,
    marker: bool,
    arrival: Duration,
    /// It may be the first one of a frame: always with H.264, which does not tell.
    may_begin: bool,
    /// It can't be anything else than the first one of a frame.
    begins: bool,
    key_frame_starts: bool,
    pub(super) size: Option<(u16, u16)>,
    pub(super) contents: Contents,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    packet: Option<(i64, Held)>,
    bytes: Vec<u8>,
}

/// Packets by their extended sequence numbers, the last 512 of them.
#[derive(Clone, Debug)]
pub(super) struct Packets {
    slots: Box<[Slot]>,
    newest: Option<i64>,
    /// How many are there with which a key frame begins.
    key_frames: usize,
    /// Buffers that were given back.
    free: Vec<Vec<u8>>,
}

impl Held {
    /// Reads a packet: what it says, and those of its bytes that are the picture's. Of nothing but padding there are none.
    pub(super) fn read<'a>(packet: &PicturePacket<'a>) -> Result<(Self, &'a [u8]), PayloadError> {
        let mut held = Self {
            timestamp: packet.timestamp,
            marker: packet.marker,
            arrival: packet.arrival,
            may_begin: true,
            begins: false,
            key_frame_starts: false,
            size: None,
            contents: Contents::default(),
        };
        if packet.payload.is_empty() {
            return Ok((held, &[]));
        }
        match packet.codec {
            PictureCodec::Vp8 => {
                let read = vp8::Payload::read(packet.payload)?;
                held.may_begin = read.starts_frame();
                held.begins = held.may_begin;
                held.size = read.key_frame;
                held.key_frame_starts = read.key_frame.is_some();
                Ok((held, read.data))
            }
            PictureCodec::H264 => {
                let (_, contents) = h264::Payload::read(packet.payload)?;
                held.size = contents.size;
                held.key_frame_starts = contents.key_frame_starts();
                held.contents = contents;
                Ok((held, packet.payload))
            }
        }
    }
}

impl Packets {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS].into_boxed_slice(),
            newest: None,
            key_frames: 0,
            free: Vec::new(),
        }
    }

    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    pub(super) fn get(&self, sequence: i64) -> Option<(&Held, &[u8])> {
        let slot = &self.slots[place(sequence)];
        slot.packet.as_ref().filter(|(held, _)| *held == sequence).map(|(_, held)| (held, &slot.bytes[..]))
    }

    pub(super) fn has(&self, sequence: i64) -> bool {
        self.get(sequence).is_some()
    }

    pub(super) fn timestamp(&self, sequence: i64) -> Option<u32> {
        self.get(sequence).map(|(held, _)| held.timestamp)
    }

    /// Holds a packet, in the place of one that is older by 512.
    pub(super) fn put(&mut self, sequence: i64, held: Held, bytes: &[u8]) {
        self.empty(place(sequence));
        self.key_frames += usize::from(held.key_frame_starts);
        self.newest = Some(self.newest.map_or(sequence, |newest| newest.max(sequence)));
        let slot = &mut self.slots[place(sequence)];
        slot.packet = Some((sequence, held));
        slot.bytes = self.free.pop().unwrap_or_else(|| Vec::with_capacity(PACKET_BYTES));
        slot.bytes.extend_from_slice(bytes);
    }

    pub(super) fn drop(&mut self, sequence: i64) {
        if self.has(sequence) {
            self.empty(place(sequence));
        }
    }

    pub(super) fn drop_before(&mut self, sequence: i64) {
        for at in 0..SLOTS {
            if self.slots[at].packet.as_ref().is_some_and(|(held, _)| *held < sequence) {
                self.empty(at);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.drop_before(i64::MAX);
        self.newest = None;
    }

    /// Drops a packet of nothing but padding; whether there is one.
    pub(super) fn take_empty(&mut self, sequence: i64) -> bool {
        let empty = self.get(sequence).is_some_and(|(_, bytes)| bytes.is_empty());
        if empty {
            self.drop(sequence);
        }
        empty
    }

    fn empty(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if let Some((_, held)) = slot.packet.take() {
            self.key_frames -= usize::from(held.key_frame_starts);
            let mut bytes = core::mem::take(&mut slot.bytes);
            bytes.clear();
            self.free.push(bytes);
        }
    }

    /// How far the frame goes that begins with this packet.
    pub(super) fn extent(&self, first: i64) -> Extent {
        let Some((begin, _)) = self.get(first) else {
            return Extent::Missing(first);
        };
        if !begin.may_begin {
            return Extent::CutShort;
        }
        let mut sequence = first;
        loop {
            let Some((held, bytes)) = self.get(sequence) else {
                return Extent::Missing(sequence);
            };
            if !bytes.is_empty() {
                if held.timestamp != begin.timestamp || held.begins && sequence != first {
                    return Extent::CutShort;
                }
                if held.marker {
                    return Extent::Whole(sequence);
                }
            }
            sequence += 1;
        }
    }

    /// Where the newest key frame begins that is whole; for H.264, with its parameter sets, or where such are known.
    pub(super) fn key_frame(&self, sets_known: bool) -> Option<i64> {
        let mut found: Option<(i64, u32)> = None;
        for (sequence, held) in self.key_frame_starts() {
            // Parameter sets and first slice both look like a beginning: the first one is.
            if found.is_some_and(|(_, timestamp)| timestamp == held.timestamp) {
                continue;
            }
            if let Extent::Whole(end) = self.extent(sequence)
                && self.decodes(sequence, end, sets_known)
            {
                found = Some((sequence, held.timestamp));
            }
        }
        found.map(|(sequence, _)| sequence)
    }

    fn decodes(&self, first: i64, last: i64, sets_known: bool) -> bool {
        let contents = self.contents(first, last);
        let own_sets = contents.sps && contents.pps;
        contents == Contents::default() || contents.idr && (own_sets || sets_known && self.begins_unit(first))
    }

    /// Whether nothing of its access unit is missing before this packet. It might be parameter sets that are new.
    fn begins_unit(&self, sequence: i64) -> bool {
        let Some(timestamp) = self.timestamp(sequence) else { return false };
        for before in (sequence - SLOTS as i64..sequence).rev() {
            match self.get(before) {
                None => return false,
                Some((held, bytes)) if bytes.is_empty() || held.marker || held.timestamp != timestamp => {
                    return true;
                }
                Some(_) => {}
            }
        }
        false
    }

    /// What is in a frame of H.264.
    pub(super) fn contents(&self, first: i64, last: i64) -> Contents {
        let mut all = Contents::default();
        for (held, _) in (first..=last).filter_map(|sequence| self.get(sequence)) {
            all.sps |= held.contents.sps;
            all.pps |= held.contents.pps;
            all.idr |= held.contents.idr;
            all.slice |= held.contents.slice;
            all.size = held.contents.size.or(all.size);
        }
        all
    }

    /// Whether a key frame has begun that may still become whole.
    pub(super) fn key_frame_coming(&self, now: Duration, wait: Duration) -> bool {
        self.key_frame_starts().any(|(sequence, _)| match self.extent(sequence) {
            Extent::Missing(missing) => !self.overdue(missing, now, wait),
            Extent::Whole(_) | Extent::CutShort => false,
        })
    }

    /// Whether one that is missing is waited for longer than that: since the first one came that should have come after it.
    pub(super) fn overdue(&self, missing: i64, now: Duration, wait: Duration) -> bool {
        let Some(newest) = self.newest else { return false };
        let after = (missing + 1..=newest).filter_map(|sequence| self.get(sequence));
        after.map(|(held, _)| held.arrival).min().is_some_and(|since| now.saturating_sub(since) >= wait)
    }

    /// In their order.
    fn key_frame_starts(&self) -> impl Iterator<Item = (i64, &Held)> {
        let newest = self.newest.filter(|_| self.key_frames > 0);
        let all = newest.into_iter().flat_map(|newest| newest - (SLOTS as i64 - 1)..=newest);
        all.filter_map(|sequence| Some((sequence, self.get(sequence)?.0)))
            .filter(|(_, held)| held.key_frame_starts)
    }
}

fn place(sequence: i64) -> usize {
    sequence.rem_euclid(SLOTS as i64) as usize
}
