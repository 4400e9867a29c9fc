//! A conference in which nothing goes on: when that is so, and the little that is left to do in its ticks.

use crate::frame::EncodedFrame;
use crate::key::LegKey;

use super::Mixer;

impl Mixer {
    /// Nothing goes on: nobody is heard, nothing waits to be played, and all are sent the same silence. A tick then visits no leg but
    /// to hand out a frame of that silence now and then, until anything comes in or is changed.
    #[must_use]
    pub const fn is_at_rest(&self) -> bool {
        self.at_rest
    }

    /// Something has come in, or is changed: the next tick is a whole one.
    pub(super) const fn wake(&mut self) {
        self.at_rest = false;
    }

    /// Whether the next tick would change nothing, after one whose legs were all calm.
    pub(super) fn may_rest(&self) -> bool {
        let calm = |leg: &super::Leg| leg.input.is_calm() && leg.listening.is_settled();
        self.nominees.is_empty()
            && self.again.is_none()
            && self.taps.is_empty()
            && self.sounds.are_over()
            && self.streams.are_silent()
            && self.legs.iter().all(calm)
    }

    /// A tick at rest.
    pub(super) fn rest(&mut self, output: impl FnMut(LegKey, EncodedFrame<'_>)) {
        self.voices.begin_tick();
        if self.streams.rest() {
            self.hand_out(output);
        }
    }
}
