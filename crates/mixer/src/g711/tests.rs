use super::*;
use crate::level::LevelDbov;

/// The digital milliwatt, 1 kHz at 0 dBm0, by tables 5 and 6 of G.711.
const MILLIWATT: [(Law, [u8; 8]); 2] = [
    (Law::A, [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]),
    (Law::Mu, [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]),
];

#[test]
fn bytes_stand_for_the_samples_of_the_tables() {
    // Tables 1a and 1b (A-law, 13 bits) and 2a and 2b (µ-law, 14 bits), as 16 bits: the ends, the first steps, and the corners of
    // some segments.
    let a = [(0xd5, 8), (0x55, -8), (0xd4, 24), (0xda, 248), (0xc5, 264), (0xaa, 32_256), (0x2a, -32_256)];
    let mu = [
        (0xff, 0),
        (0x7f, 0),
        (0xfe, 8),
        (0x7e, -8),
        (0xf0, 120),
        (0xef, 132),
        (0x80, 32_124),
        (0x00, -32_124),
    ];
    for (byte, sample) in a {
        assert_eq!(Law::A.expand(byte), sample, "A-law {byte:#x}");
    }
    for (byte, sample) in mu {
        assert_eq!(Law::Mu.expand(byte), sample, "µ-law {byte:#x}");
    }
}

#[test]
fn what_was_expanded_is_compressed_to_itself_and_all_else_to_its_step() {
    for law in [Law::A, Law::Mu] {
        for byte in 0..=u8::MAX {
            // µ-law has two zeros, and the negative one is not used.
            let expected = if law == Law::Mu && byte == 0x7f { 0xff } else { byte };
            assert_eq!(law.compress(law.expand(byte)), expected, "{law:?} {byte:#x}");
        }
        for sample in (-32_500..32_500_i16).step_by(3) {
            let byte = law.compress(sample);
            let bits = if law == Law::A { byte ^ 0x55 } else { !byte };
            let segment = u32::from(bits >> 4 & 7);
            // Tables 1 and 2: the steps of the segments, in 16 bits.
            let step = if law == Law::A { 16 << segment.saturating_sub(1) } else { 8 << segment };
            let error = i32::from(law.expand(byte)).abs_diff(sample.into());
            // The two and four lowest bits are not looked at.
            assert!(error <= step / 2 + 8, "{law:?} {sample}: {error} in steps of {step}");
        }
    }
}

#[test]
fn the_digital_milliwatt_has_its_level() {
    for (law, bytes) in MILLIWATT {
        let samples: Vec<i16> = (0..800).map(|n| law.expand(bytes[n % 8])).collect();
        // 0 dBm0 is 3.14 or 3.17 dB below the sine that just overloads, which is 3 dB below a square wave of full scale.
        assert_eq!(LevelDbov::of(&samples), LevelDbov(-6), "{law:?}");
        let heard: Vec<u8> = samples.iter().map(|&sample| law.compress(sample)).collect();
        assert!(heard.chunks(8).all(|chunk| chunk == bytes));
    }
}

fn sine(hz: f64, amplitude: f64, samples: usize, rate: f64) -> Vec<i16> {
    (0..samples)
        .map(|n| ((n as f64 * hz * core::f64::consts::TAU / rate).sin() * amplitude).round() as i16)
        .collect()
}

fn gain_db(output: &[i16], amplitude: f64) -> f64 {
    let power = output.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / output.len() as f64;
    10.0 * (power.max(1e-3) / (amplitude * amplitude / 2.0)).log10()
}

#[test]
fn speech_passes_the_filters_and_nothing_else_does() {
    for (hz, least, most) in [
        (300.0, -0.2, 0.2),
        (1000.0, -0.2, 0.2),
        (3300.0, -0.5, 0.2),
        (4700.0, -999.0, -60.0),
        (9000.0, -999.0, -60.0),
    ] {
        let mut down = Downsampler::new();
        let output: Vec<i16> =
            sine(hz, 10_000.0, 9600, 48_000.0).as_chunks().0.iter().map(|six| down.put(six)).collect();
        let gain = gain_db(&output[100..], 10_000.0);
        assert!((least..=most).contains(&gain), "{hz} Hz down: {gain:.2} dB");
    }
    for hz in [300.0, 1000.0, 3300.0] {
        let mut up = Upsampler::new();
        let mut output = vec![[0; RATIO]; 1600];
        for (sample, six) in sine(hz, 10_000.0, 1600, 8000.0).into_iter().zip(&mut output) {
            up.put(sample, six);
        }
        let output = output.concat();
        let gain = gain_db(&output[600..], 10_000.0);
        assert!((-0.5..=0.2).contains(&gain), "{hz} Hz up: {gain:.2} dB");
        // What is not the sine is its images. Their power is what differs from the best fit of the sine itself.
        let (mut re, mut im) = (0.0, 0.0);
        let part = &output[600..600 + 4800];
        for (n, &sample) in part.iter().enumerate() {
            let (sin, cos) = (n as f64 * hz * core::f64::consts::TAU / 48_000.0).sin_cos();
            re += f64::from(sample) * cos;
            im += f64::from(sample) * sin;
        }
        let tone = 2.0 * (re * re + im * im) / (4800.0 * 4800.0);
        let power = part.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / 4800.0;
        let images = 10.0 * ((power - tone).abs().max(1e-9) / power).log10();
        assert!(images < -50.0, "{hz} Hz: {images:.1} dB of images");
    }
}

#[test]
fn a_voice_goes_on_over_a_short_loss_and_dies_away_in_a_long_one() {
    // A voice of 125 Hz: its period is 64 samples.
    let voice: Vec<i16> = (0..2400)
        .map(|n| {
            let turn = f64::from(n) * 125.0 * core::f64::consts::TAU / 8000.0;
            ((1..12).map(|k| (turn * f64::from(k)).sin() / f64::from(k)).sum::<f64>() * 5000.0) as i16
        })
        .collect();
    let mut concealer = Concealer::new();
    let mut heard = Vec::new();
    for (n, &sample) in voice.iter().enumerate() {
        heard.push(if (800..960).contains(&n) { concealer.make() } else { concealer.take(sample) });
    }
    let error = |range: core::ops::Range<usize>| {
        let differs: f64 = range.clone().map(|n| (f64::from(heard[n]) - f64::from(voice[n])).powi(2)).sum();
        10.0 * (differs / range.map(|n| f64::from(voice[n]).powi(2)).sum::<f64>()).log10()
    };
    assert!(error(800..880) < -25.0, "{:.1} dB", error(800..880));
    assert!(error(880..960) < -12.0, "it fades: {:.1} dB", error(880..960));
    assert!(error(992..1200) < -60.0, "and all is as before: {:.1} dB", error(992..1200));
    let steps = |range: core::ops::Range<usize>, of: &[i16]| {
        of[range].windows(2).map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs()).max()
    };
    assert!(steps(780..1000, &heard) <= steps(0..1000, &voice).map(|step| step * 11 / 10), "no click");

    let long: Vec<i16> = (0..800).map(|_| concealer.make()).collect();
    assert!(long[480..].iter().all(|&sample| sample == 0) && long[..80].iter().any(|&sample| sample > 3000));
}
