//! What an operator may choose: time limits, capacity, policy. Each has a default, and nothing is unbounded.
//!
//! Reading a configuration file never lives here.

use alloc::collections::BTreeSet;

use crate::id::RoomKey;
use crate::time::Millis;

/// The machine's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long the focus stays in a group room after the last participant has left (rule R7). Default 10 s.
    pub linger: Millis,
    /// How long a focus user that has joined waits for a call before it leaves (rule R8). Default 5 min.
    pub idle: Millis,
    /// How long a call rings on when the focus user may not join the group room yet: its invitation may be on the way.
    /// Default 5 s.
    pub invitation_grace: Millis,
    /// How long an answered call may take to connect. Default 30 s.
    pub connect_timeout: Millis,
    /// How long an interrupted call may take to recover. Default 30 s, the time after which js-sdk gives up itself.
    pub reconnect_grace: Millis,
    /// What happens when a participant calls from a second device.
    pub second_device: SecondDevice,
    /// Rooms in which the focus stays for good: R7 and R8 are off there.
    pub stay: BTreeSet<RoomKey>,
    /// What may grow, and how far.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            linger: Millis::from_secs(10),
            idle: Millis::from_secs(300),
            invitation_grace: Millis::from_secs(5),
            connect_timeout: Millis::from_secs(30),
            reconnect_grace: Millis::from_secs(30),
            second_device: SecondDevice::default(),
            stay: BTreeSet::new(),
            limits: Limits::default(),
        }
    }
}

/// What happens when a participant calls from a second device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondDevice {
    /// The new call takes the place of the old one.
    #[default]
    Replace,
    /// Both go on; neither hears the other.
    Add,
}

/// Bounds on whatever a peer can make grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in one conference, ringing ones included. Default 500.
    pub legs_per_conference: usize,
    /// Conferences at a time. Default 1000.
    pub conferences: usize,
    /// 1:1 rooms at a time. Default 100,000.
    pub direct_rooms: usize,
    /// Candidates kept for one call before its media is set up. Default 128.
    pub candidates_per_call: usize,
    /// Calls whose candidates came before their invite. Default 256.
    pub early_calls: usize,
    /// Ended calls that are remembered, so that a late invite of theirs is not answered. Default 10,000.
    pub ended_calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            legs_per_conference: 500,
            conferences: 1000,
            direct_rooms: 100_000,
            candidates_per_call: 128,
            early_calls: 256,
            ended_calls: 10_000,
        }
    }
}
