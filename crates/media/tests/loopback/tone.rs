//! Tones, and how loud one is in what was heard.

use std::f64::consts::TAU;

/// Samples a second.
pub(crate) const RATE: f64 = 48_000.0;

/// 20 ms of a sine of a quarter of full scale (−12 dBov peak), going on from sample `from`.
pub(crate) fn sine(frequency: f64, from: u64) -> Vec<i16> {
    (0..960)
        .map(|sample| {
            let phase = TAU * frequency * ((from + sample) as f64) / RATE;
            (phase.sin() * 8192.0) as i16
        })
        .collect()
}

/// The amplitude of a frequency in the samples, 1 being full scale (Goertzel's algorithm).
pub(crate) fn amplitude(samples: &[i16], frequency: f64) -> f64 {
    let coefficient = 2.0 * (TAU * frequency / RATE).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) / 32_768.0 + coefficient * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len().max(1) as f64
}

/// A sample in G.711's µ-law (ITU-T Rec. G.711, table 2).
pub(crate) fn to_mu_law(sample: i16) -> u8 {
    let magnitude = (i32::from(sample).abs() + 132).min(32_635);
    let segment = (0..8).rev().find(|segment| magnitude >> (segment + 7) != 0).unwrap_or(0);
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | ((magnitude >> (segment + 3)) & 0x0F) as u8)
}

/// The sample of a byte of µ-law.
pub(crate) fn of_mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = (((i32::from(byte & 0x0F) << 3) + 132) << ((byte >> 4) & 7)) - 132;
    (if byte & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

#[test]
fn mu_law_keeps_what_it_can() {
    for sample in (i16::MIN + 1..=i16::MAX).step_by(97) {
        let back = of_mu_law(to_mu_law(sample));
        assert!(
            (i32::from(back) - i32::from(sample)).abs() <= 8 + i32::from(sample).abs() / 16,
            "{sample} {back}"
        );
    }
}

#[test]
fn a_tone_is_found_where_it_is() {
    let samples: Vec<i16> = (0..10).flat_map(|frame| sine(700.0, frame * 960)).collect();
    assert!((amplitude(&samples, 700.0) - 0.25).abs() < 0.01);
    assert!(amplitude(&samples, 1100.0) < 0.01);
}
