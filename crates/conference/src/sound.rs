//! What is played into a conference besides its voices, and what becomes of its recordings.
//!
//! How a sound sounds never lives here, nor when one is played.

use serde::{Deserialize, Serialize};

use crate::id::{Generation, LegId, MemberId};

/// A sound that the engine has, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sound {
    /// Someone has come in.
    Joined,
    /// Someone has left.
    Left,
    /// Nobody else is in the conference.
    Alone,
    /// Whoever comes in is the first: the operator's own, where there is one.
    Opening,
    /// Whoever comes in is welcome: the operator's own, where there is one.
    Welcome,
    /// The conference is recorded from now on.
    RecordingStarted,
    /// It is not recorded any more.
    RecordingStopped,
    /// Whoever comes in is recorded.
    Recording,
}

/// Who hears a sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Everyone whose media is up.
    Everyone,
    /// One leg.
    Leg {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
}

/// Why a recording came to its end by no wish of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordingFailure {
    /// The engine has no place for recordings.
    NoPlace,
    /// The file could not be made: the directory is gone, or may not be written to.
    NotWritable,
    /// There is no room left where the files are.
    DiskFull,
    /// The conference's sound could not be had; the engine's log says why.
    Internal,
}

/// Why a conference is not recorded any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordingEnd {
    /// A moderator stopped it.
    StoppedBy(MemberId),
    /// Everyone has left.
    Empty,
    /// The service was restarted.
    Restarted,
    /// It failed.
    Failed(RecordingFailure),
}
