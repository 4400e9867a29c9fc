//! AES-128 in counter mode with 80 bits of HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1), by RustCrypto.

use core::fmt;

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::cipher::{Place, Unauthentic};
use super::derivation::{Part, Usage, derive, keystream};
use super::{ENCRYPTED, MasterKey, Profile, RTCP_CLEAR_BYTES};

const TAG_BYTES: usize = Profile::AesCm128HmacSha1_80.tag_len();
const INDEX_BYTES: usize = 4;

pub(super) struct CounterSha1 {
    cipher: Aes128Enc,
    salt: [u8; 14],
    /// With its key already in, so that a packet costs a copy of it and not two hashes.
    mac: Hmac<Sha1>,
}

impl CounterSha1 {
    pub(super) fn new(master: &MasterKey, usage: Usage) -> Self {
        let mut salt = [0; 14];
        derive(master, usage, Part::Salt, &mut salt);
        let mut key = Zeroizing::new([0; 16]);
        derive(master, usage, Part::Encryption, &mut key[..]);
        let cipher = Aes128Enc::new((&*key).into());
        let mut key = Zeroizing::new([0; 20]);
        derive(master, usage, Part::Authentication, &mut key[..]);
        // A key shorter than a block is padded with zeros to one (RFC 2104 section 2).
        let mut block = Zeroizing::new([0; 64]);
        block[..20].copy_from_slice(&key[..]);
        Self { cipher, salt, mac: <Hmac<Sha1> as KeyInit>::new((&*block).into()) }
    }

    pub(super) fn seal_rtp(&self, packet: &mut [u8], header_len: usize, len: usize, place: Place) {
        keystream(&self.cipher, &self.iv(place), &mut packet[header_len..len]);
        let tag = self.rtp_mac(&packet[..len], place).finalize().into_bytes();
        packet[len..len + TAG_BYTES].copy_from_slice(&tag[..TAG_BYTES]);
    }

    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        place: Place,
    ) -> Result<(), Unauthentic> {
        let (packet, tag) = packet.split_at_mut(packet.len() - TAG_BYTES);
        // In constant time.
        self.rtp_mac(packet, place).verify_truncated_left(tag).map_err(|_| Unauthentic)?;
        keystream(&self.cipher, &self.iv(place), &mut packet[header_len..]);
        Ok(())
    }

    pub(super) fn seal_rtcp(&self, packet: &mut [u8], len: usize, place: Place) {
        keystream(&self.cipher, &self.iv(place), &mut packet[RTCP_CLEAR_BYTES..len]);
        let end = len + INDEX_BYTES;
        packet[len..end].copy_from_slice(&(ENCRYPTED | place.index as u32).to_be_bytes());
        let tag = self.mac_of(&packet[..end]).finalize().into_bytes();
        packet[end..end + TAG_BYTES].copy_from_slice(&tag[..TAG_BYTES]);
    }

    pub(super) fn open_rtcp(&self, packet: &mut [u8], place: Place) -> Result<(), Unauthentic> {
        let (packet, tag) = packet.split_at_mut(packet.len() - TAG_BYTES);
        self.mac_of(packet).verify_truncated_left(tag).map_err(|_| Unauthentic)?;
        let end = packet.len() - INDEX_BYTES;
        keystream(&self.cipher, &self.iv(place), &mut packet[RTCP_CLEAR_BYTES..end]);
        Ok(())
    }

    /// The whole packet, and the rollover counter that is not in it (RFC 3711 section 4.2).
    fn rtp_mac(&self, packet: &[u8], place: Place) -> Hmac<Sha1> {
        let mut mac = self.mac_of(packet);
        mac.update(&((place.index >> 16) as u32).to_be_bytes());
        mac
    }

    fn mac_of(&self, bytes: &[u8]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        mac.update(bytes);
        mac
    }

    /// IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16).
    fn iv(&self, place: Place) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        let place = u128::from(place.ssrc) << 64 | u128::from(place.index) << 16;
        (u128::from_be_bytes(iv) ^ place).to_be_bytes()
    }
}

impl fmt::Debug for CounterSha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CounterSha1").finish_non_exhaustive()
    }
}
