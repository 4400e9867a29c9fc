//! How good it sounds: against plain Opus on the same losses, and when three are as loud as they can be.
//!
//! The measure is the spectral distance of this file, which is good for comparing two ways of the same sound and nothing else;
//! `cargo xtask sound` has a standard one.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::{Caller, run};
use confocal_mixer::{
    Concealment, Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, Frame, LegKey, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, RtpAudio, SpeakerKey, TICK_MS,
};

/// Ten seconds of something with the ups and downs of speech.
fn speech() -> Vec<Frame> {
    let mut noise = 0x2545_f491_u32;
    (0..500)
        .map(|frame| {
            core::array::from_fn(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let seconds = (frame * FRAME_SAMPLES + n) as f64 / 48_000.0;
                let turn = seconds * core::f64::consts::TAU;
                let phase = 120.0 * turn + 12.0 * (turn * 0.7).sin();
                let vowel: f64 = (1..20).map(|n| (phase * f64::from(n)).sin() / f64::from(n)).sum();
                let syllable = (turn * 2.0).sin().max(0.0).sqrt();
                (vowel * 5000.0 * syllable + f64::from(noise >> 25)) as i16
            })
        })
        .collect()
}

fn packets(speech: &[Frame], settings: &EncoderSettings) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(settings).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let one = |frame: &Frame| {
        let bytes = encoder.encode(frame, &mut payload).unwrap();
        payload[..bytes].to_vec()
    };
    speech.iter().map(one).collect()
}

/// So many in a hundred, scattered as by chance, and one at the very beginning: from there on both ways know the line.
fn lost(n: usize, percent: usize) -> bool {
    percent > 0 && (n == 10 || n > 25 && (n * 7919 + n * n * 31) % 101 < percent)
}

/// Plain Opus: libopus as receivers run it that set nothing, so without its network. What is lost is recovered from the next packet if
/// that is there, and else concealed; where that has no copy it is for libopus to conceal.
fn plain(packets: &[Vec<u8>], percent: usize, copies: bool) -> Vec<i16> {
    let mut decoder = Decoder::classic().unwrap();
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut heard = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        if !lost(n, percent) {
            decoder.decode(packet, &mut room).unwrap();
        } else if copies && n + 1 < packets.len() && !lost(n + 1, percent) {
            decoder.recover(&packets[n + 1], &mut room[..FRAME_SAMPLES]).unwrap();
        } else {
            decoder.conceal(&mut room[..FRAME_SAMPLES], Concealment::Classic).unwrap();
        }
        heard.extend_from_slice(&room[..FRAME_SAMPLES]);
    }
    heard
}

