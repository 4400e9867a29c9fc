//! Unprotecting what comes in. Nothing that is not authentic leaves a trace here.

use super::cipher::{Cipher, Place};
use super::derivation::Usage;
use super::replay::{Fresh, ReplayWindow, nearest_index};
use super::{ENCRYPTED, MAX_STREAMS, MasterKey, Profile, RTCP_CLEAR_BYTES, RTP_WINDOW_WORDS};
use crate::rtp::{RtpError, header_len, read_u32};

/// 128 packets: reports are few.
const RTCP_WINDOW_WORDS: usize = 3;

/// Why a packet is dropped. What is in its place in the buffer is of no use then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnprotectError {
    /// It has no header of RTP.
    #[error("not an SRTP packet")]
    Rtp(#[from] RtpError),
    /// It is shorter than header, tag and index.
    #[error("the packet is too short")]
    TooShort,
    /// It was there already.
    #[error("the packet came a second time")]
    Replayed,
    /// It is so late that it may have been there already.
    #[error("the packet is too old")]
    TooOld,
    /// It was not made with the key, or changed on its way.
    #[error("the packet is not authentic")]
    Unauthentic,
    /// RTCP that is not encrypted, which WebRTC does not have.
    #[error("the packet is not encrypted")]
    NotEncrypted,
}

/// Unprotects all packets of one direction.
///
/// The last [`MAX_STREAMS`] streams of RTP and as many of RTCP are remembered; of one more, that which was silent for longest is
/// forgotten. Only who has the key can bring that about, and what they can do to others with it is nothing.
#[derive(Debug)]
pub struct Receiver {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams<RTP_WINDOW_WORDS>,
    /// Each sender's SSRC counts for itself: libsrtp, and so the browsers, number the reports of each stream on its own.
    rtcp_streams: Streams<RTCP_WINDOW_WORDS>,
}

impl Receiver {
    /// Begins with a key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self {
            profile: master.profile(),
            rtp: Cipher::new(master, Usage::Rtp),
            rtcp: Cipher::new(master, Usage::Rtcp),
            rtp_streams: Streams::new(),
            rtcp_streams: Streams::new(),
        }
    }

    /// The profile of the key.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Checks and decrypts an SRTP packet in place; how long the RTP packet is that begins where it began.
    ///
    /// # Errors
    ///
    /// [`UnprotectError`].
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let header_len = header_len(packet)?;
        let len = packet.len().checked_sub(self.profile.rtp_overhead()).filter(|len| *len >= header_len);
        let len = len.ok_or(UnprotectError::TooShort)?;
        let (ssrc, sequence) = (read_u32(packet, 8), u16::from_be_bytes([packet[2], packet[3]]));
        let slot = self.rtp_streams.find(ssrc);
        // A stream that is new is taken to be at its beginning: "the receiver initializes ROC to zero".
        let index = slot.map_or_else(
            || u64::from(sequence),
            |slot| nearest_index(self.rtp_streams.window(slot).highest(), sequence),
        );
        self.rtp_streams.check(slot, index)?;
        self.rtp
            .open_rtp(packet, header_len, Place { ssrc, index })
            .map_err(|_| UnprotectError::Unauthentic)?;
        self.rtp_streams.note(slot, ssrc, index);
        Ok(len)
    }

    /// Checks and decrypts an SRTCP packet in place; how long the (compound) RTCP packet is that begins where it began.
    ///
    /// # Errors
    ///
    /// [`UnprotectError`].
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, UnprotectError> {
        let len = packet.len().checked_sub(self.profile.rtcp_overhead());
        let len = len.filter(|len| *len >= RTCP_CLEAR_BYTES).ok_or(UnprotectError::TooShort)?;
        let word = self.rtcp.rtcp_index_word(packet).ok_or(UnprotectError::TooShort)?;
        if word & ENCRYPTED == 0 {
            return Err(UnprotectError::NotEncrypted);
        }
        let place = Place { ssrc: read_u32(packet, 4), index: u64::from(word & !ENCRYPTED) };
        let slot = self.rtcp_streams.find(place.ssrc);
        self.rtcp_streams.check(slot, place.index)?;
        self.rtcp.open_rtcp(packet, place).map_err(|_| UnprotectError::Unauthentic)?;
        self.rtcp_streams.note(slot, place.ssrc, place.index);
        Ok(len)
    }
}

/// A place that holds a stream.
#[derive(Clone, Copy, Debug)]
struct Slot(usize);

/// The streams that were heard. Most peers send one or two, and a window is large, so there is room for no more than there are.
#[derive(Debug)]
struct Streams<const WORDS: usize> {
    heard: Vec<Heard<WORDS>>,
    packets: u64,
}

#[derive(Debug)]
struct Heard<const WORDS: usize> {
    ssrc: u32,
    /// When it was heard last, counted in packets.
    at: u64,
    window: ReplayWindow<WORDS>,
}

impl<const WORDS: usize> Streams<WORDS> {
    const fn new() -> Self {
        Self { heard: Vec::new(), packets: 0 }
    }

    fn find(&self, ssrc: u32) -> Option<Slot> {
        self.heard.iter().position(|stream| stream.ssrc == ssrc).map(Slot)
    }

    fn window(&self, slot: Slot) -> &ReplayWindow<WORDS> {
        &self.heard[slot.0].window
    }

    fn check(&self, slot: Option<Slot>, index: u64) -> Result<(), UnprotectError> {
        match slot.map(|slot| self.window(slot).check(index)) {
            None | Some(Fresh::Yes) => Ok(()),
            Some(Fresh::Seen) => Err(UnprotectError::Replayed),
            Some(Fresh::TooOld) => Err(UnprotectError::TooOld),
        }
    }

    /// Takes note of an authentic packet.
    fn note(&mut self, slot: Option<Slot>, ssrc: u32, index: u64) {
        self.packets += 1;
        let at = self.packets;
        if let Some(Slot(slot)) = slot {
            let stream = &mut self.heard[slot];
            stream.at = at;
            stream.window.note(index);
            return;
        }
        let new = Heard { ssrc, at, window: ReplayWindow::starting_at(index) };
        if self.heard.len() < MAX_STREAMS {
            self.heard.reserve_exact(1);
            self.heard.push(new);
        } else if let Some(oldest) = self.heard.iter_mut().min_by_key(|stream| stream.at) {
            *oldest = new;
        }
    }
}
