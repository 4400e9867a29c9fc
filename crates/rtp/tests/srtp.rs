//! The rules of SRTP: what is refused and why, what leaves a trace, which stream is forgotten.

use confocal_rtp::srtp::{MAX_STREAMS, MasterKey, Profile, ProtectError, Receiver, Sender, UnprotectError};
use confocal_rtp::{Extension, RtpError, RtpHeader, WriteRtpError};

fn key(profile: Profile) -> MasterKey {
    MasterKey::new(profile, &[7; 32][..profile.key_len()], &[9; 14][..profile.salt_len()]).unwrap()
}

fn pair(profile: Profile) -> (Sender, Receiver) {
    (Sender::new(&key(profile)), Receiver::new(&key(profile)))
}

/// Packet `n` of a stream, protected.
fn rtp(sender: &mut Sender, ssrc: u32, n: u64) -> Vec<u8> {
    let header =
        RtpHeader { marker: false, payload_type: 111, sequence: n as u16, timestamp: n as u32 * 960, ssrc };
    let mut packet = vec![0; 100];
    let len = sender.protect_rtp_from(&header, &[], &n.to_be_bytes(), &mut packet).unwrap();
    packet.truncate(len);
    packet
}

/// The number of a packet that was unprotected.
fn take(receiver: &mut Receiver, packet: &[u8]) -> Result<u64, UnprotectError> {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtp(&mut packet)?;
    Ok(u64::from_be_bytes(packet[12..len].try_into().unwrap()))
}

fn rtcp(sender: &mut Sender, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.resize(8 + sender.profile().rtcp_overhead(), 0);
    assert_eq!(sender.protect_rtcp(&mut packet, 8), Ok(packet.len()));
    packet
}

/// Three wraps of the sequence number, with gaps around each of them and almost half of its range lost at once.
#[test]
fn the_rollover_counter_follows_over_losses() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut taken = 0;
        for n in 60_000..300_000 {
            let near_wrap = n % 65_536 > 65_526 || n % 65_536 < 10;
            let hole = (100_000..132_000).contains(&n);
            if near_wrap || hole || n % 3 != 0 {
                // What is lost is made all the same.
                if n % 2000 == 0 || near_wrap {
                    rtp(&mut sender, 1, n);
                }
                continue;
            }
            if n % 30 == 0 {
                let packet = rtp(&mut sender, 1, n);
                assert_eq!(take(&mut receiver, &packet), Ok(n), "{profile:?}");
                taken += 1;
            }
        }
        assert!(taken > 6000);
    }
}

#[test]
fn late_packets_come_until_the_window_ends() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let packets: Vec<Vec<u8>> = (0..3000).map(|n| rtp(&mut sender, 1, n)).collect();
    assert_eq!(take(&mut receiver, &packets[2999]), Ok(2999));
    for n in (2999 - 1024..2999).rev() {
        assert_eq!(take(&mut receiver, &packets[n]), Ok(n as u64));
        assert_eq!(take(&mut receiver, &packets[n]), Err(UnprotectError::Replayed));
    }
    assert_eq!(take(&mut receiver, &packets[0]), Err(UnprotectError::TooOld));
}

#[test]
fn what_is_not_authentic_leaves_no_trace() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packets: Vec<Vec<u8>> = (0..10).map(|n| rtp(&mut sender, 1, n)).collect();
        assert_eq!(take(&mut receiver, &packets[0]), Ok(0));
        // A number far ahead would move window and rollover counter.
        for sequence in [1_u16, 30_000, 60_000] {
            let mut forged = packets[1].clone();
            forged[2..4].copy_from_slice(&sequence.to_be_bytes());
            forged[20] ^= 1;
            assert_eq!(take(&mut receiver, &forged), Err(UnprotectError::Unauthentic));
        }
        // So would streams that nobody sends.
        for ssrc in 100..200_u32 {
            let mut forged = packets[1].clone();
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(take(&mut receiver, &forged), Err(UnprotectError::Unauthentic));
        }
        for (n, packet) in packets.iter().enumerate().skip(1) {
            assert_eq!(take(&mut receiver, packet), Ok(n as u64));
        }
        assert_eq!(take(&mut receiver, &packets[0]), Err(UnprotectError::Replayed));
    }
}

#[test]
fn every_bit_of_a_packet_counts() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let (packet, mut report) = (rtp(&mut sender, 1, 0), rtcp(&mut sender, 1));
        for bit in 0..8 * packet.len() {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(take(&mut receiver, &changed).is_err(), "{profile:?}, bit {bit} of RTP");
        }
        for bit in 0..8 * report.len() {
            let mut changed = report.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut changed).is_err(), "{profile:?}, bit {bit} of RTCP");
        }
        assert_eq!(take(&mut receiver, &packet), Ok(0));
        assert_eq!(receiver.unprotect_rtcp(&mut report), Ok(8));
    }
}

