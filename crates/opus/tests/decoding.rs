//! Decoding: what is lost is made up, and what is corrupt is refused.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::voice;
use confocal_opus::{
    CodecError, Concealment, Decoder, Encoder, EncoderSettings, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES,
    packet_samples,
};

/// Two seconds of a voice.
fn packets() -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    voice(120.0, 100)
        .iter()
        .map(|frame| {
            let bytes = encoder.encode(frame, &mut payload).unwrap();
            payload[..bytes].to_vec()
        })
        .collect()
}

/// What is heard of them if one in ten is lost.
fn heard(packets: &[Vec<u8>], how: Concealment) -> Vec<i16> {
    let mut decoder = Decoder::new().unwrap();
    let mut room = [0; MAX_PACKET_SAMPLES];
    let mut heard = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        let samples = if n % 10 == 9 {
            decoder.conceal(&mut room[..960], how).unwrap();
            960
        } else {
            decoder.decode(packet, &mut room).unwrap()
        };
        heard.extend_from_slice(&room[..samples]);
    }
    heard
}

#[test]
fn deep_concealment_is_there_and_is_another_than_the_classic_one() {
    let packets = packets();
    let classic = heard(&packets, Concealment::Classic);
    let deep = heard(&packets, Concealment::Deep);
    assert_eq!((classic.len(), deep.len()), (96_000, 96_000));
    assert!(classic[..9 * 960] == deep[..9 * 960], "the same where nothing is lost");
    assert!(classic[9 * 960..10 * 960] != deep[9 * 960..10 * 960], "and another where it is");
    let loud = deep[9 * 960..10 * 960].iter().any(|sample| sample.unsigned_abs() > 500);
    assert!(loud, "but sound");
}

#[test]
fn packets_tell_their_length_and_corrupt_ones_are_refused() {
    let packets = packets();
    assert_eq!(packet_samples(&packets[3]), Some(960));
    assert_eq!(packet_samples(&[]), None);
    // Code 3 with 48 frames of 20 ms: more than 120 ms, which RFC 6716 forbids.
    let long = [0b0111_1011, 48, 1, 2, 3];
    assert_eq!(packet_samples(&long), None);
    let mut decoder = Decoder::new().unwrap();
    let mut room = [0; MAX_PACKET_SAMPLES];
    assert!(matches!(decoder.decode(&long, &mut room), Err(CodecError::Decode(_))));
    assert!(matches!(decoder.conceal(&mut room[..121], Concealment::Deep), Err(CodecError::Decode(_))));
    assert_eq!(decoder.decode(&packets[3], &mut room), Ok(960), "and it goes on");
}
