//! Keeps a sum of voices within 16 bits by turning it down smoothly. Mixing never lives here.

use crate::frame::{FRAME_SAMPLES, Frame, WideFrame};

/// Samples in a block, the step in which the gain is decided: 1.25 ms.
const BLOCK: usize = 60;

/// Blocks that are seen ahead.
const AHEAD: usize = Limiter::DELAY_SAMPLES / BLOCK;

const BLOCKS: usize = FRAME_SAMPLES / BLOCK;

/// The loudest sample that is let through: −1 dB of full scale.
const CEILING: f32 = 29_204.0;

/// The part of the way back to full gain that is taken each block: 63 % in 150 ms.
const RELEASE: f32 = 0.0083;

/// A look-ahead peak limiter for one output.
///
/// The sound comes out [`Limiter::DELAY_SAMPLES`] later. As long as no sample is beyond −1 dB of full scale it comes out bit
/// by bit as it went in. Before a louder one the gain falls in a straight line over 5 ms, low enough when the peak comes that
/// nothing is clipped, and afterwards returns within some 300 ms.
#[derive(Clone, Copy, Debug)]
pub struct Limiter {
    /// The sound seen and not yet put out.
    pending: [i32; Self::DELAY_SAMPLES],
    /// The greatest gain that each pending block bears.
    bearable: [f32; AHEAD],
    /// The gain at the end of what was put out.
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Limiter {
    /// How much later sound comes out than it goes in: 240 samples, 5 ms.
    pub const DELAY_SAMPLES: usize = 240;

    /// A limiter at full gain with silence pending.
    #[must_use]
    pub const fn new() -> Self {
        Self { pending: [0; Self::DELAY_SAMPLES], bearable: [1.0; AHEAD], gain: 1.0 }
    }

    /// Limits one tick of sound. The sum of up to 65 536 voices of full scale is fine.
    pub fn process(&mut self, input: &WideFrame, output: &mut Frame) {
        for ((input, output), which) in
            input.chunks_exact(BLOCK).zip(output.chunks_exact_mut(BLOCK)).zip((0..AHEAD).cycle())
        {
            let pending = &mut self.pending[which * BLOCK..][..BLOCK];
            // The block that entered AHEAD blocks ago leaves, and this one takes its place in the ring.
            let leaving = core::mem::replace(&mut self.bearable[which], bearable_gain(input));
            let from = self.gain;
            let to = Self::next_gain(from, leaving, &self.bearable, which);
            scale(pending, output, from, to);
            pending.copy_from_slice(input);
            self.gain = to;
        }
    }

    /// Nothing is pending but silence, so silence in would be silence out.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.pending.iter().all(|&sample| sample == 0)
    }

    /// Forgets the pending sound and returns to full gain.
    pub const fn reset(&mut self) {
        *self = Self::new();
    }

    /// The gain at the end of the leaving block: on its way back to 1, but never so high that a pending block's gain could
    /// not be reached in a straight line by the time that block begins.
    fn next_gain(from: f32, leaving: f32, bearable: &[f32; AHEAD], which: usize) -> f32 {
        let mut to = from + (1.0 - from) * RELEASE;
        if to > 0.9999 {
            to = 1.0;
        }
        to = to.min(leaving);
        for blocks in 1..=AHEAD {
            let gain = bearable[(which + blocks) % AHEAD];
            if gain < to {
                // Where `from` already lies below it, `gain` itself is the bound.
                to = to.min(gain.max(from + (gain - from) / blocks as f32));
            }
        }
        to
    }
}

const _: () = assert!(BLOCKS * BLOCK == FRAME_SAMPLES && BLOCKS.is_multiple_of(AHEAD));

/// The greatest gain at which no sample of the block is beyond the ceiling.
fn bearable_gain(block: &[i32]) -> f32 {
    let peak = block.iter().fold(0, |peak, sample| sample.unsigned_abs().max(peak)) as f32;
    if peak > CEILING { CEILING / peak } else { 1.0 }
}

