//! One tick of one talker's sound on its way through the mixer. Nothing is decoded or added up here.

use crate::frame::{FRAME_SAMPLES, Frame};

/// 20 ms at 48 kHz: what everyone hears, and where there are two channels what sets them apart. Left is their sum, right their
/// difference.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    /// Half the sum of left and right; of one channel, itself.
    pub(crate) mid: Frame,
    /// Half the difference of left and right. It counts only where `wide`.
    pub(crate) side: Frame,
    /// The two channels differ.
    pub(crate) wide: bool,
}

impl Default for Sound {
    fn default() -> Self {
        Self { mid: [0; FRAME_SAMPLES], side: [0; FRAME_SAMPLES], wide: false }
    }
}

impl Sound {
    /// Does the same to all that counts of it.
    pub(crate) fn each(&mut self, mut change: impl FnMut(&mut Frame)) {
        change(&mut self.mid);
        if self.wide {
            change(&mut self.side);
        }
    }
}
