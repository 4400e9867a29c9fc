//! Session keys from a master key (RFC 3711 section 4.3, with a key derivation rate of 0). Keys are never kept here.

use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;

use super::MasterKey;

/// What is derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Rtp,
    Rtcp,
}

/// The part of a session key. The numbers are RFC 3711's labels for RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Encryption = 0,
    Authentication = 1,
    Salt = 2,
}

/// Fills `out` with a part of the session keys.
pub(super) fn derive(master: &MasterKey, usage: Usage, part: Part, out: &mut [u8]) {
    let label = part as u8
        + match usage {
            Usage::Rtp => 0,
            Usage::Rtcp => 3,
        };
    expand(master.key(), master.padded_salt(), label, out);
}

/// Fills `out` with what a master key, of 16 or 32 bytes, gives for a label.
pub(super) fn expand(key: &[u8], salt: &[u8; 14], label: u8, out: &mut [u8]) {
    // key_id is label and 48 bits of index, of which nothing is left at a rate of 0; x = key_id XOR master_salt, times 2^16.
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    iv[7] ^= label;
    out.fill(0);
    // Which lengths there are is looked at where a master key is made.
    if let Ok(key) = <&[u8; 16]>::try_from(key) {
        keystream(&Aes128Enc::new(key.into()), &iv, out);
    } else if let Ok(key) = <&[u8; 32]>::try_from(key) {
        keystream(&Aes256Enc::new(key.into()), &iv, out);
    }
}

/// XORs `data` with AES in counter mode (RFC 3711 section 4.1.1).
pub(super) fn keystream<C>(cipher: &C, iv: &[u8; 16], data: &mut [u8])
where
    C: aes::cipher::BlockEncrypt
        + aes::cipher::BlockCipher
        + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(cipher, iv.into());
    StreamCipherCoreWrapper::from_core(core).apply_keystream(data);
}