/// Scales a block by a gain that goes from one value to another in a straight line.
fn scale(input: &[i32], output: &mut [i16], from: f32, to: f32) {
    let full = from >= 1.0 && to >= 1.0;
    for (n, (input, output)) in (1_u16..).zip(input.iter().zip(output)) {
        *output = if full {
            // Full gain means that no sample here is beyond the ceiling; the clamp is for the compiler.
            (*input).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
        } else {
            let gain = from + (to - from) * f32::from(n) / BLOCK as f32;
            (*input as f32 * gain).round() as i16
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limiter: &mut Limiter, input: &[i32]) -> Vec<i16> {
        let mut out = Vec::new();
        for chunk in input.chunks_exact(FRAME_SAMPLES) {
            let mut frame = [0; FRAME_SAMPLES];
            limiter.process(chunk.try_into().unwrap(), &mut frame);
            out.extend_from_slice(&frame);
        }
        out
    }

    fn tone(hz: f64, amplitude: f64, samples: usize) -> Vec<i32> {
        (0..samples)
            .map(|n| ((n as f64 * hz * core::f64::consts::TAU / 48_000.0).sin() * amplitude).round() as i32)
            .collect()
    }

    #[test]
    fn below_the_ceiling_every_bit_is_kept() {
        let input = tone(440.0, 29_000.0, 9600);
        let output = run(&mut Limiter::new(), &input);
        let expected: Vec<i16> = input.iter().map(|&sample| sample as i16).collect();
        assert_eq!(output[Limiter::DELAY_SAMPLES..], expected[..9600 - Limiter::DELAY_SAMPLES]);
        assert!(output[..Limiter::DELAY_SAMPLES].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn a_sudden_loud_sum_is_never_clipped_and_the_gain_never_jumps() {
        let mut input = tone(440.0, 12_000.0, 9600);
        input.extend(tone(440.0, 100_000.0, 9600));
        input.extend(tone(440.0, 12_000.0, 48_000));
        let output = run(&mut Limiter::new(), &input);
        let mut last_gain = 1.0;
        for (n, (&input, &output)) in input.iter().zip(&output[Limiter::DELAY_SAMPLES..]).enumerate() {
            assert!(f32::from(output).abs() <= CEILING + 1.0, "sample {n} is {output}");
            if input.abs() > 10_000 {
                let gain = f64::from(output) / f64::from(input);
                assert!((gain - last_gain).abs() < 0.3, "gain jumps from {last_gain} to {gain} at {n}");
                last_gain = gain;
            }
        }
        assert!(last_gain > 0.99, "the gain returns: {last_gain}");
    }

    #[test]
    fn the_attack_takes_the_whole_look_ahead() {
        // A level signal shows the gain in every sample; its peak comes at the worst moment, the end of a block.
        let mut input = vec![20_000; 4800];
        input[2459] = 200_000;
        let output = run(&mut Limiter::new(), &input);
        let output = &output[Limiter::DELAY_SAMPLES..];
        let steepest = output.windows(2).take(2458).map(|pair| i32::from(pair[0]) - i32::from(pair[1])).max();
        assert!(steepest < Some(150), "{steepest:?} in one sample");
        assert!(
            output[2100] == 20_000 && output[2459] <= 29_204 && output[2459] > 28_000,
            "{}",
            output[2459]
        );
    }

    #[test]
    fn the_loudest_sum_possible_does_not_wrap() {
        let mut limiter = Limiter::new();
        let output = run(&mut limiter, &vec![i32::MIN; 4800]);
        // A gain as small as 1 in 70 000 is rounded coarsely where it is reached from 1.
        assert!(output.iter().all(|&sample| sample <= 0 && f32::from(sample) >= -CEILING * 1.01));
        assert!(output[4000..].iter().all(|&sample| f32::from(sample) < -CEILING * 0.99));
        assert!(!limiter.is_silent());
        limiter.reset();
        assert!(limiter.is_silent());
    }
}
