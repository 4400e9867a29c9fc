//! RTCP packets (RFC 3550 section 6, RFC 4585, RFC 5104): read where they lie, written into the caller's buffer. When which one is
//! due, and what follows from one, is not known here.

mod feedback;
mod report;
mod source;
mod transport_feedback;
mod writer;

pub use feedback::{Fir, Nack, NackedSequences, Pli, Remb};
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderReport};
pub use source::{Goodbye, SourceDescription};
pub use transport_feedback::{PacketStatuses, TransportFeedback, TransportFeedbackHead};
pub use writer::{RtcpWriter, WriteRtcpError};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// Transport layer feedback (RFC 4585 section 6.2) and its formats.
const TRANSPORT_LAYER: u8 = 205;
const NACK: u8 = 1;
const TRANSPORT_WIDE: u8 = 15;
/// Payload-specific feedback (RFC 4585 section 6.3) and its formats.
const PAYLOAD_SPECIFIC: u8 = 206;
const PLI: u8 = 1;
const FIR: u8 = 4;
const APPLICATION: u8 = 15;

/// Why bytes are no RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// Fewer than the four bytes of a head are left.
    #[error("{0} bytes are left, fewer than a head has")]
    Head(usize),
    /// Its version is not 2.
    #[error("the version is not 2")]
    Version,
    /// It is longer than what there is.
    #[error("a packet of type {packet_type} ends outside of the datagram")]
    Length {
        /// The packet type.
        packet_type: u8,
    },
    /// Its padding has no length, or is longer than the packet.
    #[error("a packet of type {packet_type} has bad padding")]
    Padding {
        /// The packet type.
        packet_type: u8,
    },
    /// It holds less than its counts say.
    #[error("a packet of type {packet_type} holds less than it says")]
    Content {
        /// The packet type.
        packet_type: u8,
    },
}

/// A packet where it lies.
#[derive(Clone, Copy, Debug)]
pub enum RtcpPacket<'a> {
    /// SR.
    SenderReport(SenderReport, ReportBlocks<'a>),
    /// RR.
    ReceiverReport(ReceiverReport, ReportBlocks<'a>),
    /// SDES.
    SourceDescription(SourceDescription<'a>),
    /// BYE.
    Goodbye(Goodbye<'a>),
    /// Packets that are missed.
    Nack(Nack<'a>),
    /// A picture is missed.
    Pli(Pli),
    /// A key frame is asked for.
    Fir(Fir<'a>),
    /// How much the receiver thinks that it can take.
    Remb(Remb<'a>),
    /// When packets came, over all streams.
    TransportFeedback(TransportFeedback<'a>),
}

/// The packets of a datagram, in their order.
///
/// It is read leniently: kinds that we don't have are passed over, the order is not looked at (RFC 5506 has packets without a
/// report), and a packet that can't be read is told and the next one follows, as long as it is known where that begins.
#[derive(Clone, Copy, Debug)]
pub struct RtcpPackets<'a> {
    rest: &'a [u8],
}

impl<'a> RtcpPackets<'a> {
    /// Reads a compound packet that is not encrypted, or not any more.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }

    /// The next packet, or `Ok(None)` if it is of a kind that we don't have.
    fn step(&mut self) -> Result<Option<RtcpPacket<'a>>, RtcpError> {
        let rest = core::mem::take(&mut self.rest);
        let Some((&[first, packet_type, l0, l1], after)) = rest.split_first_chunk::<4>() else {
            return Err(RtcpError::Head(rest.len()));
        };
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let length = 4 * usize::from(u16::from_be_bytes([l0, l1]));
        let (mut body, next) = after.split_at_checked(length).ok_or(RtcpError::Length { packet_type })?;
        self.rest = next;
        if first & 0x20 != 0 {
            let padding = body.last().copied().map_or(0, usize::from);
            let kept = body.len().checked_sub(padding).filter(|_| padding != 0);
            body = &body[..kept.ok_or(RtcpError::Padding { packet_type })?];
        }
        let count = first & 0x1F;
        let packet = match (packet_type, count) {
            (SENDER_REPORT, _) => report::sender(body, count).map(|(r, b)| RtcpPacket::SenderReport(r, b)),
            (RECEIVER_REPORT, _) => {
                report::receiver(body, count).map(|(r, b)| RtcpPacket::ReceiverReport(r, b))
            }
            (SOURCE_DESCRIPTION, _) => {
                SourceDescription::read(body, count).map(RtcpPacket::SourceDescription)
            }
            (GOODBYE, _) => Goodbye::read(body, count).map(RtcpPacket::Goodbye),
            (TRANSPORT_LAYER, NACK) => Nack::read(body).map(RtcpPacket::Nack),
            (TRANSPORT_LAYER, TRANSPORT_WIDE) => {
                TransportFeedback::read(body).map(RtcpPacket::TransportFeedback)
            }
            (PAYLOAD_SPECIFIC, PLI) => Pli::read(body).map(RtcpPacket::Pli),
            (PAYLOAD_SPECIFIC, FIR) => Fir::read(body).map(RtcpPacket::Fir),
            (PAYLOAD_SPECIFIC, APPLICATION) if !Remb::is(body) => return Ok(None),
            (PAYLOAD_SPECIFIC, APPLICATION) => Remb::read(body).map(RtcpPacket::Remb),
            _ => return Ok(None),
        };
        packet.map(Some).ok_or(RtcpError::Content { packet_type })
    }
}

impl<'a> Iterator for RtcpPackets<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            if let Some(item) = self.step().transpose() {
                return Some(item);
            }
        }
        None
    }
}

/// Takes the next four bytes of a body, big-endian.
fn take_u32(body: &mut &[u8]) -> Option<u32> {
    let (four, rest) = body.split_first_chunk::<4>()?;
    *body = rest;
    Some(u32::from_be_bytes(*four))
}

/// The SSRCs in a list of them.
fn ssrcs<'a>(list: &'a [u8]) -> impl Iterator<Item = u32> + use<'a> {
    list.chunks_exact(4).map(|four| crate::rtp::read_u32(four, 0))
}
