//! Senders of pictures that are known, for tests: whose frame, which one, and what its packets are.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::time::Duration;

use confocal_video::{ForwardedPacket, PayloadState, PictureCodec, PicturePacket, SourceKey, packetise};

/// Of 1280x720, as x264 writes it.
pub(crate) const SPS: [u8; 26] = [
    0x67, 0x64, 0x00, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05, 0xBB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
    0x00, 0x00, 0x03, 0x03, 0xC0, 0xF1, 0x83, 0x19, 0x60,
];
pub(crate) const PPS: [u8; 4] = [0x68, 0xCE, 0x3C, 0x80];

/// Time told in milliseconds.
pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A packet on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) source: SourceKey,
    /// How often its source has begun anew.
    pub(crate) generation: u32,
    /// Which frame of its source.
    pub(crate) frame: u32,
    pub(crate) codec: PictureCodec,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: Duration,
}

impl Sent {
    pub(crate) fn view(&self) -> PicturePacket<'_> {
        self.at(self.at)
    }

    pub(crate) fn at(&self, arrival: Duration) -> PicturePacket<'_> {
        PicturePacket {
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            payload: &self.payload,
            arrival,
        }
    }
}

/// A packet as it was forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) key_frame_starts: bool,
}

impl Out {
    pub(crate) fn of(packet: &ForwardedPacket<'_>) -> Self {
        Self {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: [packet.head, packet.payload].concat(),
            key_frame_starts: packet.key_frame_starts,
        }
    }

    pub(crate) fn view(&self, codec: PictureCodec, arrival: Duration) -> PicturePacket<'_> {
        PicturePacket {
            codec,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            payload: &self.payload,
            arrival,
        }
    }

    /// Picture id, `TL0PICIDX` and `KEYIDX` of a descriptor that has them all.
    pub(crate) fn vp8_numbers(&self) -> (u16, u8, u8) {
        assert_eq!(self.payload[1], 0xF0, "{:02x?}", &self.payload[..6]);
        assert_ne!(self.payload[2] & 0x80, 0, "15 bits");
        let id = u16::from_be_bytes([self.payload[2] & 0x7F, self.payload[3]]);
        (id, self.payload[4], self.payload[5] & 0x1F)
    }
}

/// Which numbers VP8's descriptors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    None,
    /// Picture ids of 7 bits.
    Short,
    /// Picture ids of 15 bits, `TL0PICIDX`, TID and `KEYIDX`.
    All,
}

/// Somebody who sends.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) key: SourceKey,
    pub(crate) codec: PictureCodec,
    pub(crate) ids: Ids,
    pub(crate) generation: u32,
    pub(crate) frames: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) picture_id: u16,
    pub(crate) tl0: u8,
    pub(crate) key_index: u8,
    pub(crate) max_payload: usize,
    /// What is between two frames.
    pub(crate) step: u32,
    state: PayloadState,
}

impl Source {
    pub(crate) fn new(codec: PictureCodec, key: u64) -> Self {
        Self {
            key: SourceKey(key),
            codec,
            ids: Ids::All,
            generation: 0,
            frames: 0,
            sequence: 1000 * key as u16,
            timestamp: 777_777 * key as u32,
            picture_id: 100 * key as u16,
            tl0: 10 * key as u8,
            key_index: key as u8,
            max_payload: 400,
            step: 3000,
            state: PayloadState::default(),
        }
    }

    /// What its frame of this number is, as a decoder is given it: told by its first bytes, its key and its number.
    pub(crate) fn content(&self, number: u32, key_frame: bool, len: usize) -> Vec<u8> {
        let mut content = Vec::new();
        match (self.codec, key_frame) {
            (PictureCodec::Vp8, true) => {
                content.extend([0x10, 2, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01]);
            }
            (PictureCodec::Vp8, false) => content.extend([0x31, 2, 0]),
            (PictureCodec::H264, true) => {
                for unit in [&SPS[..], &PPS] {
                    content.extend([0, 0, 0, 1]);
                    content.extend(unit);
                }
                content.extend([0, 0, 0, 1, 0x65, 0x88]);
            }
            (PictureCodec::H264, false) => content.extend([0, 0, 0, 1, 0x41, 0x9A]),
        }
        content.push(self.key.0 as u8 | 0x80);
        content.extend(number.to_be_bytes().map(|byte| byte | 0x80));
        // No zeros, so that there is no start code.
        content.extend((0..len).map(|at| (at as u32 * 31 + number * 7 + self.key.0 as u32) as u8 | 1));
        content
    }

    /// The packets of its next frame, which begins at a time and comes at once.
    pub(crate) fn frame(&mut self, key_frame: bool, len: usize, at: Duration) -> Vec<Sent> {
        let content = self.content(self.frames, key_frame, len);
        let mut payloads = Vec::new();
        packetise(self.codec, &content, self.max_payload, &mut self.state, |payload, marker| {
            payloads.push((payload.to_vec(), marker));
        });
        self.timestamp = self.timestamp.wrapping_add(self.step);
        self.picture_id = (self.picture_id + 1) & 0x7FFF;
        self.tl0 = self.tl0.wrapping_add(1);
        self.key_index = (self.key_index + u8::from(key_frame)) & 0x1F;
        let packets =
            payloads.into_iter().map(|(payload, marker)| self.packet(payload, marker, at)).collect();
        self.frames += 1;
        packets
    }

    /// A packet with the next sequence number.
    pub(crate) fn packet(&mut self, payload: Vec<u8>, marker: bool, at: Duration) -> Sent {
        let payload = match self.codec {
            PictureCodec::Vp8 if !payload.is_empty() => self.described(&payload),
            PictureCodec::Vp8 | PictureCodec::H264 => payload,
        };
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Sent {
            source: self.key,
            generation: self.generation,
            frame: self.frames,
            codec: self.codec,
            sequence,
            timestamp: self.timestamp,
            marker,
            payload,
            at,
        }
    }

    /// A payload under a descriptor of its own, in place of that which `packetise` makes.
    fn described(&self, payload: &[u8]) -> Vec<u8> {
        let first = payload[0] & 0x10;
        let mut out = match self.ids {
            Ids::None => vec![first],
            Ids::Short => vec![first | 0x80, 0x80, self.picture_id as u8 & 0x7F],
            Ids::All => {
                let [high, low] = self.picture_id.to_be_bytes();
                vec![first | 0x80, 0xF0, high | 0x80, low, self.tl0, self.key_index]
            }
        };
        out.extend(&payload[4..]);
        out
    }

    /// Begins anew, as by a new SSRC: all numbers are elsewhere.
    pub(crate) fn restart(&mut self) {
        self.generation += 1;
        self.sequence = self.sequence.wrapping_add(20_000);
        self.timestamp = self.timestamp.wrapping_add(1 << 30);
        self.picture_id = (self.picture_id + 12_345) & 0x7FFF;
    }
}