#[test]
fn the_keys_of_another_do_not_open_it() {
    for profile in Profile::ALL {
        let mut sender = Sender::new(&key(profile));
        let salt = &[8; 14][..profile.salt_len()];
        let other = MasterKey::new(profile, &[7; 32][..profile.key_len()], salt).unwrap();
        let packet = rtp(&mut sender, 1, 0);
        assert_eq!(take(&mut Receiver::new(&other), &packet), Err(UnprotectError::Unauthentic));
    }
}

#[test]
fn rtcp_and_rtp_have_keys_of_their_own() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = rtp(&mut sender, 1, 0);
        assert!(receiver.unprotect_rtcp(&mut packet).is_err());
    }
}

/// Browsers number the reports of each of their streams on its own: a low number may follow a high one of another stream.
#[test]
fn reports_are_counted_for_each_sender() {
    for profile in Profile::ALL {
        let (mut audio, mut receiver) = pair(profile);
        let mut video = Sender::new(&key(profile));
        for _ in 0..500 {
            rtcp(&mut video, 2);
        }
        assert_eq!(receiver.unprotect_rtcp(&mut rtcp(&mut video, 2)), Ok(8));
        let mut first = rtcp(&mut audio, 1);
        let mut again = first.clone();
        assert_eq!(receiver.unprotect_rtcp(&mut first), Ok(8));
        assert_eq!(receiver.unprotect_rtcp(&mut again), Err(UnprotectError::Replayed));
    }
}

#[test]
fn reports_of_long_ago_are_refused() {
    let (mut sender, mut receiver) = pair(Profile::AesCm128HmacSha1_80);
    let mut first = rtcp(&mut sender, 1);
    for _ in 0..300 {
        assert_eq!(receiver.unprotect_rtcp(&mut rtcp(&mut sender, 1)), Ok(8));
    }
    assert_eq!(receiver.unprotect_rtcp(&mut first), Err(UnprotectError::TooOld));
}

#[test]
fn the_stream_that_was_silent_for_longest_is_forgotten() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut late = Sender::new(&key(Profile::AeadAes128Gcm));
    let packets: Vec<Vec<u8>> = (0..MAX_STREAMS as u32).map(|ssrc| rtp(&mut sender, ssrc, 5)).collect();
    for packet in &packets {
        assert_eq!(take(&mut receiver, packet), Ok(5));
    }
    let second = rtp(&mut sender, 0, 6);
    assert_eq!(take(&mut receiver, &second), Ok(6), "the first is heard again");
    assert_eq!(take(&mut receiver, &rtp(&mut late, 99, 0)), Ok(0), "one more than there is room for");
    assert_eq!(take(&mut receiver, &packets[0]), Err(UnprotectError::Replayed));
    for packet in &packets[2..] {
        assert_eq!(take(&mut receiver, packet), Err(UnprotectError::Replayed));
    }
    assert_eq!(take(&mut receiver, &packets[1]), Ok(5), "the one that was forgotten begins anew");
}

#[test]
fn what_is_too_short_or_nothing_is_told_by_name() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let (packet, report) = (rtp(&mut sender, 1, 0), rtcp(&mut sender, 1));
        for len in 0..packet.len() {
            let expected = match len {
                0..12 => Err(UnprotectError::Rtp(RtpError::TooShort)),
                12.. if len < 12 + profile.rtp_overhead() => Err(UnprotectError::TooShort),
                _ => Err(UnprotectError::Unauthentic),
            };
            assert_eq!(receiver.unprotect_rtp(&mut packet[..len].to_vec()).map(|_| ()), expected, "{len}");
        }
        for len in 0..report.len() {
            let refused = receiver.unprotect_rtcp(&mut report[..len].to_vec());
            assert_eq!(refused, Err(UnprotectError::TooShort), "{profile:?}, {len} bytes");
        }
        let mut clear = report.clone();
        let word = if profile == Profile::AesCm128HmacSha1_80 { clear.len() - 14 } else { clear.len() - 4 };
        clear[word] &= 0x7F;
        assert_eq!(receiver.unprotect_rtcp(&mut clear), Err(UnprotectError::NotEncrypted));
        assert_eq!(
            receiver.unprotect_rtp(&mut [0; 60]),
            Err(UnprotectError::Rtp(RtpError::Version)),
            "{profile:?}"
        );
    }
}

