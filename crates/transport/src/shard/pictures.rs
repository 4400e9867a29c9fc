//! One line for pictures of a call: packets of ours on their way out, packets of the caller's on their way in, and those of both that
//! are sent again (RFC 4588).
//!
//! What a payload holds never lives here, nor who is seen. Keys are lent.

use std::time::Duration;

use confocal_rtp::rtcp::{Pli, RtcpWriter, WriteRtcpError};
use confocal_rtp::{Extension, Heard, Missing, NtpTime, RtpHeader, RtpView, Sent, SentConfig, srtp};
use confocal_video::PicturePacket;

use super::handle::{AgreedPictures, PictureStream};
use super::reports::{StreamReports, wall_time};
use crate::packet::{OutgoingPicture, PictureStats, SendError};

/// How timestamps of pictures count, in Hz.
const CLOCK_RATE: u32 = 90_000;

/// What is kept to be sent again: a second of 2 Mbit/s, which is some 360 kB, taken with the first packet that is sent. A picture
/// that is half a second late is followed by a newer one.
const KEPT: SentConfig = SentConfig { packets: 256, packet_bytes: 1_400, age: Duration::from_millis(750) };

/// So many of the first packets tell which line they are of: whoever has read our description knows it by the SSRC.
const TELLS_LINE: u32 = 50;

/// A key frame is asked for by the port itself no more often than this.
const ASKING: Duration = Duration::from_millis(500);

/// What our timestamps mean has to be told anew when it has moved by more.
const CLOCK_MOVED: Duration = Duration::from_millis(30);

/// How many packets are asked for again at a time.
const ASKED_AT_ONCE: usize = 64;

/// A line.
#[derive(Debug)]
pub(super) struct Pictures {
    own: PictureStream,
    /// Nothing while the line is not in use; our numbers go on.
    agreed: Option<AgreedPictures>,
    rtx_sequence: u16,
    sent: Option<Sent>,
    begun: u32,
    pub(super) reports: StreamReports,
    /// Which timestamp of ours belongs to which moment, as it was reported last.
    told_clock: Option<(u32, Duration)>,
    clock: Option<(u32, Duration)>,
    /// The caller's SSRC, and that of packets that it sends again.
    theirs: Option<u32>,
    theirs_again: Option<u32>,
    missing: Missing,
    asked: Option<Duration>,
    wants_key_frame: bool,
    /// The number of the last command (RFC 5104 section 4.3.1): ours, and the caller's.
    command: u8,
    commanded: Option<u8>,
}

impl Pictures {
    pub(super) fn new(own: PictureStream) -> Self {
        Self {
            own,
            agreed: None,
            rtx_sequence: own.rtx_sequence,
            sent: None,
            begun: 0,
            reports: StreamReports::new(own.ssrc, CLOCK_RATE),
            told_clock: None,
            clock: None,
            theirs: None,
            theirs_again: None,
            missing: Missing::new(),
            asked: None,
            wants_key_frame: false,
            command: 0,
            commanded: None,
        }
    }

    /// What holds from now on.
    pub(super) fn agree(&mut self, agreed: Option<AgreedPictures>) {
        let theirs = agreed.as_ref().and_then(|agreed| agreed.theirs);
        if let Some((ssrc, again)) = theirs {
            self.follow(ssrc);
            self.theirs_again = again;
        }
        if agreed.is_none() {
            self.sent = None;
            (self.theirs, self.theirs_again) = (None, None);
        }
        self.agreed = agreed;
    }

    /// Whether packets with this payload type are of this line; `Some(true)` for those that are sent again.
    pub(super) fn knows(&self, payload_type: u8) -> Option<bool> {
        let shape = &self.agreed.as_ref()?.shape;
        if payload_type == shape.payload_type {
            return Some(false);
        }
        (Some(payload_type) == shape.rtx).then_some(true)
    }

    /// Whether a packet is certainly of this line, by its SSRC or by the name that it tells.
    pub(super) fn owns(&self, packet: &RtpView<'_>, again: bool) -> bool {
        let known = if again { self.theirs_again } else { self.theirs };
        known == Some(packet.ssrc()) || self.is_named_by(packet)
    }

    fn is_named_by(&self, packet: &RtpView<'_>) -> bool {
        let Some(agreed) = &self.agreed else { return false };
        let told = agreed.shape.mid.and_then(|id| packet.extension(id));
        told.is_some_and(|told| told == agreed.mid.as_bytes())
    }

