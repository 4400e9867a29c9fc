//! Keeps a sum of voices within 16 bits by turning it down smoothly, and two channels by the same. Mixing never lives here.

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
            let (from, to) = self.advance(which, bearable_gain(peak(input)));
            let pending = &mut self.pending[which * BLOCK..][..BLOCK];
            scale(pending, output, from, to);
            pending.copy_from_slice(input);
        }
    }

    /// Limits one tick of two channels, of which half the sum and half the difference are given and taken. Both are turned down
    /// together, so that nothing moves aside, and by what the louder of the channels asks for.
    pub(crate) fn process_pair(
        &mut self,
        input: Pair<&WideFrame>,
        pending: &mut SidePending,
        output: Pair<&mut Frame>,
    ) {
        let inputs = input.mid.chunks_exact(BLOCK).zip(input.side.chunks_exact(BLOCK));
        let outputs = output.mid.chunks_exact_mut(BLOCK).zip(output.side.chunks_exact_mut(BLOCK));
        for ((inputs, outputs), which) in inputs.zip(outputs).zip((0..AHEAD).cycle()) {
            let (from, to) = self.advance(which, bearable_gain(peak_of_pair(inputs.0, inputs.1)));
            let waiting = [&mut self.pending, &mut pending.0];
            for ((input, output), waiting) in
                [(inputs.0, outputs.0), (inputs.1, outputs.1)].into_iter().zip(waiting)
            {
                let waiting = &mut waiting[which * BLOCK..][..BLOCK];
                scale(waiting, output, from, to);
                waiting.copy_from_slice(input);
            }
        }
    }

    /// A block comes in whose greatest gain is this, and the one that entered [`AHEAD`] blocks ago, whose place in the ring it takes,
    /// leaves: the gain at its beginning and at its end.
    fn advance(&mut self, which: usize, bearable: f32) -> (f32, f32) {
        let leaving = core::mem::replace(&mut self.bearable[which], bearable);
        let from = self.gain;
        self.gain = Self::next_gain(from, leaving, &self.bearable, which);
        (from, self.gain)
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

/// Something of half the sum and of half the difference of two channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<T> {
    pub(crate) mid: T,
    pub(crate) side: T,
}

/// What is seen and not yet put out of half the difference of two channels; a [`Limiter`] has that of half their sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SidePending([i32; Limiter::DELAY_SAMPLES]);

impl SidePending {
    pub(crate) const fn new() -> Self {
        Self([0; Limiter::DELAY_SAMPLES])
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.0.iter().all(|&sample| sample == 0)
    }
}

/// The loudest sample of a block.
fn peak(block: &[i32]) -> u32 {
    block.iter().fold(0, |peak, sample| sample.unsigned_abs().max(peak))
}

/// The loudest sample of both channels: the louder of sum and difference.
fn peak_of_pair(mid: &[i32], side: &[i32]) -> u32 {
    let louder = |(mid, side): (&i32, &i32)| mid.unsigned_abs().saturating_add(side.unsigned_abs());
    mid.iter().zip(side).map(louder).max().unwrap_or(0)
}

/// The greatest gain at which a block with this peak is not beyond the ceiling.
fn bearable_gain(peak: u32) -> f32 {
    let peak = peak as f32;
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
    fn of_two_channels_the_louder_one_decides_and_both_keep_their_places() {
        let mut limiter = Limiter::new();
        let mut pending = SidePending::new();
        // 40000 on the left, 10000 on the right: neither half the sum nor half the difference is too loud by itself.
        let (mid_in, side_in) = ([25_000; FRAME_SAMPLES], [15_000; FRAME_SAMPLES]);
        let (mut mid, mut side) = ([0; FRAME_SAMPLES], [0; FRAME_SAMPLES]);
        for _ in 0..3 {
            let input = Pair { mid: &mid_in, side: &side_in };
            limiter.process_pair(input, &mut pending, Pair { mid: &mut mid, side: &mut side });
        }
        for (&mid, &side) in mid.iter().zip(&side) {
            let (left, right) = (f32::from(mid) + f32::from(side), f32::from(mid) - f32::from(side));
            assert!(left <= CEILING + 1.0 && left > CEILING - 2.0, "{left}");
            assert!((left / right - 4.0).abs() < 0.01, "{left} and {right}");
        }
        assert!(!pending.is_silent());
        // Without a difference it is what one channel is.
        let input = tone(440.0, 60_000.0, 9600);
        let (mut one, mut two) = (Limiter::new(), Limiter::new());
        let mut pending = SidePending::new();
        for tick in input.as_chunks::<FRAME_SAMPLES>().0 {
            one.process(tick, &mut mid);
            let (mut mid_two, mut side_two) = ([0; FRAME_SAMPLES], [1; FRAME_SAMPLES]);
            let input = Pair { mid: tick, side: &[0; FRAME_SAMPLES] };
            two.process_pair(input, &mut pending, Pair { mid: &mut mid_two, side: &mut side_two });
            assert_eq!((mid_two, side_two), (mid, [0; FRAME_SAMPLES]));
        }
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
