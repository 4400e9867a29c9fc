//! Packets of pictures that came and wait to be forwarded: one copy of each, however many are sent it.
//!
//! Who is sent it never lives here.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confocal::conference::{ConferenceId, LegId};
use confocal_transport::PicturePacket;
use confocal_video::SourceKey;

use super::{KeptPacket, composed};
use crate::studio::Composed;

/// How many packets wait at most: a key frame of twenty people at a time. What comes beyond is lost, as if the network had lost it.
const PACKETS_MAX: usize = 2_048;

/// The packets, in the order in which they came. Memory that was used once is used again.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// What was used before.
    spare: Vec<Vec<u8>>,
    /// Packets that found no room.
    pub(super) overflown: u64,
}

/// A packet that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) conference: ConferenceId,
    pub(super) source: SourceKey,
    /// Of a composed picture: when the sound is sent that belongs to it.
    pub(super) plays_at: Option<Instant>,
    /// The last leg that was sent it, if it was stopped in between.
    pub(super) served: Option<LegId>,
    kept: KeptPacket,
}

impl Waiting {
    pub(super) fn packet(&self) -> PicturePacket<'_> {
        self.kept.view()
    }
}

impl Queue {
    pub(super) fn push(&mut self, conference: ConferenceId, source: SourceKey, packet: &PicturePacket<'_>) {
        if self.waiting.len() >= PACKETS_MAX {
            self.overflown += 1;
            return;
        }
        let kept = KeptPacket::copy(packet, self.memory());
        self.waiting.push_back(Waiting { conference, source, plays_at: None, served: None, kept });
    }

    /// A packet that was made here, in memory of its own; its sound is sent at that moment.
    pub(super) fn push_composed(
        &mut self,
        conference: ConferenceId,
        packet: Composed,
        plays_at: Option<Instant>,
        arrival: Duration,
    ) {
        if self.waiting.len() >= PACKETS_MAX {
            self.overflown += 1;
            return;
        }
        let Composed { make, sequence, timestamp, marker, payload, .. } = packet;
        let kept = KeptPacket { codec: make.codec, sequence, timestamp, marker, arrival, payload };
        let source = composed::source(make);
        self.waiting.push_back(Waiting { conference, source, plays_at, served: None, kept });
    }

    /// The packet that waits for longest.
    pub(super) fn first(&mut self) -> Option<&mut Waiting> {
        self.waiting.front_mut()
    }

    /// It has been forwarded.
    pub(super) fn drop_first(&mut self) {
        if let Some(done) = self.waiting.pop_front()
            && self.spare.len() < PACKETS_MAX
        {
            self.spare.push(done.kept.payload);
        }
    }

    /// Memory for a packet, empty.
    pub(super) fn memory(&mut self) -> Vec<u8> {
        let mut memory = self.spare.pop().unwrap_or_default();
        memory.clear();
        memory
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use confocal_transport::PictureCodec;

    use super::*;

    fn packet(payload: &[u8]) -> PicturePacket<'_> {
        PicturePacket {
            codec: PictureCodec::Vp8,
            sequence: 1,
            timestamp: 2,
            marker: true,
            payload,
            arrival: Duration::ZERO,
        }
    }

    #[test]
    fn packets_leave_in_their_order_and_too_many_are_lost() {
        let mut queue = Queue::default();
        for number in 0..PACKETS_MAX + 5 {
            let bytes = number.to_be_bytes();
            queue.push(ConferenceId(1), SourceKey(1), &packet(&bytes));
        }
        assert_eq!((queue.len(), queue.overflown), (PACKETS_MAX, 5));
        for number in 0..PACKETS_MAX {
            assert_eq!(queue.first().unwrap().packet(), packet(&number.to_be_bytes()));
            queue.drop_first();
        }
        assert!(queue.is_empty() && queue.first().is_none());
    }
}
