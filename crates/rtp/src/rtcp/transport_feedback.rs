//! When packets came, by sequence numbers that count over all streams (draft-holmer-rmcat-transport-wide-cc-extensions-01). What is
//! concluded from it, and the record of arrivals, never live here.

use super::take_u32;
use super::writer::{Body, WriteRtcpError};

/// The most packets that a run-length chunk tells of: it has 13 bits.
const LONGEST_RUN: usize = (1 << 13) - 1;
/// How many packets a status vector tells of, with symbols of one bit and of two.
const VECTOR_OF_ONE_BIT: usize = 14;
const VECTOR_OF_TWO_BITS: usize = 7;

/// What stands before the packets' statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFeedbackHead {
    /// Who received.
    pub sender_ssrc: u32,
    /// One of the streams.
    pub media_ssrc: u32,
    /// The transport-wide sequence number of the first packet that is told of.
    pub base_sequence: u16,
    /// The moment that the first distance counts from, in 64 ms on a clock of the receiver: 24 bits with a sign, which wrap.
    pub reference_time: i32,
    /// The number of this feedback, wrapping.
    pub feedback_count: u8,
}

/// When packets came.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    head: TransportFeedbackHead,
    status_count: u16,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    /// Reads it, and looks that there is a status for each packet and a distance for each that came. The symbol that is reserved is
    /// refused with it: nobody knows what it means for what follows.
    pub(super) fn read(mut body: &'a [u8]) -> Option<Self> {
        let (sender_ssrc, media_ssrc) = (take_u32(&mut body)?, take_u32(&mut body)?);
        let (counts, time) = (take_u32(&mut body)?, take_u32(&mut body)?);
        let head = TransportFeedbackHead {
            sender_ssrc,
            media_ssrc,
            base_sequence: (counts >> 16) as u16,
            reference_time: time as i32 >> 8,
            feedback_count: time as u8,
        };
        let status_count = counts as u16;
        let mut symbols = Symbols::new(body);
        let mut delta_bytes = 0;
        for _ in 0..status_count {
            delta_bytes += symbols.next()?.delta_bytes()?;
        }
        // The statuses end with the chunk that has the last one.
        let (chunks, deltas) = body.split_at_checked(body.len() - symbols.chunks.len())?;
        let deltas = deltas.get(..delta_bytes)?;
        Some(Self { head, status_count, chunks, deltas })
    }

    /// What stands before the statuses.
    #[must_use]
    pub const fn head(&self) -> TransportFeedbackHead {
        self.head
    }

    /// The packets that are told of, in their order: at most 65,535.
    #[must_use]
    pub const fn statuses(&self) -> PacketStatuses<'a> {
        PacketStatuses {
            sequence: self.head.base_sequence,
            left: self.status_count,
            symbols: Symbols::new(self.chunks),
            deltas: self.deltas,
        }
    }
}

/// The packets that a [`TransportFeedback`] tells of: each one's transport-wide sequence number and, if it came, its distance from
/// the one before it that came, the first one's from the reference time, in 250 µs.
#[derive(Clone, Copy, Debug)]
pub struct PacketStatuses<'a> {
    sequence: u16,
    left: u16,
    symbols: Symbols<'a>,
    deltas: &'a [u8],
}

impl Iterator for PacketStatuses<'_> {
    type Item = (u16, Option<i16>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (delta, rest) = self.deltas.split_at_checked(self.symbols.next()?.delta_bytes()?)?;
        self.deltas = rest;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let delta = match *delta {
            [] => None,
            [small] => Some(i16::from(small)),
            [high, low, ..] => Some(i16::from_be_bytes([high, low])),
        };
        Some((sequence, delta))
    }
}

/// What a packet's status says, two bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Symbol(u8);

impl Symbol {
    const LOST: Self = Self(0);
    const SMALL: Self = Self(1);
    const LARGE: Self = Self(2);

    const fn of(delta: Option<i16>) -> Self {
        match delta {
            None => Self::LOST,
            Some(0..=255) => Self::SMALL,
            Some(_) => Self::LARGE,
        }
    }

