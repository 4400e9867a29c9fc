//! In which mode sound is encoded, as the first byte of a packet tells (RFC 6716 section 3.1).
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::voice;
use confocal_opus::{Bandwidth, Encoder, EncoderSettings, MAX_PAYLOAD_BYTES, Signal};

/// The configurations of all packets but the first ones, with which an encoder finds its way.
fn configurations(settings: &EncoderSettings) -> Vec<u8> {
    let mut encoder = Encoder::new(settings).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let mut found: Vec<u8> = voice(120.0, 50)
        .iter()
        .skip(10)
        .map(|frame| {
            encoder.encode(frame, &mut payload).unwrap();
            payload[0] >> 3
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn voices_are_encoded_as_such_at_whatever_rate() {
    for bitrate in [32_000, 64_000, 68_000, 96_000, 128_000] {
        let settings = EncoderSettings { bitrate, signal: Signal::Voice, ..EncoderSettings::default() };
        // Hybrid, full band, 20 ms.
        assert_eq!(configurations(&settings), [15], "{bitrate}");
    }
    let any = EncoderSettings { bitrate: 96_000, ..EncoderSettings::default() };
    assert!(
        configurations(&any).iter().all(|it| *it >= 16),
        "what need not be a voice is encoded as any sound"
    );
}

#[test]
fn with_less_of_the_spectrum_nothing_is_beside_them() {
    let (bandwidth, signal) = (Bandwidth::Wide, Signal::Voice);
    let settings = EncoderSettings { bitrate: 96_000, bandwidth, signal, ..EncoderSettings::default() };
    // SILK alone, wideband, 20 ms.
    assert_eq!(configurations(&settings), [9]);
}