    /// The packet of pictures that one of this line is; `None` for one that is not needed.
    pub(super) fn open<'a>(
        &mut self,
        packet: &RtpView<'a>,
        again: bool,
        arrival: Duration,
        stats: &mut PictureStats,
    ) -> Option<PicturePacket<'a>> {
        let codec = self.agreed.as_ref()?.shape.codec;
        let (sequence, payload) = if again {
            self.theirs_again = Some(packet.ssrc());
            // RFC 4588 section 4: the original sequence number comes first. What has nothing after it only probes the path.
            let (original, payload) = packet.payload().split_first_chunk::<2>()?;
            if payload.is_empty() {
                return None;
            }
            (u16::from_be_bytes(*original), payload)
        } else {
            self.follow(packet.ssrc());
            self.reports.received(packet.ssrc(), packet.sequence(), packet.timestamp(), arrival);
            (packet.sequence(), packet.payload())
        };
        match self.missing.on_packet(sequence, arrival) {
            Heard::New => {}
            Heard::Recovered => stats.recovered += u64::from(again),
            Heard::Old if again => return None,
            Heard::Old => {}
            Heard::TooMany => self.wants_key_frame = true,
        }
        stats.received += 1;
        let (timestamp, marker) = (packet.timestamp(), packet.marker());
        Some(PicturePacket { codec, sequence, timestamp, marker, payload, arrival })
    }

    /// The caller's packets have this SSRC: if it is a new one, they are counted anew.
    fn follow(&mut self, ssrc: u32) {
        if self.theirs != Some(ssrc) {
            if self.theirs.is_some() {
                self.missing = Missing::new();
            }
            self.theirs = Some(ssrc);
        }
    }

    /// The caller's SSRC.
    pub(super) const fn theirs(&self) -> Option<u32> {
        self.theirs
    }

    /// Whether pictures that our side can take are limited by what we say (REMB).
    pub(super) fn is_limited(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| agreed.shape.feedback.remb)
    }

    /// Writes a packet of ours, protected, to `out`: how long it is, and whether what its timestamp means is news.
    pub(super) fn seal(
        &mut self,
        packet: &OutgoingPicture<'_>,
        now: Duration,
        plays_at: Duration,
        keys: &mut srtp::Sender,
        out: &mut [u8],
    ) -> Result<(usize, bool), SendError> {
        let agreed = self.agreed.as_ref().ok_or(SendError::NotReady)?;
        let header = RtpHeader {
            marker: packet.marker,
            payload_type: agreed.shape.payload_type,
            sequence: self.own.sequence.wrapping_add(packet.sequence),
            timestamp: self.own.timestamp.wrapping_add(packet.timestamp),
            ssrc: self.own.ssrc,
        };
        let tells_line = self.begun < TELLS_LINE;
        let header_length = write_header(&header, agreed, tells_line, out)?;
        let length = header_length + packet.head.len() + packet.payload.len();
        let room = out.get_mut(header_length..length).ok_or(SendError::Unfit)?;
        let (head, rest) = room.split_at_mut(packet.head.len());
        head.copy_from_slice(packet.head);
        rest.copy_from_slice(packet.payload);
        if agreed.shape.feedback.nack {
            let sent = self.sent.get_or_insert_with(|| Sent::new(KEPT));
            sent.keep(header.sequence, out.get(..length).unwrap_or_default(), now);
        }
        let sealed = keys.protect_rtp(out, length).map_err(|_| SendError::Unfit)?;
        self.begun = self.begun.saturating_add(1);
        self.reports.sent(header.timestamp, packet.head.len() + packet.payload.len(), plays_at);
        self.clock = Some((header.timestamp, plays_at));
        Ok((sealed, self.clock_moved(header.timestamp, plays_at)))
    }

    fn clock_moved(&self, timestamp: u32, at: Duration) -> bool {
        let Some((told, told_at)) = self.told_clock else { return true };
        let ahead = i64::from(timestamp.wrapping_sub(told) as i32) * 1_000 / i64::from(CLOCK_RATE / 1_000);
        let passed = at.as_micros() as i64 - told_at.as_micros() as i64;
        Duration::from_micros((ahead - passed).unsigned_abs()) > CLOCK_MOVED
    }

    /// Writes our report.
    pub(super) fn write_report(
        &mut self,
        writer: &mut RtcpWriter<'_>,
        cname: &str,
        now: Duration,
    ) -> Result<(), WriteRtcpError> {
        self.told_clock = self.clock;
        self.reports.write(writer, cname, false, now)
    }

    /// Writes a packet of ours that the caller misses once more: how long it is. `None` if it is not kept, or was sent again a moment
    /// ago.
    pub(super) fn seal_again(
        &mut self,
        sequence: u16,
        now: Duration,
        round_trip: Duration,
        keys: &mut srtp::Sender,
        out: &mut [u8],
    ) -> Option<usize> {
        let agreed = self.agreed.as_ref()?;
        let kept = self.sent.as_mut()?.again(sequence, now, round_trip)?;
        let Some(payload_type) = agreed.shape.rtx else {
            out.get_mut(..kept.len())?.copy_from_slice(kept);
            let length = kept.len();
            return keys.protect_rtp_again(out, length).ok();
        };
        let first = RtpView::parse(kept).ok()?;
        let (sequence, ssrc) = (self.rtx_sequence, self.own.rtx);
        let header = RtpHeader { payload_type, sequence, ssrc, ..first.header() };
        let header_length = write_header(&header, agreed, self.begun < TELLS_LINE, out).ok()?;
        let payload = first.payload();
        let length = header_length + 2 + payload.len();
        let (original, rest) = out.get_mut(header_length..length)?.split_first_chunk_mut::<2>()?;
        *original = first.sequence().to_be_bytes();
        rest.copy_from_slice(payload);
        let sealed = keys.protect_rtp(out, length).ok()?;
        self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
        Some(sealed)
    }

    /// Whether packets of the caller's are missing, or a key frame is.
    pub(super) fn misses(&self) -> bool {
        !self.missing.is_empty() || self.wants_key_frame
    }

    /// Writes what is due to be asked for again.
    pub(super) fn write_missing(
        &mut self,
        writer: &mut RtcpWriter<'_>,
        now: Duration,
        round_trip: Duration,
        stats: &mut PictureStats,
    ) -> Result<(), WriteRtcpError> {
        let (Some(agreed), Some(theirs)) = (&self.agreed, self.theirs) else { return Ok(()) };
        if agreed.shape.feedback.nack {
            let mut sequences = [0; ASKED_AT_ONCE];
            let count = self.missing.due(now, round_trip, &mut sequences);
            if count > 0 {
                stats.asked += count as u64;
                writer.nack(self.own.ssrc, theirs, sequences.into_iter().take(count))?;
            }
        }
        if self.wants_key_frame && self.asked.is_none_or(|asked| now >= asked + ASKING) {
            return self.write_key_frame(writer, now, stats);
        }
        Ok(())
    }

    /// Asks for a key frame.
    pub(super) fn write_key_frame(
        &mut self,
        writer: &mut RtcpWriter<'_>,
        now: Duration,
        stats: &mut PictureStats,
    ) -> Result<(), WriteRtcpError> {
        let (Some(agreed), Some(theirs)) = (&self.agreed, self.theirs) else { return Ok(()) };
        self.asked = Some(now);
        self.wants_key_frame = false;
        if agreed.shape.feedback.pli {
            stats.key_frames_asked += 1;
            writer.pli(Pli { sender_ssrc: self.own.ssrc, media_ssrc: theirs })
        } else if agreed.shape.feedback.fir {
            stats.key_frames_asked += 1;
            self.command = self.command.wrapping_add(1);
            writer.fir(self.own.ssrc, &[(theirs, self.command)])
        } else {
            Ok(())
        }
    }

    /// Whether a command for a key frame is not the repetition of the last one.
    pub(super) fn is_new_command(&mut self, number: u8) -> bool {
        self.commanded.replace(number) != Some(number)
    }
}

