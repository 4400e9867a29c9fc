//! The cipher of one direction and of RTP or RTCP, whichever the profile is. Which packets come and in which order is not known here.

use super::counter_sha1::CounterSha1;
use super::derivation::Usage;
use super::gcm::Gcm;
use super::{MasterKey, Profile};

/// A packet was not made by who has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unauthentic;

/// Where a packet is in its stream, as both ciphers mix it into what they do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) ssrc: u32,
    /// 48 bits for RTP: rollover counter and sequence number; 31 bits for RTCP.
    pub(super) index: u64,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a pointer more on the way of each packet would cost more than 300 bytes a peer"
)]
#[derive(Debug)]
pub(super) enum Cipher {
    Gcm(Gcm),
    CounterSha1(CounterSha1),
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, usage: Usage) -> Self {
        match master.profile() {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Self::Gcm(Gcm::new(master, usage)),
            Profile::AesCm128HmacSha1_80 => Self::CounterSha1(CounterSha1::new(master, usage)),
        }
    }

    /// Encrypts `packet[header_len..len]` and puts the tag behind it. The caller has looked that there is room for it.
    pub(super) fn seal_rtp(&self, packet: &mut [u8], header_len: usize, len: usize, place: Place) {
        match self {
            Self::Gcm(cipher) => cipher.seal_rtp(packet, header_len, len, place),
            Self::CounterSha1(cipher) => cipher.seal_rtp(packet, header_len, len, place),
        }
    }

    /// Checks and decrypts a packet that has a whole header and a tag; what comes before the tag is then the packet.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        place: Place,
    ) -> Result<(), Unauthentic> {
        match self {
            Self::Gcm(cipher) => cipher.open_rtp(packet, header_len, place),
            Self::CounterSha1(cipher) => cipher.open_rtp(packet, header_len, place),
        }
    }

    /// As [`seal_rtp`](Self::seal_rtp), with the index in the packet.
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], len: usize, place: Place) {
        match self {
            Self::Gcm(cipher) => cipher.seal_rtcp(packet, len, place),
            Self::CounterSha1(cipher) => cipher.seal_rtcp(packet, len, place),
        }
    }

    /// As [`open_rtp`](Self::open_rtp). Where tag and index are is the profile's matter.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], place: Place) -> Result<(), Unauthentic> {
        match self {
            Self::Gcm(cipher) => cipher.open_rtcp(packet, place),
            Self::CounterSha1(cipher) => cipher.open_rtcp(packet, place),
        }
    }

    /// The last four bytes but for what comes behind them: the bit for encryption, and the index.
    pub(super) fn rtcp_index_word(&self, packet: &[u8]) -> Option<u32> {
        let behind = match self {
            Self::Gcm(_) => 0,
            Self::CounterSha1(_) => Profile::AesCm128HmacSha1_80.tag_len(),
        };
        let end = packet.len().checked_sub(behind)?;
        packet[..end].last_chunk::<4>().map(|word| u32::from_be_bytes(*word))
    }
}
