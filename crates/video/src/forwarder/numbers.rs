//! From the numbers of a source to those that are sent. Which packets are sent never lives here.

use core::time::Duration;

use super::sent::{Next, ticks};
use crate::PicturePacket;
use crate::vp8::{Descriptor, Payload, PictureId};

/// Timestamps that differ so much from the time that has gone by have leapt: 10 s, longer than a network holds packets back.
const LEAP: u32 = 900_000;
/// Picture ids that are further ahead than this have leapt: half a minute of pictures.
const MAX_PICTURES_AHEAD: i64 = 1000;

/// How far a number of 16 bits is ahead of an extended one.
pub(super) fn signed(number: u16, extended: i64) -> i64 {
    i64::from(number.wrapping_sub(extended as u16) as i16)
}

fn distance(one: u32, other: u32) -> u32 {
    (one.wrapping_sub(other) as i32).unsigned_abs()
}

/// Whether no leap is between two timestamps.
pub(super) fn are_near(one: u32, other: u32) -> bool {
    distance(one, other) <= LEAP
}

/// A stretch of a source's packets whose numbers go on, with the offsets that they have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    /// The extended sequence number with which it begins.
    first: i64,
    /// It begins because timestamps have leapt: then what was overtaken by its first packet may be of it.
    by_timestamps: bool,
    /// The newest timestamp of the source, and when it came first.
    newest: u32,
    since: Duration,
    offset: u32,
    /// What VP8's numbers begin with, each where it is first met.
    next: Next,
    picture_ids: Option<PictureIds>,
    tl0: Option<u8>,
    key_index: Option<u8>,
}

/// Picture ids, unwrapped: the newest one of the source, and what is added to make those that are sent.
#[derive(Clone, Copy, Debug)]
struct PictureIds {
    newest: i64,
    offset: i64,
}

/// A descriptor with the numbers that are sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberedVp8 {
    pub(super) descriptor: Descriptor,
    /// Its picture id, unwrapped.
    pub(super) picture_id: Option<i64>,
}

/// What has leapt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leap {
    pub(super) timestamps: bool,
    pub(super) picture_ids: bool,
}

impl Timeline {
    /// Begins with a packet, and with the numbers that are next.
    pub(super) fn new(first: i64, packet: &PicturePacket<'_>, next: Next) -> Self {
        Self {
            first,
            by_timestamps: false,
            newest: packet.timestamp,
            since: packet.arrival,
            offset: next.timestamp.wrapping_sub(packet.timestamp),
            next,
            picture_ids: None,
            tl0: None,
            key_index: None,
        }
    }

    /// What follows this one from a packet on, at which something has leapt.
    pub(super) fn after(&self, leap: Leap, first: i64, packet: &PicturePacket<'_>, next: Next) -> Self {
        let mut after = Self::new(first, packet, next);
        after.by_timestamps = leap.timestamps;
        if !leap.timestamps {
            after.offset = self.offset;
        }
        if !leap.picture_ids {
            (after.picture_ids, after.tl0, after.key_index) = (self.picture_ids, self.tl0, self.key_index);
        }
        after
    }

    /// Takes note of a packet that is newer than all before; what has leapt with it, if anything.
    pub(super) fn leaps(&mut self, packet: &PicturePacket<'_>, vp8: Option<&Payload<'_>>) -> Option<Leap> {
        let step = packet.timestamp.wrapping_sub(self.newest);
        let elapsed = ticks(packet.arrival.saturating_sub(self.since));
        let leap = Leap {
            timestamps: (step as i32) < 0 || step.abs_diff(elapsed) > LEAP,
            picture_ids: vp8.is_some_and(|vp8| vp8.key_frame.is_some() && self.picture_id_leaps(vp8)),
        };
        if leap.timestamps || leap.picture_ids {
            return Some(leap);
        }
        if step > 0 {
            self.newest = packet.timestamp;
            self.since = packet.arrival;
        }
        None
    }

    fn picture_id_leaps(&self, vp8: &Payload<'_>) -> bool {
        let (Some(id), Some(ids)) = (vp8.descriptor.picture_id, self.picture_ids) else {
            return false;
        };
        !(1..=MAX_PICTURES_AHEAD).contains(&(ids.unwrapped(id) - ids.newest))
    }

    /// Whether a timestamp can be of this stretch at all.
    pub(super) fn fits(&self, timestamp: u32) -> bool {
        are_near(timestamp, self.newest)
    }

    fn distance(&self, timestamp: u32) -> u32 {
        distance(timestamp, self.newest)
    }

    /// Whether a packet is of this stretch, not of the one `before` it.
    pub(super) fn has(&self, sequence: i64, timestamp: u32, before: &Self) -> bool {
        sequence >= self.first || self.by_timestamps && self.distance(timestamp) < before.distance(timestamp)
    }

    /// The timestamp that is sent.
    pub(super) fn timestamp(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.offset)
    }

    /// The newest timestamp, as it came and as it is sent.
    pub(super) fn clock(&self) -> (u32, u32) {
        (self.newest, self.timestamp(self.newest))
    }

    /// The descriptor that is sent.
    pub(super) fn number(&mut self, descriptor: &Descriptor) -> NumberedVp8 {
        let next = self.next;
        let picture_id = descriptor.picture_id.map(|id| {
            let first =
                PictureIds { newest: i64::from(id.value), offset: next.picture_id - i64::from(id.value) };
            let ids = self.picture_ids.get_or_insert(first);
            let unwrapped = ids.unwrapped(id);
            ids.newest = ids.newest.max(unwrapped);
            unwrapped + ids.offset
        });
        let tl0 = descriptor
            .tl0
            .map(|tl0| tl0.wrapping_add(*self.tl0.get_or_insert_with(|| next.tl0.wrapping_sub(tl0))));
        let key_index = descriptor.key_index.map(|key| {
            let offset = *self.key_index.get_or_insert_with(|| next.key_index.wrapping_sub(key));
            key.wrapping_add(offset) & 0x1F
        });
        let picture = picture_id.map(|id| PictureId { value: (id & 0x7FFF) as u16, bits: 15 });
        NumberedVp8 {
            descriptor: Descriptor { picture_id: picture, tl0, key_index, ..*descriptor },
            picture_id,
        }
    }
}

impl PictureIds {
    /// The one of all that end so which is nearest to the newest.
    fn unwrapped(&self, id: PictureId) -> i64 {
        let unused = 16 - id.bits;
        let ahead = id.value.wrapping_sub(self.newest as u16) << unused;
        self.newest + i64::from(ahead as i16 >> unused)
    }
}
