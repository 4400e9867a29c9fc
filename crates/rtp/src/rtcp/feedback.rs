//! Feedback of one stream's receiver: packets missed, key frames wanted (RFC 4585, RFC 5104), and what it thinks that it can take
//! (draft-alvestrand-rmcat-remb-03).

use super::writer::{Body, WriteRtcpError};
use super::{ssrcs, take_u32};

const REMB: [u8; 4] = *b"REMB";
/// The mantissa of a REMB has 18 bits, its exponent 6.
const MANTISSA_BITS: u32 = 18;

/// Packets that a receiver misses (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    /// Who misses them.
    pub sender_ssrc: u32,
    /// The stream.
    pub media_ssrc: u32,
    pairs: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) fn read(mut body: &'a [u8]) -> Option<Self> {
        let (sender_ssrc, media_ssrc) = (take_u32(&mut body)?, take_u32(&mut body)?);
        // "The FCI field MUST contain at least one".
        let whole = !body.is_empty() && body.len().is_multiple_of(4);
        whole.then_some(Self { sender_ssrc, media_ssrc, pairs: body })
    }

    /// The sequence numbers of the packets, in the order told: up to 17 for every four bytes, and the same one as often as the peer
    /// likes.
    #[must_use]
    pub const fn sequences(&self) -> NackedSequences<'a> {
        NackedSequences { pairs: self.pairs, first: 0, following: 0, told: true }
    }
}

/// The sequence numbers of a [`Nack`].
#[derive(Clone, Copy, Debug)]
pub struct NackedSequences<'a> {
    pairs: &'a [u8],
    first: u16,
    /// Those of the 16 after `first` that were not told yet, the next in the lowest bit.
    following: u16,
    /// Whether `first` was told.
    told: bool,
}

impl Iterator for NackedSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.told && self.following == 0 {
            let (&[p0, p1, b0, b1], rest) = self.pairs.split_first_chunk::<4>()?;
            self.pairs = rest;
            self.first = u16::from_be_bytes([p0, p1]);
            self.following = u16::from_be_bytes([b0, b1]);
            self.told = false;
        }
        if !self.told {
            self.told = true;
            return Some(self.first);
        }
        let bit = self.following.trailing_zeros();
        self.following &= self.following - 1;
        Some(self.first.wrapping_add(1 + bit as u16))
    }
}

/// Writes sequence numbers as pairs of one and a mask of the 16 that follow it.
pub(super) fn write_pairs(
    sequences: impl IntoIterator<Item = u16>,
    body: &mut Body<'_>,
) -> Result<(), WriteRtcpError> {
    let mut pair: Option<(u16, u16)> = None;
    for sequence in sequences {
        if let Some((first, following)) = &mut pair {
            let behind = sequence.wrapping_sub(*first);
            if behind <= 16 {
                // The first one once more needs no bit.
                *following |= if behind == 0 { 0 } else { 1 << (behind - 1) };
                continue;
            }
            body.put_u16(*first)?;
            body.put_u16(*following)?;
        }
        pair = Some((sequence, 0));
    }
    let (first, following) = pair.ok_or(WriteRtcpError::Nothing)?;
    body.put_u16(first)?;
    body.put_u16(following)
}

/// A receiver that misses a picture (RFC 4585 section 6.3.1): the next one should be a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// Who misses it.
    pub sender_ssrc: u32,
    /// The stream.
    pub media_ssrc: u32,
}

impl Pli {
    pub(super) fn read(mut body: &[u8]) -> Option<Self> {
        Some(Self { sender_ssrc: take_u32(&mut body)?, media_ssrc: take_u32(&mut body)? })
    }
}

/// A receiver that wants key frames (RFC 5104 section 4.3.1).
#[derive(Clone, Copy, Debug)]
pub struct Fir<'a> {
    /// Who wants them.
    pub sender_ssrc: u32,
    entries: &'a [u8],
}

impl<'a> Fir<'a> {
    pub(super) fn read(mut body: &'a [u8]) -> Option<Self> {
        let sender_ssrc = take_u32(&mut body)?;
        // The media source "is not used and SHALL be set to 0".
        take_u32(&mut body)?;
        let whole = !body.is_empty() && body.len().is_multiple_of(8);
        whole.then_some(Self { sender_ssrc, entries: body })
    }

    /// Of each stream that a key frame is wanted of: its SSRC and the number of the command, which a repetition does not change.
    pub fn entries(&self) -> impl Iterator<Item = (u32, u8)> + use<'a> {
        self.entries.chunks_exact(8).map(|entry| (crate::rtp::read_u32(entry, 0), entry[4]))
    }
}

/// How much a receiver thinks that it can take of some streams together.
#[derive(Clone, Copy, Debug)]
pub struct Remb<'a> {
    /// Who receives.
    pub sender_ssrc: u32,
    /// In bits a second.
    pub bitrate: u64,
    ssrcs: &'a [u8],
}

impl<'a> Remb<'a> {
    /// Whether an application layer feedback (RFC 4585 section 6.4) is this one.
    pub(super) fn is(body: &[u8]) -> bool {
        body.get(8..12) == Some(&REMB)
    }

    pub(super) fn read(mut body: &'a [u8]) -> Option<Self> {
        let sender_ssrc = take_u32(&mut body)?;
        // The media source, always 0, and the name.
        take_u32(&mut body)?;
        take_u32(&mut body)?;
        let word = take_u32(&mut body)?;
        let exponent = word >> MANTISSA_BITS & 0x3F;
        let mantissa = u64::from(word & ((1 << MANTISSA_BITS) - 1));
        // What 64 bits do not hold is more than anybody has.
        let bitrate = if mantissa.leading_zeros() < exponent { u64::MAX } else { mantissa << exponent };
        let ssrcs = body.get(..4 * (word >> 24) as usize)?;
        Some(Self { sender_ssrc, bitrate, ssrcs })
    }

    /// The streams, at most 255.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        ssrcs(self.ssrcs)
    }
}

/// Writes what follows the name. The bitrate is rounded down to 18 significant bits.
pub(super) fn write_remb(
    sender_ssrc: u32,
    bitrate: u64,
    ssrcs: &[u32],
    body: &mut Body<'_>,
) -> Result<(), WriteRtcpError> {
    let count = u8::try_from(ssrcs.len()).map_err(|_| WriteRtcpError::TooMany)?;
    let exponent = (u64::BITS - bitrate.leading_zeros()).saturating_sub(MANTISSA_BITS);
    body.put_u32(sender_ssrc)?;
    body.put_u32(0)?;
    body.put(&REMB)?;
    body.put_u32(u32::from(count) << 24 | exponent << MANTISSA_BITS | (bitrate >> exponent) as u32)?;
    ssrcs.iter().try_for_each(|ssrc| body.put_u32(*ssrc))
}
