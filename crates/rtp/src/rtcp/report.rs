//! Sender and receiver reports (RFC 3550 section 6.4). The arithmetic of what they tell lives in `reception`.

use super::take_u32;
use super::writer::{Body, WriteRtcpError};
use crate::ntp::NtpTime;
use crate::rtp::read_u32;

const BLOCK_BYTES: usize = 24;

/// What a sender tells of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream, and who reports.
    pub ssrc: u32,
    /// When it was sent.
    pub ntp: NtpTime,
    /// The same moment in units of the stream's clock.
    pub rtp_timestamp: u32,
    /// The packets sent so far, wrapping.
    pub packets: u32,
    /// The bytes of payload sent so far, wrapping.
    pub octets: u32,
}

/// Who sends a receiver report; what it tells are its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverReport {
    /// Who reports.
    pub ssrc: u32,
}

/// How a stream is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// What was lost since the report before, in 1/256 of what was expected.
    pub fraction_lost: u8,
    /// The packets lost so far; fewer than none if more came twice. 24 bits with a sign: what is beyond is written as the nearest.
    pub cumulative_lost: i32,
    /// The highest sequence number so far, the number of its wraps in the upper 16 bits.
    pub extended_highest: u32,
    /// The interarrival jitter, in units of the stream's clock.
    pub jitter: u32,
    /// When the last sender report was sent ([`NtpTime::compact`]), 0 if none has come.
    pub last_sr: u32,
    /// What has gone by since it came, in 2⁻¹⁶ s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    fn read(bytes: &[u8]) -> Self {
        // The 24 bits are brought up and down again, for their sign.
        let lost = read_u32(bytes, 4);
        Self {
            ssrc: read_u32(bytes, 0),
            fraction_lost: (lost >> 24) as u8,
            cumulative_lost: (lost << 8) as i32 >> 8,
            extended_highest: read_u32(bytes, 8),
            jitter: read_u32(bytes, 12),
            last_sr: read_u32(bytes, 16),
            delay_since_last_sr: read_u32(bytes, 20),
        }
    }

    pub(super) fn write(&self, body: &mut Body<'_>) -> Result<(), WriteRtcpError> {
        let lost = self.cumulative_lost.clamp(-(1 << 23), (1 << 23) - 1);
        body.put_u32(self.ssrc)?;
        body.put_u32(u32::from(self.fraction_lost) << 24 | lost as u32 & 0x00FF_FFFF)?;
        body.put_u32(self.extended_highest)?;
        body.put_u32(self.jitter)?;
        body.put_u32(self.last_sr)?;
        body.put_u32(self.delay_since_last_sr)
    }
}

/// The blocks of a report, at most 31.
#[derive(Clone, Copy, Debug)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> ReportBlocks<'a> {
    fn read(body: &'a [u8], count: u8) -> Option<Self> {
        // What may follow is a profile's extension.
        body.get(..BLOCK_BYTES * usize::from(count)).map(|rest| Self { rest })
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.rest.split_first_chunk::<BLOCK_BYTES>()?;
        self.rest = rest;
        Some(ReportBlock::read(block))
    }
}

pub(super) fn sender(mut body: &[u8], count: u8) -> Option<(SenderReport, ReportBlocks<'_>)> {
    let report = SenderReport {
        ssrc: take_u32(&mut body)?,
        ntp: NtpTime(u64::from(take_u32(&mut body)?) << 32 | u64::from(take_u32(&mut body)?)),
        rtp_timestamp: take_u32(&mut body)?,
        packets: take_u32(&mut body)?,
        octets: take_u32(&mut body)?,
    };
    Some((report, ReportBlocks::read(body, count)?))
}

pub(super) fn receiver(mut body: &[u8], count: u8) -> Option<(ReceiverReport, ReportBlocks<'_>)> {
    let report = ReceiverReport { ssrc: take_u32(&mut body)? };
    Some((report, ReportBlocks::read(body, count)?))
}

impl SenderReport {
    pub(super) fn write(&self, body: &mut Body<'_>) -> Result<(), WriteRtcpError> {
        body.put_u32(self.ssrc)?;
        body.put_u32((self.ntp.0 >> 32) as u32)?;
        body.put_u32(self.ntp.0 as u32)?;
        body.put_u32(self.rtp_timestamp)?;
        body.put_u32(self.packets)?;
        body.put_u32(self.octets)
    }
}