/// Writes a packet's header, and with it when it is sent.
fn write_header(
    header: &RtpHeader,
    agreed: &AgreedPictures,
    tells_line: bool,
    out: &mut [u8],
) -> Result<usize, SendError> {
    let time = send_time(wall_time());
    let mid = agreed.mid.as_bytes();
    let tells_line = tells_line && (1..=16).contains(&mid.len());
    let time = agreed.shape.send_time.map(|id| Extension { id, data: &time });
    let name = agreed.shape.mid.filter(|_| tells_line).map(|id| Extension { id, data: mid });
    let written = match (time, name) {
        (Some(time), Some(name)) => header.write_with(&[time, name], out),
        (Some(one), None) | (None, Some(one)) => header.write_with(&[one], out),
        (None, None) => header.write(out),
    };
    written.map_err(|_| SendError::Unfit)
}

/// A moment as the extension tells it: 6 bits of seconds and 18 of a fraction.
const fn send_time(NtpTime(ntp): NtpTime) -> [u8; 3] {
    let [.., high, middle, low] = (ntp >> 14).to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_sending_has_6_bits_of_seconds_and_18_of_a_fraction() {
        // 0x41 s and a quarter: the seventh bit of the seconds is left out.
        assert_eq!(send_time(NtpTime(0x41_4000_0000)), [0b0000_0101, 0, 0]);
        assert_eq!(send_time(NtpTime(0x3F_FFFF_FFFF)), [0xFF; 3]);
    }
}
