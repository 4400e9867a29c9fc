//! AES in Galois/counter mode for RTP and RTCP (RFC 7714), by ring.

use core::fmt;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::cipher::{Place, Unauthentic};
use super::derivation::{Part, Usage, derive};
use super::{ENCRYPTED, MasterKey, Profile, RTCP_CLEAR_BYTES};

const TAG_BYTES: usize = Profile::AeadAes128Gcm.tag_len();
const INDEX_BYTES: usize = 4;

pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    pub(super) fn new(master: &MasterKey, usage: Usage) -> Self {
        let mut salt = [0; 12];
        derive(master, usage, Part::Salt, &mut salt);
        let mut bytes = Zeroizing::new([0; 32]);
        let key = &mut bytes[..master.profile().key_len()];
        derive(master, usage, Part::Encryption, key);
        Self::with(key, salt)
    }

    /// With session keys: 16 or 32 bytes.
    pub(super) fn with(key: &[u8], salt: [u8; 12]) -> Self {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        #[expect(clippy::expect_used, reason = "the only error is a wrong length")]
        let key = UnboundKey::new(algorithm, key).expect("a key as long as its algorithm's");
        Self { key: LessSafeKey::new(key), salt }
    }

    pub(super) fn seal_rtp(&self, packet: &mut [u8], header_len: usize, len: usize, place: Place) {
        let (header, rest) = packet.split_at_mut(header_len);
        let (payload, tag) = rest.split_at_mut(len - header_len);
        self.seal(self.rtp_nonce(place), header, payload, tag);
    }

    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        place: Place,
    ) -> Result<(), Unauthentic> {
        let (header, sealed) = packet.split_at_mut(header_len);
        self.open(self.rtp_nonce(place), header, sealed)
    }

    pub(super) fn seal_rtcp(&self, packet: &mut [u8], len: usize, place: Place) {
        let aad = rtcp_aad(packet, place);
        let (payload, tag) = packet[RTCP_CLEAR_BYTES..].split_at_mut(len - RTCP_CLEAR_BYTES);
        self.seal(self.rtcp_nonce(place), &aad, payload, tag);
        packet[len + TAG_BYTES..][..INDEX_BYTES].copy_from_slice(&aad[RTCP_CLEAR_BYTES..]);
    }

    pub(super) fn open_rtcp(&self, packet: &mut [u8], place: Place) -> Result<(), Unauthentic> {
        let aad = rtcp_aad(packet, place);
        let end = packet.len() - INDEX_BYTES;
        self.open(self.rtcp_nonce(place), &aad, &mut packet[RTCP_CLEAR_BYTES..end])
    }

    fn seal(&self, nonce: Nonce, aad: &[u8], payload: &mut [u8], tag: &mut [u8]) {
        // It fails only on what is longer than 2^36 bytes.
        if let Ok(made) = self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), payload) {
            tag[..TAG_BYTES].copy_from_slice(made.as_ref());
        } else {
            payload.fill(0);
            tag.fill(0);
        }
    }

    fn open(&self, nonce: Nonce, aad: &[u8], sealed: &mut [u8]) -> Result<(), Unauthentic> {
        self.key.open_in_place(nonce, Aad::from(aad), sealed).map(drop).map_err(|_| Unauthentic)
    }

    /// RFC 7714 section 8.1: two zeros, SSRC, rollover counter, sequence number.
    fn rtp_nonce(&self, place: Place) -> Nonce {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &place.ssrc.to_be_bytes());
        xor(&mut nonce[6..], &place.index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(nonce)
    }

    /// RFC 7714 section 9.1: two zeros, SSRC, two zeros, the index in 32 bits.
    fn rtcp_nonce(&self, place: Place) -> Nonce {
        // The index has 31 bits, so the 48 bits of RTP's form begin with those two zeros.
        self.rtp_nonce(place)
    }
}

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcm").finish_non_exhaustive()
    }
}

/// What is authenticated and not encrypted: the first eight bytes, the bit for encryption and the index (RFC 7714 section 9.2).
fn rtcp_aad(packet: &[u8], place: Place) -> [u8; RTCP_CLEAR_BYTES + INDEX_BYTES] {
    let mut aad = [0; RTCP_CLEAR_BYTES + INDEX_BYTES];
    aad[..RTCP_CLEAR_BYTES].copy_from_slice(&packet[..RTCP_CLEAR_BYTES]);
    aad[RTCP_CLEAR_BYTES..].copy_from_slice(&(ENCRYPTED | place.index as u32).to_be_bytes());
    aad
}

fn xor(bytes: &mut [u8], with: &[u8]) {
    for (byte, with) in bytes.iter_mut().zip(with) {
        *byte ^= with;
    }
}
