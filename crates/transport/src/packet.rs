//! The packet side of calls, as the thread that mixes sees it: one port for many calls, [`PacketPort`].
//!
//! How packets are carried and protected never lives here, nor what is in a payload.

use std::fmt;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sdp::AudioCodec;

/// A call on a port, numbered over the life of the transport: no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// The packets of all calls of one shard. It belongs to one thread, which drives it: [`wait`](Self::wait), then
/// [`receive`](Self::receive), then [`send`](Self::send) as much as there is. Only `wait` blocks.
///
/// It has to be driven also while no call is in a mix: connections come up by it.
pub trait PacketPort: Send + 'static {
    /// Ends a [`wait`](Self::wait), from any thread.
    fn waker(&self) -> Waker;

    /// Waits until packets may have come, until someone called the waker, or for the deadline. May return early.
    fn wait(&mut self, deadline: Option<Instant>);

    /// Hands over what has arrived: each packet that was authenticated, in the order of arrival. Also does what is due for the
    /// connections themselves.
    fn receive(&mut self, take: impl FnMut(LinkId, AudioPacket<'_>));

    /// Sends one packet under its stream's next sequence number. It may be gathered with others: it has left with the next
    /// [`wait`](Self::wait) or [`receive`](Self::receive) at the latest.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the packet was dropped.
    fn send(&mut self, link: LinkId, packet: OutgoingAudio<'_>) -> Result<(), SendError>;

    /// What has passed on a call; `None` for one that is not there.
    fn stats(&self, link: LinkId) -> Option<LinkStats>;
}

/// One received RTP packet (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioPacket<'a> {
    /// What is in it: what was agreed on, all else is dropped.
    pub codec: AudioCodec,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in the codec's clock ([`AudioCodec::clock_rate`]).
    pub timestamp: u32,
    /// The first packet after a pause.
    pub marker: bool,
    /// What the sender claims as its level, in −dBov: 0 is the loudest, 127 is silence (RFC 6464).
    pub claimed_level: Option<u8>,
    /// The coded sound.
    pub payload: &'a [u8],
    /// When it arrived.
    pub arrival: Instant,
}

/// One RTP packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingAudio<'a> {
    /// The sound, coded as was agreed on.
    pub payload: &'a [u8],
    /// Counts in the codec's clock ([`AudioCodec::clock_rate`]) from a start of the sender's choosing; the port adds the random
    /// offset that RFC 3550 section 5.1 asks for.
    pub timestamp: u32,
    /// The first packet after a pause (RFC 3551 section 4.1).
    pub marker: bool,
}

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is not up yet: it has no keys, or no address to send to.
    #[error("the connection is not up yet")]
    NotReady,
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
    /// It is larger than a datagram may be, or its keys are used up.
    #[error("the packet can't be protected")]
    Unfit,
    /// There was no room for it. What the network did not take is not told here, but counted ([`LinkStats::unsent`]).
    #[error("there is no room for the packet")]
    Full,
}

/// Packets of one call, counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Received, authenticated and handed over.
    pub received: u64,
    /// Received and dropped, because their payload type is not the one that was agreed on.
    pub foreign: u64,
    /// Received and dropped, because they were not authentic: forged, damaged, or under keys that are gone.
    pub unauthentic: u64,
    /// Received and dropped, because they had come before.
    pub replayed: u64,
    /// Reports received (RTCP, RFC 3550 section 6), compound ones as one.
    pub reports: u64,
    /// Given to the network.
    pub sent: u64,
    /// Not sent, because the network took no more.
    pub unsent: u64,
    /// What the caller says it has missed of ours lately, in 1/256 (RFC 3550 section 6.4.1); `None` before its first report.
    pub missed: Option<u8>,
    /// How many such reports on our stream have come: a new one tells news, also if it says the same.
    pub told_missed: u64,
    /// The time to the caller and back, by its last report.
    pub round_trip: Option<Duration>,
    /// How unevenly the caller's packets come (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// Packets of the caller that never came, as far as its numbering tells.
    pub lost: u64,
}

impl LinkStats {
    /// All that came from the caller and was authentic, whatever became of it.
    #[must_use]
    pub const fn arrived(&self) -> u64 {
        self.received + self.foreign + self.reports
    }
}
