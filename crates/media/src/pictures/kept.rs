//! A packet of pictures with memory of its own, while it waits for another moment or another thread.
//!
//! What it waits for never lives here.

use std::time::Duration;

use confocal_transport::{PictureCodec, PicturePacket};

/// A copy of a packet, or one that was made here.
#[derive(Debug)]
pub(crate) struct KeptPacket {
    pub(crate) codec: PictureCodec,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) arrival: Duration,
    pub(crate) payload: Vec<u8>,
}

impl KeptPacket {
    /// A copy, in that memory.
    pub(crate) fn copy(packet: &PicturePacket<'_>, mut memory: Vec<u8>) -> Self {
        memory.clear();
        memory.extend_from_slice(packet.payload);
        let PicturePacket { codec, sequence, timestamp, marker, arrival, payload: _ } = *packet;
        Self { codec, sequence, timestamp, marker, arrival, payload: memory }
    }

    pub(crate) fn view(&self) -> PicturePacket<'_> {
        PicturePacket {
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            payload: &self.payload,
            arrival: self.arrival,
        }
    }
}