/// A header extension may say that it is longer than the packet, or reach into the tag.
#[test]
fn an_extension_that_reaches_into_the_tag_is_refused() {
    for profile in Profile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let mut packet = rtp(&mut sender, 1, 0);
        packet[0] |= 0x10;
        packet[14..16].copy_from_slice(&[0, 2]);
        assert!(matches!(receiver.unprotect_rtp(&mut packet.clone()), Err(UnprotectError::TooShort)));
        packet[14..16].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(
            receiver.unprotect_rtp(&mut packet),
            Err(UnprotectError::Rtp(RtpError::TooShort)),
            "{profile:?}"
        );
    }
}

#[test]
fn what_can_not_be_protected_is_told_by_name() {
    for profile in Profile::ALL {
        let mut sender = Sender::new(&key(profile));
        let mut packet = vec![0x80; 40];
        let room = 40 - profile.rtp_overhead();
        assert_eq!(sender.protect_rtp(&mut packet, room + 1), Err(ProtectError::NoRoom));
        assert_eq!(sender.protect_rtp(&mut packet, 41), Err(ProtectError::Rtp(RtpError::TooShort)));
        assert_eq!(sender.protect_rtp(&mut packet, 11), Err(ProtectError::Rtp(RtpError::TooShort)));
        assert_eq!(sender.protect_rtp_again(&mut packet, room), Err(ProtectError::Unused));
        assert_eq!(sender.protect_rtcp(&mut packet, 7), Err(ProtectError::Rtcp));
        assert_eq!(sender.protect_rtcp(&mut packet, 41), Err(ProtectError::Rtcp));
        let room_rtcp = 40 - profile.rtcp_overhead();
        assert_eq!(sender.protect_rtcp(&mut packet, room_rtcp + 1), Err(ProtectError::NoRoom));
        assert_eq!(sender.protect_rtcp(&mut packet, room_rtcp), Ok(40));
        // Nothing of it used the sequence number up.
        packet.fill(0x80);
        assert_eq!(sender.protect_rtp(&mut packet, room), Ok(40));

        let header = RtpHeader { marker: false, payload_type: 1, sequence: 2, timestamp: 3, ssrc: 4 };
        let bad = Extension { id: 15, data: &[1] };
        assert_eq!(
            sender.protect_rtp_from(&header, &[bad], &[], &mut packet),
            Err(ProtectError::Write(WriteRtpError::Extension { id: 15 }))
        );
        assert_eq!(sender.protect_rtp_from(&header, &[], &[0; 40], &mut packet), Err(ProtectError::NoRoom));
        assert_eq!(
            sender.protect_rtp_from(&header, &[], &vec![1; 28 - profile.rtp_overhead()], &mut packet),
            Ok(40)
        );
    }
}

#[test]
fn a_sender_has_room_for_so_many_streams_and_forgets_none() {
    let mut sender = Sender::new(&key(Profile::AeadAes128Gcm));
    for ssrc in 0..MAX_STREAMS as u32 {
        rtp(&mut sender, ssrc, 1);
    }
    let header = RtpHeader { marker: false, payload_type: 1, sequence: 1, timestamp: 1, ssrc: 99 };
    let mut packet = [0; 100];
    assert_eq!(sender.protect_rtp_from(&header, &[], &[1], &mut packet), Err(ProtectError::TooManyStreams));
    let header = RtpHeader { ssrc: 0, ..header };
    assert_eq!(sender.protect_rtp_from(&header, &[], &[1], &mut packet), Err(ProtectError::Used));
}

#[test]
fn a_packet_from_parts_is_the_packet_in_place() {
    for profile in Profile::ALL {
        let (mut one, mut other) = (Sender::new(&key(profile)), Sender::new(&key(profile)));
        let header =
            RtpHeader { marker: true, payload_type: 111, sequence: 900, timestamp: 3, ssrc: 0xAABB_CCDD };
        let extension = Extension { id: 1, data: &[0x7F] };
        let (mut from_parts, mut in_place) = ([0; 200], [0; 200]);
        let len = one.protect_rtp_from(&header, &[extension], b"payload", &mut from_parts).unwrap();
        let head = header.write_with(&[extension], &mut in_place).unwrap();
        in_place[head..head + 7].copy_from_slice(b"payload");
        assert_eq!(other.protect_rtp(&mut in_place, head + 7), Ok(len));
        assert_eq!(from_parts[..len], in_place[..len]);
        assert_ne!(in_place[head..head + 7], *b"payload");
    }
}
