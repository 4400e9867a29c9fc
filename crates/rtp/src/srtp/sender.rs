//! Protecting what we send. Sequence numbers are the caller's; that none is used twice for other bytes is looked after here.

use super::cipher::{Cipher, Place};
use super::derivation::Usage;
use super::replay::{Fresh, ReplayWindow, nearest_index};
use super::{MAX_STREAMS, MasterKey, Profile, RTCP_CLEAR_BYTES, RTCP_INDEX_END, RTP_WINDOW_WORDS};
use crate::extension::Extension;
use crate::rtp::{RtpError, RtpHeader, WriteRtpError, header_len, read_u32};

/// An index of 48 bits is used up (RFC 3711 section 9.2).
const RTP_INDEX_END: u64 = 1 << 48;

/// Why a packet was not protected. Nothing has changed then, but for what was written to the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectError {
    /// It is no RTP packet, or its length is more than the buffer's.
    #[error("not an RTP packet")]
    Rtp(#[from] RtpError),
    /// The packet could not be written.
    #[error("the packet could not be written")]
    Write(#[from] WriteRtpError),
    /// It is too short for RTCP.
    #[error("not an RTCP packet")]
    Rtcp,
    /// There is no room for tag and index in the buffer.
    #[error("the buffer has no room for the tag")]
    NoRoom,
    /// A packet of this number was protected already, or may have been. A cipher must not be used twice at one place: with GCM that
    /// gives its key away.
    #[error("the sequence number was used")]
    Used,
    /// A packet that was never protected can't be sent again, nor one more than 1024 behind the newest.
    #[error("the sequence number was not used, or long ago")]
    Unused,
    /// There are [`MAX_STREAMS`] streams already.
    #[error("too many streams")]
    TooManyStreams,
    /// The key has protected all packets that it may; new keys are needed.
    #[error("the key is used up")]
    KeyUsedUp,
}

/// Protects all packets of one direction.
#[derive(Debug)]
pub struct Sender {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    /// A window is large, so there is room for no more than there are.
    streams: Vec<Stream>,
    /// One for all streams, which is allowed: it only may not come twice for one of them.
    next_rtcp_index: u32,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    used: ReplayWindow<RTP_WINDOW_WORDS>,
}

impl Sender {
    /// Begins with a key. A key must begin only once: a second `Sender` would use its places a second time.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Usage::Rtp),
            rtcp: Cipher::new(master, Usage::Rtcp),
            streams: Vec::new(),
            next_rtcp_index: 1,
        }
    }

    /// The profile of the key.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Protects the RTP packet `packet[..len]` in place; how long it is then: [`Profile::rtp_overhead`] more. The first sequence
    /// number of a stream had better be below 2¹⁵, since a receiver that misses packets before the first wrap can't know of it
    /// (RFC 3711 section 3.3.1).
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn protect_rtp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let header_len = header_len(packet.get(..len).ok_or(RtpError::TooShort)?)?;
        let sealed = self.sealed_rtp_len(packet, len)?;
        let place = self.claim(read_u32(packet, 8), u16::from_be_bytes([packet[2], packet[3]]))?;
        self.rtp.seal_rtp(packet, header_len, len, place);
        Ok(sealed)
    }

    /// Protects a packet that was protected before once more, to answer a NACK (RFC 4585). `packet[..len]` must have the very bytes
    /// it had then.
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn protect_rtp_again(&self, packet: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        let header_len = header_len(packet.get(..len).ok_or(RtpError::TooShort)?)?;
        let sealed = self.sealed_rtp_len(packet, len)?;
        let (ssrc, sequence) = (read_u32(packet, 8), u16::from_be_bytes([packet[2], packet[3]]));
        let stream = self.streams.iter().find(|stream| stream.ssrc == ssrc);
        let used = &stream.ok_or(ProtectError::Unused)?.used;
        let index = nearest_index(used.highest(), sequence);
        if used.check(index) != Fresh::Seen {
            return Err(ProtectError::Unused);
        }
        self.rtp.seal_rtp(packet, header_len, len, Place { ssrc, index });
        Ok(sealed)
    }

    /// Writes a packet of a header, extensions in the one-byte form and a payload to `out`, and protects it; how long it is.
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn protect_rtp_from(
        &mut self,
        header: &RtpHeader,
        extensions: &[Extension<'_>],
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<usize, ProtectError> {
        let header_len = header.write_with(extensions, out)?;
        let len = header_len + payload.len();
        let sealed = self.sealed_rtp_len(out, len)?;
        let place = self.claim(header.ssrc, header.sequence)?;
        out[header_len..len].copy_from_slice(payload);
        self.rtp.seal_rtp(out, header_len, len, place);
        Ok(sealed)
    }

    /// Protects the (compound) RTCP packet `packet[..len]` in place; how long it is then: [`Profile::rtcp_overhead`] more.
    ///
    /// # Errors
    ///
    /// [`ProtectError`].
    pub fn protect_rtcp(&mut self, packet: &mut [u8], len: usize) -> Result<usize, ProtectError> {
        if len < RTCP_CLEAR_BYTES || packet.len() < len {
            return Err(ProtectError::Rtcp);
        }
        let sealed = len + self.profile.rtcp_overhead();
        if packet.len() < sealed {
            return Err(ProtectError::NoRoom);
        }
        if self.next_rtcp_index == RTCP_INDEX_END {
            return Err(ProtectError::KeyUsedUp);
        }
        let place = Place { ssrc: read_u32(packet, 4), index: u64::from(self.next_rtcp_index) };
        self.next_rtcp_index += 1;
        self.rtcp.seal_rtcp(packet, len, place);
        Ok(sealed)
    }

    fn sealed_rtp_len(&self, packet: &[u8], len: usize) -> Result<usize, ProtectError> {
        let sealed = len + self.profile.rtp_overhead();
        if packet.len() < sealed { Err(ProtectError::NoRoom) } else { Ok(sealed) }
    }

    /// Takes a place in a stream, for the one time.
    fn claim(&mut self, ssrc: u32, sequence: u16) -> Result<Place, ProtectError> {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else {
            if self.streams.len() == MAX_STREAMS {
                return Err(ProtectError::TooManyStreams);
            }
            let index = u64::from(sequence);
            self.streams.reserve_exact(1);
            self.streams.push(Stream { ssrc, used: ReplayWindow::starting_at(index) });
            return Ok(Place { ssrc, index });
        };
        let index = nearest_index(stream.used.highest(), sequence);
        if index >= RTP_INDEX_END {
            return Err(ProtectError::KeyUsedUp);
        }
        if stream.used.check(index) != Fresh::Yes {
            return Err(ProtectError::Used);
        }
        stream.used.note(index);
        Ok(Place { ssrc, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        Sender::new(&MasterKey::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12]).unwrap())
    }

    #[test]
    fn a_key_is_used_up_by_as_many_reports_as_there_are_numbers() {
        let mut sender = sender();
        sender.next_rtcp_index = RTCP_INDEX_END - 1;
        let mut packet = [0; 60];
        assert_eq!(sender.protect_rtcp(&mut packet, 8), Ok(28));
        assert_eq!(packet[24..28], [0xFF; 4]);
        assert_eq!(sender.protect_rtcp(&mut packet, 8), Err(ProtectError::KeyUsedUp));
    }

    #[test]
    fn a_key_is_used_up_by_as_many_packets_as_there_are_numbers() {
        let mut sender = sender();
        let used = ReplayWindow::starting_at(RTP_INDEX_END - 2);
        sender.streams.push(Stream { ssrc: 7, used });
        assert!(sender.claim(7, 65_535).is_ok());
        assert_eq!(sender.claim(7, 0).map(|_| ()), Err(ProtectError::KeyUsedUp));
    }

    #[test]
    fn a_number_that_was_passed_over_can_not_be_sent_again() {
        let mut sender = sender();
        let mut packet = [0x80; 60];
        for sequence in [10_u16, 12] {
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            sender.protect_rtp(&mut packet, 20).unwrap();
        }
        packet[2..4].copy_from_slice(&11_u16.to_be_bytes());
        assert_eq!(sender.protect_rtp_again(&mut packet, 20), Err(ProtectError::Unused));
        assert!(sender.protect_rtp(&mut packet, 20).is_ok());
        assert!(sender.protect_rtp_again(&mut packet, 20).is_ok());
    }
}
