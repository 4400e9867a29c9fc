//! SRTP and SRTCP both ways with the implementation that is in `webrtc`: thousands of packets over a line that loses and reorders.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

use confocal_rtp::srtp::{DtlsRole, KeyingMaterial, Profile, ProtectError, Receiver, Sender, UnprotectError};
use confocal_rtp::{Extension, RtpHeader, RtpView};
use rtc_crypto::default_provider;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number() as u8).collect()
    }
}

const fn theirs(profile: Profile) -> ProtectionProfile {
    match profile {
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    }
}

/// The other side, sending with the server's key or receiving with the client's.
fn other_side(profile: Profile, exported: &[u8], side: DtlsRole) -> Context {
    let (key, salt) = (profile.key_len(), profile.salt_len());
    let (key_at, salt_at) = match side {
        DtlsRole::Client => (0, 2 * key),
        DtlsRole::Server => (key, 2 * key + salt),
    };
    Context::new(
        &exported[key_at..][..key],
        &exported[salt_at..][..salt],
        theirs(profile),
        Some(srtp_replay_protection(1024)),
        Some(srtcp_replay_protection(128)),
        default_provider().unwrap().crypto(),
    )
    .unwrap()
}

/// As a line that loses one in eight and lets packets overtake up to twenty others would deliver them.
fn over_a_bad_line(packets: Vec<Vec<u8>>, chance: &mut Chance) -> Vec<Vec<u8>> {
    let mut arriving = Vec::new();
    for (at, packet) in packets.into_iter().enumerate() {
        if chance.below(8) != 0 {
            arriving.push((at + chance.below(20), packet));
        }
    }
    arriving.sort_by_key(|(at, _)| *at);
    arriving.into_iter().map(|(_, packet)| packet).collect()
}

const PACKETS: usize = 6000;

/// Packets of one stream, over a wrap of the sequence number, of all lengths and with extensions.
fn plain_rtp(chance: &mut Chance) -> Vec<Vec<u8>> {
    let ssrc = chance.number() as u32;
    (0..PACKETS)
        .map(|n| {
            let header = RtpHeader {
                marker: n % 7 == 0,
                payload_type: 111,
                sequence: 63_000_u16.wrapping_add(n as u16),
                timestamp: n as u32 * 960,
                ssrc,
            };
            let mut packet = vec![0; 2000];
            let data = [chance.number() as u8];
            let extensions = [Extension { id: 1, data: &data }];
            let extensions = &extensions[..chance.below(2)];
            let header_len = header.write_with(extensions, &mut packet).unwrap();
            packet.truncate(header_len);
            let length = chance.below(if n % 10 == 0 { 1200 } else { 200 });
            packet.extend(chance.bytes(length));
            packet
        })
        .collect()
}

/// Reports of three senders.
fn plain_rtcp(chance: &mut Chance) -> Vec<Vec<u8>> {
    (0..PACKETS / 2)
        .map(|n| {
            let words = 1 + chance.below(30);
            let mut packet = vec![0x80, 201, 0, words as u8, 0, 0, 0, (n % 3) as u8];
            packet.extend(chance.bytes(4 * (words - 1)));
            packet
        })
        .collect()
}

fn with_room(packet: &[u8], room: usize) -> Vec<u8> {
    let mut longer = packet.to_vec();
    longer.resize(packet.len() + room, 0);
    longer
}

fn each_profile(test: impl Fn(Profile, &[u8], &mut Chance)) {
    for profile in Profile::ALL {
        let mut chance = Chance(u64::from(profile.number()));
        let exported = chance.bytes(profile.keying_material_len());
        test(profile, &exported, &mut chance);
    }
}

#[test]
fn rtp_that_we_protect_is_read_by_the_other_side() {
    each_profile(|profile, exported, chance| {
        let keys = KeyingMaterial::from_exported(profile, exported).unwrap();
        let mut sender = Sender::new(&keys.split(DtlsRole::Client).1);
        let plain = plain_rtp(chance);
        let protected: Vec<Vec<u8>> = plain
            .iter()
            .enumerate()
            .map(|(n, plain)| {
                let mut packet = with_room(plain, profile.rtp_overhead());
                let len = if n % 2 == 0 {
                    sender.protect_rtp(&mut packet, plain.len()).unwrap()
                } else {
                    let view = RtpView::parse(plain).unwrap();
                    let extensions: Vec<Extension<'_>> = view.extensions().collect();
                    let mut written = vec![0; packet.len()];
                    let len = sender
                        .protect_rtp_from(&view.header(), &extensions, view.payload(), &mut written)
                        .unwrap();
                    packet = written;
                    len
                };
                assert_eq!(len, packet.len());
                packet
            })
            .collect();
        let mut theirs = other_side(profile, exported, DtlsRole::Client);
        let mut read = 0;
        for packet in over_a_bad_line(protected, chance) {
            let opened = theirs.decrypt_rtp(&packet).unwrap();
            let n = RtpView::parse(&packet).unwrap().sequence().wrapping_sub(63_000);
            assert_eq!(&opened[..], &plain[usize::from(n)], "{profile:?}, packet {n}");
            read += 1;
        }
        assert!(read > PACKETS * 8 / 10);
    });
}

