//! From 8 to 48 kHz and back, by one filter of linear phase in six phases. What is filtered never lives here.

use std::sync::LazyLock;

use super::RATIO;

/// Taps of the filter a phase.
const PHASE_TAPS: usize = 32;

const TAPS: usize = PHASE_TAPS * RATIO;

/// The middle of the edge, Hz: G.711 passes 300 to 3400 Hz, and 4600 Hz is the image of 3400 Hz.
const EDGE: f64 = 4000.0;

/// The shape of the Kaiser window: more than 70 dB down outside of the edge, which is 1.2 kHz wide with so many taps.
const BETA: f64 = 6.9;

/// The filter, its sum 1: a sinc under a Kaiser window.
static FILTER: LazyLock<[f32; TAPS]> = LazyLock::new(|| {
    let middle = (TAPS - 1) as f64 / 2.0;
    let taps: [f64; TAPS] = core::array::from_fn(|n| {
        let from_middle = n as f64 - middle;
        let turn = from_middle * core::f64::consts::PI * 2.0 * EDGE / 48_000.0;
        let window = bessel(BETA * (1.0 - (from_middle / middle).powi(2)).max(0.0).sqrt());
        turn.sin() / turn * window
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
});

/// The modified Bessel function of the first kind and order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

/// Makes six samples of one.
#[derive(Clone, Debug)]
pub(super) struct Upsampler {
    /// The latest samples, twice one after the other, so that they are in one piece wherever they begin.
    latest: [f32; 2 * PHASE_TAPS],
    at: usize,
}

impl Upsampler {
    pub(super) const fn new() -> Self {
        Self { latest: [0.0; 2 * PHASE_TAPS], at: 0 }
    }

    pub(super) fn put(&mut self, input: i16, output: &mut [i16; RATIO]) {
        let filter = &*FILTER;
        // Backwards, so that the latest is first.
        self.at = if self.at == 0 { PHASE_TAPS - 1 } else { self.at - 1 };
        self.latest[self.at] = f32::from(input);
        self.latest[self.at + PHASE_TAPS] = f32::from(input);
        let latest = &self.latest[self.at..][..PHASE_TAPS];
        for (phase, output) in output.iter_mut().enumerate() {
            let taps = filter[phase..].iter().step_by(RATIO);
            let sum: f32 = taps.zip(latest).map(|(tap, sample)| tap * sample).sum();
            // The conversion saturates.
            *output = (sum * RATIO as f32).round() as i16;
        }
    }
}

/// Makes one sample of six.
#[derive(Clone, Debug)]
pub(super) struct Downsampler {
    latest: [f32; 2 * TAPS],
    at: usize,
}

impl Downsampler {
    pub(super) const fn new() -> Self {
        Self { latest: [0.0; 2 * TAPS], at: 0 }
    }

    pub(super) fn put(&mut self, input: &[i16; RATIO]) -> i16 {
        for &sample in input {
            self.at = if self.at == 0 { TAPS - 1 } else { self.at - 1 };
            self.latest[self.at] = f32::from(sample);
            self.latest[self.at + TAPS] = f32::from(sample);
        }
        let latest = &self.latest[self.at..][..TAPS];
        let sum: f32 = FILTER.iter().zip(latest).map(|(tap, sample)| tap * sample).sum();
        sum.round() as i16
    }
}
