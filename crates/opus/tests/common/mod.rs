//! Something with the ups and downs of speech, to encode.

/// 20 ms at 48 kHz.
pub(crate) type Frame = [i16; 960];

/// Frames of a voice of this pitch, Hz, with four syllables a second and some noise.
pub(crate) fn voice(pitch: f64, frames: usize) -> Vec<Frame> {
    let mut noise = 0x2545_f491_u32;
    (0..frames)
        .map(|frame| {
            core::array::from_fn(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let seconds = (frame * 960 + n) as f64 / 48_000.0;
                let pitch = pitch + 5.0 * (seconds * 9.0).sin();
                let voice: f64 = (1..12)
                    .map(|n| (seconds * pitch * f64::from(n) * core::f64::consts::TAU).sin() / f64::from(n))
                    .sum();
                let syllable = 0.2 + 0.8 * (seconds * 4.0 * core::f64::consts::TAU).sin().max(0.0);
                (voice * 6000.0 * syllable + f64::from(noise >> 24)) as i16
            })
        })
        .collect()
}
