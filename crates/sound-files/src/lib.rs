//! Files of sound: recordings of conferences are written as Ogg Opus (RFC 7845), and what is played in them is read from Ogg Opus
//! or WAV.
//!
//! A recording has three parts. A [`QueueSink`] is given to the mixer ([`Mixer::record`](confocal_mixer::Mixer::record)) and never
//! waits; a [`Recording`] is its other end, which another thread [drains](Recording::drain) now and then; and an
//! [`OggOpusWriter`] makes a file of it, over anything that is [`Write`](std::io::Write).
//!
//! [`read_ogg_opus`] and [`read_wav`] give all samples of a file, for a [`Clip`](confocal_mixer::Clip): they are to be called
//! before it is played, and never within a tick.
//!
//! Threads, clocks, paths, and the rules of who may record whom never live here.

mod ogg_opus;
mod queue;
mod wav;

pub use ogg_opus::{OggOpusWriter, ReadOggError, read_ogg_opus};
pub use queue::{Drained, QueueSink, Recording, queue};
pub use wav::{ReadWavError, read_wav};

/// Samples that are read of one file at most: 30 minutes at 48 kHz, which take 173 MB.
pub const SAMPLES_MAX: usize = 30 * 60 * 48_000;