#[test]
fn rtp_that_the_other_side_protects_is_read_by_us() {
    each_profile(|profile, exported, chance| {
        let keys = KeyingMaterial::from_exported(profile, exported).unwrap();
        let mut receiver = Receiver::new(&keys.split(DtlsRole::Client).0);
        let mut theirs = other_side(profile, exported, DtlsRole::Server);
        let plain = plain_rtp(chance);
        let protected = plain.iter().map(|plain| theirs.encrypt_rtp(plain).unwrap().to_vec()).collect();
        let mut read = 0;
        for mut packet in over_a_bad_line(protected, chance) {
            let n = RtpView::parse(&packet).unwrap().sequence().wrapping_sub(63_000);
            let mut damaged = packet.clone();
            let bit = chance.below(8 * damaged.len());
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtp(&mut damaged).is_err(), "{profile:?}, packet {n}, bit {bit}");
            let mut copy = packet.clone();
            let len = receiver.unprotect_rtp(&mut packet).unwrap();
            assert_eq!(&packet[..len], &plain[usize::from(n)], "{profile:?}, packet {n}");
            assert_eq!(receiver.unprotect_rtp(&mut copy), Err(UnprotectError::Replayed));
            read += 1;
        }
        assert!(read > PACKETS * 8 / 10);
    });
}

#[test]
fn rtcp_that_we_protect_is_read_by_the_other_side() {
    each_profile(|profile, exported, chance| {
        let keys = KeyingMaterial::from_exported(profile, exported).unwrap();
        let mut sender = Sender::new(&keys.split(DtlsRole::Server).1);
        let mut theirs = other_side(profile, exported, DtlsRole::Server);
        for plain in plain_rtcp(chance) {
            let mut packet = with_room(&plain, profile.rtcp_overhead());
            let len = sender.protect_rtcp(&mut packet, plain.len()).unwrap();
            assert_eq!(len, packet.len());
            assert_eq!(&theirs.decrypt_rtcp(&packet).unwrap()[..], &plain);
        }
    });
}

/// The other side counts the reports of each of its senders by itself.
#[test]
fn rtcp_that_the_other_side_protects_is_read_by_us() {
    each_profile(|profile, exported, chance| {
        let keys = KeyingMaterial::from_exported(profile, exported).unwrap();
        let mut receiver = Receiver::new(&keys.split(DtlsRole::Server).0);
        let mut theirs = other_side(profile, exported, DtlsRole::Client);
        let plain = plain_rtcp(chance);
        let protected = plain.iter().map(|plain| theirs.encrypt_rtcp(plain).unwrap().to_vec()).collect();
        let mut read = 0;
        for mut packet in over_a_bad_line(protected, chance) {
            let mut damaged = packet.clone();
            let bit = chance.below(8 * damaged.len());
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut damaged).is_err(), "{profile:?}, bit {bit}");
            let mut copy = packet.clone();
            let len = receiver.unprotect_rtcp(&mut packet).unwrap();
            assert!(plain.iter().any(|plain| plain == &packet[..len]));
            assert_eq!(receiver.unprotect_rtcp(&mut copy), Err(UnprotectError::Replayed));
            read += 1;
        }
        assert!(read > PACKETS / 2 * 8 / 10);
    });
}

#[test]
fn a_sequence_number_is_used_once_but_for_answers_to_nacks() {
    each_profile(|profile, exported, chance| {
        let keys = KeyingMaterial::from_exported(profile, exported).unwrap();
        let mut sender = Sender::new(&keys.split(DtlsRole::Client).1);
        let plain = &plain_rtp(chance)[..200];
        let protect = |sender: &mut Sender, plain: &[u8]| {
            let mut packet = with_room(plain, profile.rtp_overhead());
            sender.protect_rtp(&mut packet, plain.len()).map(|_| packet)
        };
        let first: Vec<Vec<u8>> = plain[..150].iter().map(|p| protect(&mut sender, p).unwrap()).collect();
        assert_eq!(protect(&mut sender, &plain[149]), Err(ProtectError::Used));
        assert_eq!(protect(&mut sender, &plain[0]), Err(ProtectError::Used));
        for (plain, first) in plain.iter().zip(first) {
            let mut again = with_room(plain, profile.rtp_overhead());
            sender.protect_rtp_again(&mut again, plain.len()).unwrap();
            assert_eq!(again, first);
        }
        let mut never = with_room(&plain[150], profile.rtp_overhead());
        assert_eq!(sender.protect_rtp_again(&mut never, plain[150].len()), Err(ProtectError::Unused));
    });
}
