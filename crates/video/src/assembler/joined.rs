//! A frame made of its payloads. Which packets it has never lives here.

use core::ops::RangeInclusive;

use super::MAX_FRAME;
use super::held::Packets;
use crate::PictureCodec;
use crate::h264::{self, KIND, Payload, kind};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The frame that was made last, and what is kept for those to come.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    frame: Vec<u8>,
    /// Parameter sets of H.264 that came last, and the size that they tell.
    sps: Vec<u8>,
    pps: Vec<u8>,
    size: Option<(u16, u16)>,
}

/// What was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    pub(super) key_frame: bool,
    /// There is a picture in it, not only parameter sets and the like.
    pub(super) shows: bool,
    pub(super) size: Option<(u16, u16)>,
}

impl Joined {
    pub(super) fn new() -> Self {
        Self { frame: Vec::new(), sps: Vec::new(), pps: Vec::new(), size: None }
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// Whether parameter sets have come.
    pub(super) fn has_sets(&self) -> bool {
        !self.sps.is_empty() && !self.pps.is_empty()
    }

    /// Keeps parameter sets, for key frames that come without.
    pub(super) fn keep_sets(&mut self, payload: &[u8], size: Option<(u16, u16)>) {
        self.size = size.or(self.size);
        match Payload::read(payload) {
            Ok((Payload::Unit(unit), _)) => self.keep_set(unit),
            Ok((Payload::Aggregate(mut rest), _)) => {
                while let Some((unit, after)) = h264::next_unit(rest) {
                    self.keep_set(unit);
                    rest = after;
                }
            }
            Ok((Payload::Fragment(_), _)) | Err(_) => {}
        }
    }

    fn keep_set(&mut self, unit: &[u8]) {
        let kept = match unit.first().map(|header| header & KIND) {
            Some(kind::SPS) => &mut self.sps,
            Some(kind::PPS) => &mut self.pps,
            _ => return,
        };
        kept.clear();
        kept.extend_from_slice(unit);
    }

    /// Makes a frame of packets that are all there; `None` if they don't make one.
    pub(super) fn join(
        &mut self,
        codec: PictureCodec,
        packets: &Packets,
        range: RangeInclusive<i64>,
    ) -> Option<Picture> {
        self.frame.clear();
        match codec {
            PictureCodec::Vp8 => self.join_vp8(packets, range),
            PictureCodec::H264 => self.join_h264(packets, range),
        }
    }

    fn join_vp8(&mut self, packets: &Packets, range: RangeInclusive<i64>) -> Option<Picture> {
        let size = packets.get(*range.start())?.0.size;
        for sequence in range {
            self.add(packets.get(sequence)?.1)?;
        }
        Some(Picture { key_frame: size.is_some(), shows: true, size })
    }

    fn join_h264(&mut self, packets: &Packets, range: RangeInclusive<i64>) -> Option<Picture> {
        let contents = packets.contents(*range.start(), *range.end());
        if contents.idr && !(contents.sps && contents.pps) {
            if !self.has_sets() {
                return None;
            }
            for set in [&self.sps, &self.pps] {
                self.frame.extend_from_slice(&START_CODE);
                self.frame.extend_from_slice(set);
            }
        }
        // The first byte of the unit of which fragments come.
        let mut open = None;
        for sequence in range {
            let payload = packets.get(sequence)?.1;
            if payload.is_empty() {
                continue;
            }
            let (payload, _) = Payload::read(payload).ok()?;
            if open.is_some() && !matches!(payload, Payload::Fragment(_)) {
                return None;
            }
            match payload {
                Payload::Unit(unit) => self.add_unit(unit)?,
                Payload::Aggregate(mut rest) => {
                    while let Some((unit, after)) = h264::next_unit(rest) {
                        self.add_unit(unit)?;
                        rest = after;
                    }
                }
                Payload::Fragment(fragment) => {
                    let expected = if fragment.first { None } else { Some(fragment.header) };
                    if open != expected {
                        return None;
                    }
                    if fragment.first {
                        self.add_unit(&[fragment.header])?;
                    }
                    self.add(fragment.data)?;
                    open = (!fragment.last).then_some(fragment.header);
                }
            }
        }
        if open.is_some() {
            return None;
        }
        let key_frame = contents.idr && !contents.slice;
        let size = if key_frame { contents.size.or(self.size) } else { None };
        Some(Picture { key_frame, shows: contents.idr || contents.slice, size })
    }

    fn add_unit(&mut self, unit: &[u8]) -> Option<()> {
        self.add(&START_CODE)?;
        self.add(unit)
    }

    /// `None` if the frame is too long.
    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        if self.frame.len() + bytes.len() > MAX_FRAME {
            return None;
        }
        self.frame.extend_from_slice(bytes);
        Some(())
    }
}
