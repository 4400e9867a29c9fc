//! Packets one after the other into the caller's buffer. What is in them is each kind's own matter.

use super::feedback::{write_pairs, write_remb};
use super::source::CNAME;
use super::transport_feedback::TransportFeedbackHead;
use super::{
    APPLICATION, FIR, GOODBYE, NACK, PAYLOAD_SPECIFIC, PLI, Pli, RECEIVER_REPORT, ReceiverReport,
    ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION, SenderReport, TRANSPORT_LAYER, TRANSPORT_WIDE,
};

/// Why a packet was not written. What was written before it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteRtcpError {
    /// The buffer is too small.
    #[error("the buffer is too small")]
    NoRoom,
    /// A list or a text is longer than a packet can say.
    #[error("more than a packet can say")]
    TooMany,
    /// A packet that would say nothing.
    #[error("nothing to say")]
    Nothing,
}

/// Writes a compound packet. Whoever sends it to a peer that does not know RFC 5506 begins with a report.
#[derive(Debug)]
pub struct RtcpWriter<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> RtcpWriter<'a> {
    /// Writes from the beginning of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// How many bytes were written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A sender report (RFC 3550 section 6.4.1) with at most 31 blocks.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn sender_report(
        &mut self,
        report: &SenderReport,
        blocks: &[ReportBlock],
    ) -> Result<(), WriteRtcpError> {
        self.packet(SENDER_REPORT, count_of(blocks)?, |body| {
            report.write(body)?;
            blocks.iter().try_for_each(|block| block.write(body))
        })
    }

    /// A receiver report (RFC 3550 section 6.4.2) with at most 31 blocks.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn receiver_report(
        &mut self,
        report: &ReceiverReport,
        blocks: &[ReportBlock],
    ) -> Result<(), WriteRtcpError> {
        self.packet(RECEIVER_REPORT, count_of(blocks)?, |body| {
            body.put_u32(report.ssrc)?;
            blocks.iter().try_for_each(|block| block.write(body))
        })
    }

    /// The canonical name of a stream (RFC 3550 section 6.5.1), at most 255 bytes.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> Result<(), WriteRtcpError> {
        let length = u8::try_from(cname.len()).map_err(|_| WriteRtcpError::TooMany)?;
        self.packet(SOURCE_DESCRIPTION, 1, |body| {
            body.put_u32(ssrc)?;
            body.put(&[CNAME, length])?;
            body.put(cname.as_bytes())?;
            // A zero ends the items; more of them fill the last word, which is not padding of the packet.
            body.put(&[0; 4][..4 - body.len % 4])
        })
    }

    /// The end of streams (RFC 3550 section 6.6), at most 31.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn goodbye(&mut self, ssrcs: &[u32]) -> Result<(), WriteRtcpError> {
        self.packet(GOODBYE, count_of(ssrcs)?, |body| ssrcs.iter().try_for_each(|ssrc| body.put_u32(*ssrc)))
    }

    /// Packets that we miss (RFC 4585 section 6.2.1), oldest first: in another order they take more room.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`]; [`WriteRtcpError::Nothing`] if none are missed.
    pub fn nack(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        sequences: impl IntoIterator<Item = u16>,
    ) -> Result<(), WriteRtcpError> {
        self.packet(TRANSPORT_LAYER, NACK, |body| {
            body.put_u32(sender_ssrc)?;
            body.put_u32(media_ssrc)?;
            write_pairs(sequences, body)
        })
    }

    /// That we miss a picture (RFC 4585 section 6.3.1).
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn pli(&mut self, pli: Pli) -> Result<(), WriteRtcpError> {
        self.packet(PAYLOAD_SPECIFIC, PLI, |body| {
            body.put_u32(pli.sender_ssrc)?;
            body.put_u32(pli.media_ssrc)
        })
    }

    /// That we want key frames (RFC 5104 section 4.3.1): of each stream its SSRC and the number of the command.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`]; [`WriteRtcpError::Nothing`] if there are no entries.
    pub fn fir(&mut self, sender_ssrc: u32, entries: &[(u32, u8)]) -> Result<(), WriteRtcpError> {
        if entries.is_empty() {
            return Err(WriteRtcpError::Nothing);
        }
        self.packet(PAYLOAD_SPECIFIC, FIR, |body| {
            body.put_u32(sender_ssrc)?;
            body.put_u32(0)?;
            entries.iter().try_for_each(|(ssrc, number)| {
                body.put_u32(*ssrc)?;
                body.put(&[*number, 0, 0, 0])
            })
        })
    }

    /// How many bits a second we can take of at most 255 streams together (draft-alvestrand-rmcat-remb-03); rounded down to 18
    /// significant bits.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`].
    pub fn remb(&mut self, sender_ssrc: u32, bitrate: u64, ssrcs: &[u32]) -> Result<(), WriteRtcpError> {
        self.packet(PAYLOAD_SPECIFIC, APPLICATION, |body| write_remb(sender_ssrc, bitrate, ssrcs, body))
    }

    /// When the packets from `head.base_sequence` on came (draft-holmer-rmcat-transport-wide-cc-extensions-01): each one's distance
    /// from the one before it that came, the first one's from the reference time, in 250 µs; `None` if it did not come.
    ///
    /// # Errors
    ///
    /// [`WriteRtcpError`]; [`WriteRtcpError::Nothing`] if there are no packets.
    pub fn transport_feedback(
        &mut self,
        head: &TransportFeedbackHead,
        deltas: &[Option<i16>],
    ) -> Result<(), WriteRtcpError> {
        self.packet(TRANSPORT_LAYER, TRANSPORT_WIDE, |body| head.write(deltas, body))
    }

    fn packet(
        &mut self,
        packet_type: u8,
        count: u8,
        fill: impl FnOnce(&mut Body<'_>) -> Result<(), WriteRtcpError>,
    ) -> Result<(), WriteRtcpError> {
        let (head, rest) =
            self.buffer[self.len..].split_first_chunk_mut::<4>().ok_or(WriteRtcpError::NoRoom)?;
        let mut body = Body { bytes: rest, len: 0 };
        fill(&mut body)?;
        let padding = (4 - body.len % 4) % 4;
        // The last byte of padding says how many there are (RFC 3550 section 6.4.1).
        body.put(&[&[][..], &[1], &[0, 2], &[0, 0, 3]][padding])?;
        let length = body.len;
        let words = u16::try_from(length / 4).map_err(|_| WriteRtcpError::TooMany)?.to_be_bytes();
        *head = [0x80 | u8::from(padding > 0) << 5 | count, packet_type, words[0], words[1]];
        self.len += 4 + length;
        Ok(())
    }
}

fn count_of<T>(list: &[T]) -> Result<u8, WriteRtcpError> {
    u8::try_from(list.len()).ok().filter(|count| *count < 32).ok_or(WriteRtcpError::TooMany)
}

/// What follows a packet's head.
pub(super) struct Body<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Body<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), WriteRtcpError> {
        let place = self.bytes.get_mut(self.len..self.len + bytes.len()).ok_or(WriteRtcpError::NoRoom)?;
        place.copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    pub(super) fn put_u16(&mut self, number: u16) -> Result<(), WriteRtcpError> {
        self.put(&number.to_be_bytes())
    }

    pub(super) fn put_u32(&mut self, number: u32) -> Result<(), WriteRtcpError> {
        self.put(&number.to_be_bytes())
    }
}
