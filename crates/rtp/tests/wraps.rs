//! A stream that goes on for hours: its sequence numbers wrap again and again.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::Duration;

use confocal_rtp::srtp::{MasterKey, Profile, Receiver, Sender};
use confocal_rtp::{Reception, RtpHeader};

/// Two hours and more of sound.
const PACKETS: u32 = 400_000;

#[test]
fn hours_of_packets_are_authentic_and_counted() {
    for profile in Profile::ALL {
        let key = MasterKey::new(profile, &[1; 32][..profile.key_len()], &[2; 14][..profile.salt_len()]);
        let key = key.unwrap();
        let (mut sender, mut receiver) = (Sender::new(&key), Receiver::new(&key));
        let mut reception = Reception::new(48_000);
        let mut room = [0; 256];
        for number in 0..PACKETS {
            let header = RtpHeader {
                marker: false,
                payload_type: 111,
                sequence: (30_000 + number) as u16,
                timestamp: number.wrapping_mul(960),
                ssrc: 7,
            };
            let length = sender.protect_rtp_from(&header, &[], &number.to_be_bytes(), &mut room).unwrap();
            let length = receiver.unprotect_rtp(&mut room[..length]).unwrap();
            assert_eq!(room[length - 4..length], number.to_be_bytes());
            reception.on_packet(header.sequence, header.timestamp, Duration::from_millis(20) * number);
        }
        assert_eq!((reception.expected(), reception.received()), (PACKETS, PACKETS));
    }
}
