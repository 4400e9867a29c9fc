//! The test vectors of RFC 3711, RFC 6188 and RFC 7714, and the packets that libsrtp validates itself with.

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use data_encoding::HEXLOWER_PERMISSIVE;

use super::cipher::Place;
use super::derivation::{expand, keystream};
use super::gcm::Gcm;
use super::{MasterKey, Profile, Receiver, Sender};

fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).unwrap()
}

fn expanded(key: &str, salt: &str, label: u8, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    expand(&hex(key), hex(salt).as_slice().try_into().unwrap(), label, &mut out);
    out
}

/// RFC 3711 appendix B.2.
#[test]
fn counter_mode() {
    let key: [u8; 16] = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
    let iv: [u8; 16] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
    let mut stream = vec![0; 16 * 0xff02];
    keystream(&Aes128Enc::new((&key).into()), &iv, &mut stream);
    for (block, expected) in [
        (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(stream[16 * block..][..16], hex(expected), "block {block:#x}");
    }
}

/// RFC 3711 appendix B.3.
#[test]
fn key_derivation() {
    let of = |label, length| {
        expanded("E1F97A0D3E018BE0D64FA32C06DE4139", "0EC675AD498AFEEBB6960B3AABE6", label, length)
    };
    assert_eq!(of(0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(of(2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let authentication = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
        E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
        6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2";
    assert_eq!(of(1, 94), hex(authentication));
}

/// RFC 6188 section 7.2: the same with AES-256, as AEAD_AES_256_GCM has it.
#[test]
fn key_derivation_with_long_keys() {
    let of = |label, length| {
        let key = "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6";
        expanded(key, "3b04803de51ee7c96423ab5b78d2", label, length)
    };
    assert_eq!(of(0, 32), hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4"));
    assert_eq!(of(2, 14), hex("fa31791685ca444a9e07c6c64e93"));
    assert_eq!(of(1, 20), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
}

const GCM_KEY: &str = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";
/// "Quid pro quo".
const GCM_SALT: &str = "51756964 2070726f 2071756f";

/// RFC 7714 gives session keys.
fn gcm(key_bytes: usize) -> Gcm {
    Gcm::with(&hex(GCM_KEY)[..key_bytes], hex(GCM_SALT).try_into().unwrap())
}

/// RFC 7714 sections 16.1.1 to 16.1.2 and 16.2.1 to 16.2.2.
#[test]
fn rtp_in_gcm() {
    let plain = hex("8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120
        696e2070 61727465 73207472 6573");
    let place = Place { ssrc: 0x5501_a0b2, index: 0xf17b };
    for (key_bytes, sealed) in [
        (
            16,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
            51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        ),
        (
            32,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
            76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        ),
    ] {
        let mut packet = plain.clone();
        packet.resize(plain.len() + 16, 0);
        gcm(key_bytes).seal_rtp(&mut packet, 12, plain.len(), place);
        assert_eq!(packet, hex(sealed), "sealed with {key_bytes} bytes");
        assert_eq!(gcm(key_bytes).open_rtp(&mut packet, 12, place), Ok(()));
        assert_eq!(packet[..plain.len()], plain, "opened with {key_bytes} bytes");
    }
}

/// RFC 7714 sections 17.1 and 17.2. The packet is that of these sections; the one at the head of section 17 is another.
#[test]
fn rtcp_in_gcm() {
    let plain = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef
        deadbeef deadbeef deadbeef deadbeef");
    let place = Place { ssrc: 0x4d61_7273, index: 0x5d4 };
    for (key_bytes, sealed) in [
        (
            16,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
            4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        ),
        (
            32,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
            8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        ),
    ] {
        let mut packet = plain.clone();
        packet.resize(plain.len() + 20, 0);
        gcm(key_bytes).seal_rtcp(&mut packet, plain.len(), place);
        assert_eq!(packet, hex(sealed), "sealed with {key_bytes} bytes");
        assert_eq!(gcm(key_bytes).open_rtcp(&mut packet, place), Ok(()));
        assert_eq!(packet[..plain.len()], plain, "opened with {key_bytes} bytes");
    }
}

/// What libsrtp's `srtp_validate` has for SRTP_AES128_CM_HMAC_SHA1_80: whole packets from a master key.
#[test]
fn packets_of_libsrtp() {
    let key = hex("e1f97a0d3e018be0d64fa32c06de4139");
    let master =
        MasterKey::new(Profile::AesCm128HmacSha1_80, &key, &hex("0ec675ad498afeebb6960b3aabe6")).unwrap();
    let (mut sender, mut receiver) = (Sender::new(&master), Receiver::new(&master));

    let plain = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    let sealed = hex("800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb");
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0);
    assert_eq!(sender.protect_rtp(&mut packet, plain.len()), Ok(sealed.len()));
    assert_eq!(packet, sealed);
    assert_eq!(receiver.unprotect_rtp(&mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);

    let plain = hex("81c8000b cafebabe abababab abababab abababab abababab");
    let sealed = hex("81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798");
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0);
    assert_eq!(sender.protect_rtcp(&mut packet, plain.len()), Ok(sealed.len()));
    assert_eq!(packet, sealed);
    assert_eq!(receiver.unprotect_rtcp(&mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}
