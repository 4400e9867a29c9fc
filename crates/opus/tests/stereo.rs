//! Two channels stay two, and one of two channels is their middle.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use confocal_opus::{
    Concealment, Decoder, EncoderSettings, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES, StereoDecoder,
    StereoEncoder,
};

/// Two seconds: a tone on the left alone.
fn packets() -> Vec<Vec<u8>> {
    let settings = EncoderSettings { bitrate: 96_000, ..EncoderSettings::default() };
    let mut encoder = StereoEncoder::new(&settings).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    (0..100_u32)
        .map(|frame| {
            let pairs: [[i16; 2]; 960] = core::array::from_fn(|n| {
                let turn = f64::from(frame * 960 + n as u32) / 48_000.0 * core::f64::consts::TAU;
                [((turn * 440.0).sin() * 8000.0) as i16, 0]
            });
            let bytes = encoder.encode(&pairs, &mut payload).unwrap();
            payload[..bytes].to_vec()
        })
        .collect()
}

fn power(samples: impl Iterator<Item = i16>) -> f64 {
    samples.map(|sample| f64::from(sample).powi(2)).sum()
}

#[test]
fn the_left_stays_left_also_through_a_loss_and_in_mono_it_is_half() {
    let packets = packets();
    let (mut stereo, mut mono) = (StereoDecoder::new().unwrap(), Decoder::new().unwrap());
    let mut pairs = Box::new([[0; 2]; MAX_PACKET_SAMPLES]);
    let mut samples = Box::new([0; MAX_PACKET_SAMPLES]);
    let (mut left, mut right, mut middle) = (0.0, 0.0, 0.0);
    for (n, packet) in packets.iter().enumerate() {
        if n == 60 {
            stereo.conceal(&mut pairs[..960], Concealment::Deep).unwrap();
            mono.conceal(&mut samples[..960], Concealment::Deep).unwrap();
        } else {
            assert_eq!(stereo.decode(packet, &mut pairs), Ok(960));
            assert_eq!(mono.decode(packet, &mut samples), Ok(960));
        }
        if n >= 50 {
            left += power(pairs[..960].iter().map(|pair| pair[0]));
            right += power(pairs[..960].iter().map(|pair| pair[1]));
            middle += power(samples[..960].iter().copied());
        }
    }
    let apart = 10.0 * (left / right.max(1.0)).log10();
    assert!(apart > 20.0, "{apart:.1} dB between left and right");
    let down = 10.0 * (middle / left).log10();
    assert!((-7.0..-5.0).contains(&down), "in one channel {down:.1} dB of the left");
}
