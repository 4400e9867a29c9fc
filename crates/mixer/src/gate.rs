//! What lets a leg's sound through to the others, or not, without a click at either change.
//!
//! Who is heard is never decided here.

use crate::frame::Frame;

/// A change is eased over 2.5 ms.
const EASE: usize = 120;

/// A gate in the way of one leg's decoded sound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    open: bool,
    /// What it was for the last frame.
    was_open: bool,
}

impl Gate {
    pub(crate) const fn open() -> Self {
        Self { open: true, was_open: true }
    }

    pub(crate) const fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    pub(crate) const fn is_open(self) -> bool {
        self.open
    }

    /// Takes one frame through; returns whether anything of it may be heard. A shut gate leaves the first 2.5 ms after the
    /// change, dying away, and of further frames nothing.
    pub(crate) fn pass(&mut self, frame: &mut Frame) -> bool {
        let was_open = core::mem::replace(&mut self.was_open, self.open);
        match (was_open, self.open) {
            (true, true) => true,
            (false, false) => false,
            (false, true) => {
                for (n, sample) in (0_i32..).zip(frame.iter_mut().take(EASE)) {
                    *sample = eased(*sample, n);
                }
                true
            }
            (true, false) => {
                let (eased_out, silent) = frame.split_at_mut(EASE);
                for (n, sample) in (0_i32..).zip(eased_out) {
                    *sample = eased(*sample, EASE as i32 - n);
                }
                silent.fill(0);
                true
            }
        }
    }
}

/// `n` parts of [`EASE`] of a sample.
const fn eased(sample: i16, n: i32) -> i16 {
    (sample as i32 * n / EASE as i32) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FRAME_SAMPLES;

    #[test]
    fn it_opens_and_shuts_softly_and_lets_nothing_through_while_shut() {
        let full: Frame = [12_000; FRAME_SAMPLES];
        let mut gate = Gate::open();
        let mut passed = |open: bool| {
            let mut frame = full;
            gate.set_open(open);
            gate.pass(&mut frame).then_some(frame)
        };
        assert_eq!(passed(true), Some(full));

        let shutting = passed(false).unwrap();
        assert_eq!((shutting[0], shutting[60], shutting[119]), (12_000, 6_000, 100));
        assert!(shutting[EASE..].iter().all(|&sample| sample == 0));
        assert_eq!(passed(false), None);

        let opening = passed(true).unwrap();
        assert_eq!((opening[0], opening[60], opening[120]), (0, 6_000, 12_000));
        assert!(opening[EASE..].iter().all(|&sample| sample == 12_000));
        assert_eq!(passed(true), Some(full));
    }
}
