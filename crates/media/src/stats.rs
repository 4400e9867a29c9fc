//! What can be read of a running engine. Counting is done where things happen.

use std::sync::atomic::{AtomicU64, Ordering};

use confocal_transport::LinkStats;

/// What became of a leg's packets, as of about a second ago at the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegStats {
    /// At the border to the network.
    pub link: LinkStats,
    /// In the jitter buffer and the codecs.
    pub mixer: confocal_mixer::LegStats,
    /// What it is shown.
    pub seen: SeenStats,
}

/// What a leg is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenStats {
    /// Lines on which somebody is shown.
    pub lines: u64,
    /// How often another one began to be shown.
    pub switches: u64,
    /// It is shown a composed picture, or is to be.
    pub composed: bool,
    /// Nobody is shown although somebody would be: their pictures are coded in a way that the caller does not know.
    pub foreign: bool,
}

/// How well the mixing threads keep their beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Ticks that were mixed.
    pub ticks: u64,
    /// Of those, the ones that were mixed more than a tick (20 ms) after their time.
    pub late: u64,
    /// Ticks that were left out, because the thread was held up for too long to make up for them.
    pub skipped: u64,
    /// Legs in the mix.
    pub legs: u64,
    /// Ticks that are silent in recordings because the disk was too slow.
    pub recordings_left_out: u64,
    /// Packets of pictures that were not forwarded, because too many waited.
    pub pictures_overflown: u64,
    /// Conferences whose picture is composed.
    pub compositions: u64,
}

impl std::iter::Sum for EngineStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            ticks: sum.ticks + one.ticks,
            late: sum.late + one.late,
            skipped: sum.skipped + one.skipped,
            legs: sum.legs + one.legs,
            recordings_left_out: sum.recordings_left_out + one.recordings_left_out,
            pictures_overflown: sum.pictures_overflown + one.pictures_overflown,
            compositions: sum.compositions + one.compositions,
        })
    }
}

/// [`EngineStats`] of one thread, as they are counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    ticks: AtomicU64,
    late: AtomicU64,
    skipped: AtomicU64,
    legs: AtomicU64,
    pictures_overflown: AtomicU64,
}

impl Counters {
    pub(crate) fn beat(&self, ticks: u64, late: u64, skipped: u64) {
        self.ticks.fetch_add(ticks, Ordering::Relaxed);
        self.late.fetch_add(late, Ordering::Relaxed);
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
    }

    pub(crate) fn set_legs(&self, legs: usize) {
        self.legs.store(legs as u64, Ordering::Relaxed);
    }

    pub(crate) fn set_pictures_overflown(&self, packets: u64) {
        self.pictures_overflown.store(packets, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> EngineStats {
        EngineStats {
            ticks: self.ticks.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            legs: self.legs.load(Ordering::Relaxed),
            // Counted by those who write, and those who compose.
            recordings_left_out: 0,
            compositions: 0,
            pictures_overflown: self.pictures_overflown.load(Ordering::Relaxed),
        }
    }
}
