//! RTP packets (RFC 3550 section 5): read where they lie, written into the caller's buffer. What a payload holds is not known here.

use crate::extension::{self, Extension, Extensions};

/// The bytes of a header without contributors and extensions.
pub const RTP_HEADER_BYTES: usize = 12;

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// It ends within what its header announces.
    #[error("the packet ends within its header")]
    TooShort,
    /// Its version is not 2.
    #[error("the version is not 2")]
    Version,
    /// More padding is announced than there is payload, or none at all.
    #[error("the padding is longer than the payload, or has no length")]
    Padding,
}

/// Why an RTP packet was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteRtpError {
    /// The buffer is too small.
    #[error("the buffer is too small")]
    NoRoom,
    /// An extension whose id or length the one-byte form does not have (RFC 8285 section 4.2).
    #[error("extension {id} does not fit the one-byte form")]
    Extension {
        /// The id of the extension.
        id: u8,
    },
}

/// A header as it is sent: without contributors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit: the first packet of speech after silence, the last of a picture.
    pub marker: bool,
    /// The payload type, 7 bits.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in units of the payload's clock (Opus: 48 kHz).
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Writes the header; how long it is: [`RTP_HEADER_BYTES`].
    ///
    /// # Errors
    ///
    /// [`WriteRtpError::NoRoom`].
    pub fn write(&self, out: &mut [u8]) -> Result<usize, WriteRtpError> {
        let place = out.first_chunk_mut::<RTP_HEADER_BYTES>().ok_or(WriteRtpError::NoRoom)?;
        place[0] = 0x80;
        place[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        place[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        place[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        place[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        Ok(RTP_HEADER_BYTES)
    }

    /// Writes the header and its extensions in the one-byte form (RFC 8285 section 4.2); how long they are. Without extensions
    /// it is [`write`](Self::write).
    ///
    /// # Errors
    ///
    /// [`WriteRtpError`]; the buffer's content is of no use then.
    pub fn write_with(&self, extensions: &[Extension<'_>], out: &mut [u8]) -> Result<usize, WriteRtpError> {
        let fixed = self.write(out)?;
        if extensions.is_empty() {
            return Ok(fixed);
        }
        let written = extension::write(extensions, &mut out[fixed..])?;
        out[0] |= 0x10;
        Ok(fixed + written)
    }
}

/// A packet where it lies, its lengths checked.
#[derive(Clone, Copy, Debug)]
pub struct RtpView<'a> {
    packet: &'a [u8],
    header_len: usize,
    payload_end: usize,
}

impl<'a> RtpView<'a> {
    /// Reads a packet that is not encrypted, or not any more.
    ///
    /// # Errors
    ///
    /// [`RtpError`].
    pub fn parse(packet: &'a [u8]) -> Result<Self, RtpError> {
        let header_len = header_len(packet)?;
        let mut payload_end = packet.len();
        if packet[0] & 0x20 != 0 {
            // The last byte says how many there are, itself included.
            let padding = usize::from(packet[packet.len() - 1]);
            if padding == 0 || padding > packet.len() - header_len {
                return Err(RtpError::Padding);
            }
            payload_end -= padding;
        }
        Ok(Self { packet, header_len, payload_end })
    }

    /// The header, without what [`RtpHeader`] does not hold.
    #[must_use]
    pub fn header(&self) -> RtpHeader {
        RtpHeader {
            marker: self.marker(),
            payload_type: self.payload_type(),
            sequence: self.sequence(),
            timestamp: self.timestamp(),
            ssrc: self.ssrc(),
        }
    }

    /// The marker bit.
    #[must_use]
    pub const fn marker(&self) -> bool {
        self.packet[1] & 0x80 != 0
    }

    /// The payload type, 7 bits.
    #[must_use]
    pub const fn payload_type(&self) -> u8 {
        self.packet[1] & 0x7F
    }

    /// The sequence number.
    #[must_use]
    pub const fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.packet[2], self.packet[3]])
    }

    /// The timestamp, in units of the payload's clock.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        read_u32(self.packet, 4)
    }

    /// The synchronisation source.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        read_u32(self.packet, 8)
    }

    /// The contributing sources, at most 15.
    pub fn contributors(&self) -> impl Iterator<Item = u32> + use<'a> {
        let end = RTP_HEADER_BYTES + 4 * usize::from(self.packet[0] & 0x0F);
        self.packet[RTP_HEADER_BYTES..end].chunks_exact(4).map(|four| read_u32(four, 0))
    }

    /// How long the header is, contributors and extensions included.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// The payload, without padding.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.packet[self.header_len..self.payload_end]
    }

    /// The header extensions.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        if self.packet[0] & 0x10 == 0 {
            return Extensions::none();
        }
        let head = RTP_HEADER_BYTES + 4 * usize::from(self.packet[0] & 0x0F);
        let profile = u16::from_be_bytes([self.packet[head], self.packet[head + 1]]);
        Extensions::of(profile, &self.packet[head + 4..self.header_len])
    }

    /// What the header extension of this id says: the first one, if there are several.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|extension| extension.id == id).map(|extension| extension.data)
    }
}

/// How long the header of an RTP or SRTP packet is, and that it is all there.
pub(crate) fn header_len(packet: &[u8]) -> Result<usize, RtpError> {
    let fixed = packet.first_chunk::<RTP_HEADER_BYTES>().ok_or(RtpError::TooShort)?;
    if fixed[0] >> 6 != 2 {
        return Err(RtpError::Version);
    }
    let mut length = RTP_HEADER_BYTES + 4 * usize::from(fixed[0] & 0x0F);
    if fixed[0] & 0x10 != 0 {
        let head = packet.get(length..length + 4).ok_or(RtpError::TooShort)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
    }
    if packet.len() < length {
        return Err(RtpError::TooShort);
    }
    Ok(length)
}

/// Big-endian, at a place that the caller has checked.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