    /// How many bytes the distance has; `None` for the symbol that is reserved.
    const fn delta_bytes(self) -> Option<usize> {
        match self {
            Self::LOST => Some(0),
            Self::SMALL => Some(1),
            Self::LARGE => Some(2),
            Self(_) => None,
        }
    }
}

/// The symbols in chunks, without end but that of the chunks: the last vector may hold more than are meant.
#[derive(Clone, Copy, Debug)]
struct Symbols<'a> {
    chunks: &'a [u8],
    chunk: u16,
    /// How many symbols of `chunk` were not told yet.
    left: u16,
}

impl<'a> Symbols<'a> {
    const fn new(chunks: &'a [u8]) -> Self {
        Self { chunks, chunk: 0, left: 0 }
    }
}

impl Iterator for Symbols<'_> {
    type Item = Symbol;

    fn next(&mut self) -> Option<Symbol> {
        // A run of none is allowed to be there.
        while self.left == 0 {
            let (chunk, rest) = self.chunks.split_first_chunk::<2>()?;
            self.chunks = rest;
            self.chunk = u16::from_be_bytes(*chunk);
            self.left = match self.chunk >> 14 {
                0b10 => VECTOR_OF_ONE_BIT as u16,
                0b11 => VECTOR_OF_TWO_BITS as u16,
                _ => self.chunk & LONGEST_RUN as u16,
            };
        }
        self.left -= 1;
        Some(Symbol(match self.chunk >> 14 {
            0b10 => (self.chunk >> self.left & 1) as u8,
            0b11 => (self.chunk >> (2 * self.left) & 3) as u8,
            _ => (self.chunk >> 13 & 3) as u8,
        }))
    }
}

impl TransportFeedbackHead {
    pub(super) fn write(&self, deltas: &[Option<i16>], body: &mut Body<'_>) -> Result<(), WriteRtcpError> {
        let count = u16::try_from(deltas.len()).map_err(|_| WriteRtcpError::TooMany)?;
        if count == 0 {
            return Err(WriteRtcpError::Nothing);
        }
        body.put_u32(self.sender_ssrc)?;
        body.put_u32(self.media_ssrc)?;
        body.put_u16(self.base_sequence)?;
        body.put_u16(count)?;
        body.put_u32((self.reference_time << 8) as u32 | u32::from(self.feedback_count))?;
        let mut rest = deltas;
        while !rest.is_empty() {
            let (chunk, told) = next_chunk(rest);
            body.put_u16(chunk)?;
            rest = &rest[told..];
        }
        for delta in deltas.iter().flatten() {
            match u8::try_from(*delta) {
                Ok(small) => body.put(&[small])?,
                Err(_) => body.put(&delta.to_be_bytes())?,
            }
        }
        Ok(())
    }
}

/// The chunk that tells most of what comes next, and of how many packets it tells.
fn next_chunk(deltas: &[Option<i16>]) -> (u16, usize) {
    let symbol = |at: usize| Symbol::of(deltas[at]);
    let run = (0..deltas.len().min(LONGEST_RUN)).take_while(|at| symbol(*at) == symbol(0)).count();
    let one_bit = (0..deltas.len().min(VECTOR_OF_ONE_BIT)).take_while(|at| symbol(*at).0 < 2).count();
    let two_bits = deltas.len().min(VECTOR_OF_TWO_BITS);
    if run >= one_bit.max(two_bits) {
        return (u16::from(symbol(0).0) << 13 | run as u16, run);
    }
    // A vector that is not full would tell of the packets behind it, too; only the last one may.
    if one_bit == deltas.len() || one_bit == VECTOR_OF_ONE_BIT {
        let bits = (0..one_bit).fold(0, |bits, at| bits | u16::from(symbol(at).0) << (13 - at));
        return (0b10 << 14 | bits, one_bit);
    }
    if run > two_bits {
        return (u16::from(symbol(0).0) << 13 | run as u16, run);
    }
    let bits = (0..two_bits).fold(0, |bits, at| bits | u16::from(symbol(at).0) << (2 * (6 - at)));
    (0b11 << 14 | bits, two_bits)
}