/// What a listener of the conference hears.
fn mixed(packets: &[Vec<u8>], percent: usize) -> Vec<i16> {
    let mut mixer = Mixer::new(MixerConfig::default());
    mixer.add_leg(LegKey(0), SpeakerKey(0)).unwrap();
    mixer.add_leg(LegKey(1), SpeakerKey(1)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut heard = Vec::new();
    for n in 0..packets.len() + 10 {
        let arrival = Micros::from_millis(n as u64 * u64::from(TICK_MS));
        if let Some(payload) = packets.get(n).filter(|_| !lost(n, percent)) {
            let (sequence, timestamp) = (n as u16, (n * FRAME_SAMPLES) as u32);
            mixer.push_packet(
                LegKey(0),
                RtpAudio { sequence, timestamp, marker: n == 0, level: None, payload, arrival },
            );
        }
        let at = heard.len();
        mixer.tick(arrival, |leg, frame| {
            if leg == LegKey(1) {
                decoder.decode(frame.payload, &mut room).unwrap();
                heard.extend_from_slice(&room[..FRAME_SAMPLES]);
            }
        });
        heard.resize(at + FRAME_SAMPLES, 0);
    }
    heard
}

/// The mean distance of the spectra of 20 ms, in dB, where the original is loud, from the second second on: in 18 bands of about a
/// critical bandwidth each, up to 7 kHz. The delay is found by correlation and taken out, in each second, as it may change in a pause.
fn distance(heard: &[i16], original: &[i16]) -> f64 {
    let mut sum = 0.0;
    let mut frames = 0.0;
    for second in (48_000..original.len() - 2 * FRAME_SAMPLES).step_by(48_000) {
        let end = (second + 48_000).min(original.len() - 2 * FRAME_SAMPLES);
        let delay = delay(heard, original, second..end);
        for at in (second..end).step_by(FRAME_SAMPLES) {
            let (original, heard) = (bands(&original[at..]), bands(&heard[at + delay..]));
            if original.iter().sum::<f64>() < 1e5 {
                continue;
            }
            let apart = |(a, b): (&f64, &f64)| (10.0 * ((a + 50.0) / (b + 50.0)).log10()).powi(2);
            sum += (original.iter().zip(&heard).map(apart).sum::<f64>() / 18.0).sqrt();
            frames += 1.0;
        }
    }
    assert!(frames > 100.0);
    sum / frames
}

fn delay(heard: &[i16], original: &[i16], within: core::ops::Range<usize>) -> usize {
    let alike = |delay: &usize| -> i64 {
        let samples = within.clone().step_by(13).take_while(|n| n + delay < heard.len());
        samples.map(|n| (i64::from(original[n]) * i64::from(heard[n + delay])) >> 8).sum()
    };
    (0..6000).max_by_key(alike).unwrap()
}

/// The power in each band under a Hann window.
fn bands(samples: &[i16]) -> [f64; 18] {
    core::array::from_fn(|band| {
        // Four frequencies a band, the bands evenly apart on a scale like that of Bark.
        let power = |part: usize| {
            let bark = (band * 4 + part) as f64 / 4.0 + 1.0;
            let hz = 600.0 * (bark / 6.0).sinh();
            let (mut re, mut im) = (0.0, 0.0);
            for (n, &sample) in samples[..FRAME_SAMPLES].iter().enumerate().step_by(2) {
                let hann = 0.5 - 0.5 * (n as f64 * core::f64::consts::TAU / FRAME_SAMPLES as f64).cos();
                let (sin, cos) = (n as f64 * hz * core::f64::consts::TAU / 48_000.0).sin_cos();
                re += f64::from(sample) * hann * cos;
                im += f64::from(sample) * hann * sin;
            }
            (re * re + im * im) / (FRAME_SAMPLES * FRAME_SAMPLES / 64) as f64
        };
        (0..4).map(power).sum()
    })
}

#[test]
fn losses_are_heard_no_more_than_with_plain_opus() {
    let speech = speech();
    let original = speech.concat();
    let copies =
        EncoderSettings { inband_fec: true, expected_loss_percent: 10, ..EncoderSettings::default() };
    for (settings, copies) in [(EncoderSettings::default(), false), (copies, true)] {
        let packets = packets(&speech, &settings);
        let measured = |percent| {
            let plain = distance(&plain(&packets, percent, copies), &original);
            (plain, distance(&mixed(&packets, percent), &original))
        };
        let (plain_clean, mixed_clean) = measured(0);
        assert!(
            mixed_clean < plain_clean + 1.5,
            "the second encoding: {plain_clean:.2}, {mixed_clean:.2} dB"
        );
        for percent in [5, 10] {
            let (plain, mixed) = measured(percent);
            assert!(
                mixed - mixed_clean <= plain - plain_clean,
                "{percent} % lost, copies: {copies}: {plain_clean:.2} to {plain:.2} dB plain, {mixed_clean:.2} to {mixed:.2} mixed"
            );
        }
    }
}

#[test]
fn three_at_full_loudness_are_neither_wrapped_nor_clipped() {
    let fine = EncoderSettings { bitrate: 510_000, complexity: 10, ..EncoderSettings::default() };
    let config = MixerConfig { encoder: fine, levelling: false, ..MixerConfig::default() };
    let mut mixer = Mixer::new(config);
    let tones = [400.0, 700.0, 1100.0];
    let mut callers = Vec::new();
    for (leg, hz) in (0..).zip(tones) {
        let mut caller = Caller::with_profile(leg, Some(hz), &fine);
        caller.amplitude = 32_000.0;
        callers.push(caller);
    }
    callers.push(Caller::new(3, None));
    for leg in 0..4 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    run(&mut mixer, &mut callers, 0..250, |_, _| false);
    let heard = &callers[3].heard[100 * FRAME_SAMPLES..];
    let amplitudes = tones.map(|hz| common::amplitude(heard, hz));
    for amplitude in amplitudes {
        // As loud as one another, and a third of the most that fits.
        assert!((8_500.0..12_000.0).contains(&amplitude), "{amplitudes:?}");
    }
    let power = heard.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / heard.len() as f64;
    let tones: f64 = amplitudes.iter().map(|amplitude| amplitude * amplitude / 2.0).sum();
    let rest = 10.0 * ((power - tones).abs() / power).log10();
    assert!(rest < -25.0, "{rest:.1} dB of the sound is not in the tones");
}
