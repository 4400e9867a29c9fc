//! What can be read of a leg. Counting is done where things happen.

use crate::key::LegKey;
use crate::level::LevelDbov;

/// How loud a leg is at the last tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegMeasure {
    /// The leg.
    pub leg: LegKey,
    /// Its level, smoothed over some frames.
    pub level: LevelDbov,
    /// It is speech by level and duration, not a click.
    pub speaking: bool,
}

/// What became of a leg's packets since it was added, and the state of its buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegStats {
    /// Packets handed in while the leg was being received.
    pub received: u64,
    /// Packets dropped because their time was over.
    pub late: u64,
    /// Packets dropped because they were there already.
    pub duplicate: u64,
    /// Packets dropped because they are no Opus, too large, or out of any order.
    pub malformed: u64,
    /// Packets dropped unplayed to keep the delay within its bound, or because the leg was not among those decoded.
    pub discarded: u64,
    /// Packets that never came in time to be played, by their sequence numbers.
    pub lost: u64,
    /// Stretches of sound made up or recovered for missing packets, each as long as a packet of this sender.
    pub concealed: u64,
    /// Packets of at most two bytes: silence announced by the sender.
    pub dtx: u64,
    /// Packets that libopus refused.
    pub decode_errors: u64,
    /// Mixes that libopus failed to encode.
    pub encode_errors: u64,
    /// Sound waiting in the buffer, in milliseconds.
    pub buffered_ms: u32,
    /// The depth that the buffer aims at, in milliseconds.
    pub depth_ms: u32,
}
