//! What lets a leg's sound through to the others, or not, without a click at either change.
//!
//! Who is heard is never decided here.

use crate::frame::Frame;
use crate::sound::Sound;

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

    /// Takes one tick of sound through; returns whether anything of it may be heard. A shut gate leaves the first 2.5 ms after the
    /// change, dying away, and of further frames nothing.
    pub(crate) fn pass(&mut self, sound: &mut Sound) -> bool {
        let was_open = core::mem::replace(&mut self.was_open, self.open);
        match (was_open, self.open) {
            (true, true) => true,
            (false, false) => false,
            (false, true) => {
                sound.each(ease_in);
                true
            }
            (true, false) => {
                sound.each(ease_out);
                true
            }
        }
    }
}

fn ease_in(frame: &mut Frame) {
    for (n, sample) in (0_i32..).zip(frame.iter_mut().take(EASE)) {
        *sample = eased(*sample, n);
    }
}

fn ease_out(frame: &mut Frame) {
    let (eased_out, silent) = frame.split_at_mut(EASE);
    for (n, sample) in (0_i32..).zip(eased_out) {
        *sample = eased(*sample, EASE as i32 - n);
    }
    silent.fill(0);
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
            let mut sound = Sound { mid: full, side: full, wide: true };
            gate.set_open(open);
            gate.pass(&mut sound).then(|| {
                assert_eq!(sound.mid, sound.side, "both alike");
                sound.mid
            })
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
