//! The voices of a conference that nobody has at the moment. Who is given one is decided elsewhere.

use crate::codec::CodecError;
use crate::demand::Demand;
use crate::voice::Voice;

/// As many voices as are heard at a time of late. One takes about 100 kB, so they are made when they are wanted, between two
/// ticks, and let go when they are not needed any more.
#[derive(Debug, Default)]
pub(crate) struct Voices {
    spare: Vec<Voice>,
    /// Voices that legs have.
    lent: usize,
    /// Legs that are to have one and have none, in this tick.
    waiting: usize,
    /// Voices that there should be.
    wanted: usize,
    demand: Demand,
}

impl Voices {
    pub(crate) const fn begin_tick(&mut self) {
        self.waiting = 0;
    }

    /// How many legs have one, or are to have one.
    pub(crate) const fn taken(&self) -> usize {
        self.lent + self.waiting
    }

    /// How many may sound in one tick: each that there is may be given on in it, and dies away then where it was.
    pub(crate) const fn sounding_max(&self) -> usize {
        (self.lent + self.spare.len()) * 2
    }

    /// One to keep.
    pub(crate) fn lend(&mut self) -> Option<Voice> {
        let Some(voice) = self.spare.pop() else {
            self.note_waiting();
            return None;
        };
        self.lent += 1;
        self.want(self.taken());
        Some(voice)
    }

    /// A leg is to have one, and there is none yet or not all else that it needs.
    pub(crate) fn note_waiting(&mut self) {
        self.waiting += 1;
        self.want(self.taken());
    }

    /// One to use in this tick only.
    pub(crate) fn borrow(&mut self) -> Option<&mut Voice> {
        self.want(self.taken() + 1);
        self.spare.last_mut()
    }

    pub(crate) fn give_back(&mut self, voice: Voice) {
        self.lent -= 1;
        self.spare.push(voice);
    }

    fn want(&mut self, voices: usize) {
        self.wanted = self.wanted.max(voices);
        self.demand.note(voices);
    }

    /// Fewer are there than were wanted.
    pub(crate) const fn is_short(&self) -> bool {
        self.lent + self.spare.len() < self.wanted
    }

    /// Makes those that are wanted, `voices_max` at most. Memory is allocated here.
    pub(crate) fn make(&mut self, voices_max: usize) -> Result<(), CodecError> {
        self.wanted = self.wanted.min(voices_max);
        // Room for all of them, so that none that is given back needs memory.
        self.spare.reserve_exact(self.wanted.saturating_sub(self.spare.len()));
        while self.is_short() {
            self.spare.push(Voice::new()?);
        }
        Ok(())
    }

    /// Lets go of those that were not needed of late.
    pub(crate) fn trim(&mut self) {
        self.demand.note(self.lent);
        self.wanted = self.demand.take();
        self.spare.truncate(self.wanted.saturating_sub(self.lent));
    }
}
